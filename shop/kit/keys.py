"""Keys made from the shop's own secret: for links in letters, and for what the database holds sealed.

Law: such a key stands in no row. It is made anew from the secret, what it is for, and a random seed of the row; whoever has only the
database can make none.
"""

import hmac
from hashlib import sha256


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, by HKDF's extract step (RFC 5869: HMAC-SHA-256 of the secret); two purposes share nothing."""
    return hmac.digest(f"shanhai/{purpose}".encode(), secret.encode(), sha256)


def link_key(secret: str, purpose: str, seed: str) -> str:
    """The key in a link: 128 bits as 32 hexadecimal digits, always the same for the same row."""
    return hmac.new(derived_key(secret, f"link/{purpose}"), seed.encode(), sha256).hexdigest()[:32]


def is_link_key(given: str, secret: str, purpose: str, seed: str) -> bool:
    """Whether that is the key, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode(), link_key(secret, purpose, seed).encode())
