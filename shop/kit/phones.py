"""Mobile numbers of mainland China: eleven digits, as people write them and as the shop keeps them."""

import re

from shop.kit.text import fold

_SIGNS = re.compile(r"[\s\-‐‑–—.()·]+")
_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})", re.ASCII)
"""Numbering plan of the Ministry of Industry and Information Technology: mobile numbers are 11 digits beginning with 13 to 19."""


def find_mobile(text: str) -> str | None:
    """The eleven digits of a mobile number, or nothing if `text` is not one.

    Full-width digits, spaces, hyphens, dots and brackets are let pass, and the country code with or without `+` or `00`.
    """
    found = _MOBILE.fullmatch(_SIGNS.sub("", fold(text)))
    return found.group(1) if found else None


def digits_of(text: str) -> int:
    """How many digits somebody typed, the country code aside, for telling them how many are missing (手机号是 11 位，这里有 10 位)."""
    typed = re.sub(r"^(?:\+86|0086)", "", _SIGNS.sub("", fold(text)))
    return sum(sign.isdecimal() for sign in typed)


def masked(mobile: str) -> str:
    """A mobile number as it may be shown to somebody who need not call it: `138****3220`."""
    return f"{mobile[:3]}****{mobile[-4:]}" if len(mobile) == 11 else "*" * len(mobile)
