"""The arithmetic of two-step sign-in: codes that count with the clock (RFC 6238), codes on paper, and how both are kept.

Pure: values in, values out.
"""

import base64
import hmac
import secrets
from datetime import datetime
from hashlib import sha256

import pyotp
from cryptography.fernet import Fernet

from shop.kit.keys import derived_key

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""A telephone's clock may be one step wrong either way (RFC 6238, section 5.2)."""
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike on paper."""


def new_secret() -> str:
    """160 random bits in base 32, as authenticators take them."""
    return pyotp.random_base32()


def seal(secret: str, shop_secret: str) -> str:
    """The secret as the database may hold it."""
    return _fernet(shop_secret).encrypt(secret.encode()).decode()


def unseal(sealed: str, shop_secret: str) -> str:
    """The secret again. Raises cryptography's InvalidToken when the shop's own secret has changed since."""
    return _fernet(shop_secret).decrypt(sealed.encode()).decode()


def _fernet(shop_secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived_key(shop_secret, "two-steps")))


def enrolment_address(secret: str, name: str) -> str:
    """What the QR code says to an authenticator."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Shanhai Market")


def step_of(code: str, secret: str, now: datetime) -> int | None:
    """The step of time that this code is of, if it is one that may be typed now; every candidate is compared, whichever fits."""
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    fits = [
        step
        for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
    ]
    return fits[-1] if fits else None


def code_at(secret: str, now: datetime) -> str:
    """What a telephone with a right clock shows."""
    return pyotp.TOTP(secret).generate_otp(int(now.timestamp()) // STEP_SECONDS)


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes of 49 bits each, as `abcde-fghjk`."""
    return tuple("-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES))


def hash_recovery_code(code: str, shop_secret: str) -> str:
    """What the table keeps of it, however it was typed."""
    bare = "".join(sign for sign in code.lower() if sign.isalnum())
    return hmac.new(derived_key(shop_secret, "recovery"), bare.encode(), sha256).hexdigest()
