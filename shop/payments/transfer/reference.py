"""The short reference that a buyer writes on a bank transfer. Pure: text in, text out.

Eight signs of Crockford's base 32, of which nothing is misread, the last two a check: six signs name the attempt, and the remainder by the prime 97
finds every wrong sign and every swap of neighbours (as ISO 7064 does for account numbers).
"""

import re
from hashlib import sha256

from shop.kit.text import fold

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {sign: value for value, sign in enumerate(_SIGNS)}
_MISREAD = str.maketrans("OIL", "011")
_BETWEEN = re.compile(r"[\s‐‑‒–—_.·\-]+")
_RUNS = re.compile(r"[0-9A-Z]{8,}", re.ASCII)
_BODY, _WHOLE = 6, 8


def reference_of(once: str) -> str:
    """The reference of the attempt with this key: the same for the same key, one of 2³⁰. Whoever stores it sees to it that no other has it."""
    number = int.from_bytes(sha256(once.encode()).digest()[:4], "big") >> 2
    body = "".join(_SIGNS[number >> 5 * place & 31] for place in reversed(range(_BODY)))
    return body + _check(body)


def is_reference(text: str) -> bool:
    """Whether it is one, rightly copied."""
    return len(text) == _WHOLE and all(sign in _VALUES for sign in text) and _check(text[:_BODY]) == text[_BODY:]


def spelled(reference: str) -> str:
    """As people read it: 7K3M-9P42."""
    return f"{reference[:4]}-{reference[4:]}"


def find_references(memo: str) -> tuple[str, ...]:
    """Every reference that stands in what somebody wrote, however it is spaced or cased; O for nought, I or L for one. In their order, once."""
    text = _BETWEEN.sub("", fold(memo).upper()).translate(_MISREAD)
    found = (run[at : at + _WHOLE] for run in _RUNS.findall(text) for at in range(len(run) - _WHOLE + 1))
    return tuple(dict.fromkeys(part for part in found if is_reference(part)))


def _check(body: str) -> str:
    value = 0
    for sign in body:
        value = value * 32 + _VALUES[sign]
    return f"{value % 97:02d}"
