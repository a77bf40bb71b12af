"""Settlements of the demo county: one paid, one approved, one that waits for a second person; and where each cooperative is paid, marked 示例."""

import contextlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from shop.acts.settle_cooperative import draft_settlement
from shop.demo import people
from shop.demo.county import County
from shop.extensions import reading
from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId, UserId
from shop.ledger.errors import DraftOpen, NothingToSettle, SettlementDecided
from shop.ledger.settlements import approve_settlement, pay_settlement
from shop.origin import queries as origin
from shop.origin.service import set_bank_account

FINANCE, ADMIN = "finance@demo.test", "admin@demo.test"


def tell_settlements(county: County, users: Mapping[str, UserId], *, day: date, now: datetime) -> int:
    """Tell them up to the last two months before `day`; how many there are. Telling it again changes nothing."""
    for place, cooperative_id in enumerate(sorted(county.cooperatives.values()), start=1):
        _open_account(cooperative_id, place, users[FINANCE], now)
    last_month_ends = day.replace(day=1) - timedelta(days=1)
    before_ends = last_month_ends.replace(day=1) - timedelta(days=1)
    packers = county.cooperatives[people.PACKERS_COOPERATIVE]
    others = [id_ for _slug, id_ in sorted(county.cooperatives.items()) if id_ != packers]
    told = 0
    for cooperative_id, last_day, steps in ((packers, before_ends, 2), (packers, last_month_ends, 1)):
        told += _settle(cooperative_id, last_day, steps, users, now)
    for cooperative_id in others:
        if drawn := _settle(cooperative_id, last_month_ends, 0, users, now):
            told += drawn
            break
    return told


def _open_account(cooperative_id: CooperativeId, place: int, by: UserId, now: datetime) -> None:
    with reading():
        if origin.find_bank_account(cooperative_id) is not None:
            return
    set_bank_account(
        cooperative_id,
        payee=f"示例合作社收款户 {place}",
        number=f"0000000000{place:06d}",
        bank="示例银行碧江支行",
        is_sample=True,
        by=by,
        now=now,
    )


def _settle(cooperative_id: CooperativeId, last_day: date, steps: int, users: Mapping[str, UserId], now: datetime) -> int:
    """Draw up; with one step also approve, with two also pay."""
    once = f"demo:{cooperative_id}:{last_day}"
    try:
        number = draft_settlement(cooperative_id, last_day=last_day, once=once, by=users[FINANCE], now=now)
    except (NothingToSettle, DraftOpen):  # a season of few sales, or somebody has been at work here
        return 0
    with contextlib.suppress(SettlementDecided):  # told before
        if steps > 0:
            approve_settlement(number, by=users[ADMIN], now=now)
    with contextlib.suppress(SettlementDecided):
        if steps > 1:
            pay_settlement(number, reference=f"示例-{number}", paid_on=business_day(now), by=users[FINANCE], now=now)
    return 1
