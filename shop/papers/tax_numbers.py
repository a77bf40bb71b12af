"""Tax numbers 纳税人识别号 of those whom a fapiao is made out to, told from slips of the pen by their check digits.

Pure. Eighteen signs: the unified social credit code (GB 32100-2015), or a person's identity number, used by small traders. Fifteen signs: the older
number, six digits of a district and the nine of an organisation code (GB 11714-1997). Twenty: an older small trader's, an identity number
(GB 11643-1999) and two further digits.
"""

import re
from datetime import date
from enum import StrEnum

from shop.kit.regions import region_path
from shop.kit.text import fold

_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100: no I, O, S, V, Z."""
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_PERSON_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_PERSON_CHECKS = "10X98765432"

_UNIFIED = re.compile(rf"[{_SIGNS}]{{2}}[0-9]{{6}}[{_SIGNS}]{{10}}", re.ASCII)
_OLD = re.compile(r"[0-9]{6}[0-9A-Z]{8}[0-9X]", re.ASCII)
_PERSON = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)


class WrongNumber(StrEnum):
    """What is wrong with a tax number."""

    MISSING = "missing"
    LENGTH = "length"
    """Neither 18 signs, nor an older one's 15 or 20."""
    SIGNS = "signs"
    """A sign stands where none such may: I, O, S, V and Z are in no number."""
    CHECK = "check"
    """The check digit does not fit: a sign is wrong or two are swapped."""


def read_tax_number(typed: str) -> str | WrongNumber:
    """The number as it is kept, in capitals without gaps; or what is wrong with what was typed."""
    number = re.sub(r"[\s\-‐–—]+", "", fold(typed)).upper()
    if not number:
        return WrongNumber.MISSING
    if len(number) == 18:
        return _eighteen(number)
    if len(number) == 15:
        return _checked(number, is_formed=bool(_OLD.fullmatch(number)), is_right=_is_organisation(number[6:]))
    if len(number) == 20:
        is_formed = bool(_PERSON.fullmatch(number[:18])) and number[18:].isascii() and number[18:].isdecimal()
        return _checked(number, is_formed=is_formed, is_right=is_formed and is_person(number[:18]))
    return WrongNumber.LENGTH


def _eighteen(number: str) -> str | WrongNumber:
    if _PERSON.fullmatch(number) and is_person(number):
        return number
    return _checked(number, is_formed=bool(_UNIFIED.fullmatch(number)), is_right=is_unified(number))


def _checked(number: str, *, is_formed: bool, is_right: bool) -> str | WrongNumber:
    if not is_formed:
        return WrongNumber.SIGNS
    return number if is_right else WrongNumber.CHECK


def is_unified(number: str) -> bool:
    """Whether eighteen signs are a unified social credit code: the last makes Σ sign × 3^place divisible by 31 (GB 32100-2015, 5)."""
    if not _UNIFIED.fullmatch(number):
        return False
    values = [_SIGNS.index(sign) for sign in number]
    total = sum(value * weight for value, weight in zip(values, _WEIGHTS, strict=False))
    return values[17] == (31 - total % 31) % 31


def _is_organisation(code: str) -> bool:
    """Whether nine signs are an organisation code (GB 11714-1997): letters count from A = 10; the check is 11 − Σ mod 11, X for 10, 0 for 11."""
    if len(code) != 9 or not (code[:8].isascii() and code[:8].isalnum()):
        return False
    total = sum(int(sign, 36) * weight for sign, weight in zip(code, _ORGANISATION_WEIGHTS, strict=False))
    return code[8] == "0123456789X0"[11 - total % 11]


def is_person(number: str) -> bool:
    """Whether eighteen signs are an identity number: a province, a day that was, and the check of ISO 7064 MOD 11-2 (GB 11643-1999)."""
    if not _PERSON.fullmatch(number) or not region_path(number[:2] + "0000"):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return number[17] == _PERSON_CHECKS[sum(int(sign) * weight for sign, weight in zip(number, _PERSON_WEIGHTS, strict=False)) % 11]
