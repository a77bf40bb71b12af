"""Passwords: Argon2id with the library's own parameters (RFC 9106, low-memory profile), re-hashed when those rise."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The Argon2id hash to store."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one behind the hash. Without a hash it takes as long as with one, so that nobody learns who has an account."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
