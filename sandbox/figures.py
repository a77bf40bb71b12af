"""Sums and moments as people read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SIGNS = {"cny": "¥", "hkd": "HK$", "usd": "$", "eur": "€", "gbp": "£", "sgd": "S$", "aud": "A$", "cad": "CA$"}
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_SUM = re.compile(r"(-?)([0-9]{1,7})(?:\.([0-9]{1,2}))?\Z")


def money(amount: int, currency: str) -> str:
    """`amount` in the smallest unit, as ¥1,234.50."""
    return f"{'−' if amount < 0 else ''}{SIGNS[currency]}{figure(abs(amount))}"


def figure(amount: int) -> str:
    """`amount` in the smallest unit, without its currency."""
    return f"{amount // 100:,}.{amount % 100:02}"


def smallest_unit(text: str) -> int | None:
    """`68` or `68.5` as 6800 or 6850; None for what is no sum."""
    match = _SUM.match(text.strip().replace(",", ""))
    if match is None:
        return None
    amount = int(match[2]) * 100 + int((match[3] or "").ljust(2, "0"))
    return -amount if match[1] else amount


def clock_time(moment: int) -> str:
    """Hour and minute in Shanghai."""
    return _in_shanghai(moment).strftime("%H:%M")


def moment_text(moment: int) -> str:
    """Day and time in Shanghai."""
    return _in_shanghai(moment).strftime("%m-%d %H:%M:%S")


def full_moment(moment: int) -> str:
    """Year, day and time in Shanghai."""
    return _in_shanghai(moment).strftime("%Y-%m-%d %H:%M:%S")


def _in_shanghai(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone(_SHANGHAI)
