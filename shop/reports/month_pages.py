"""What the pages of months show: a month's figures as they were frozen, or as they stand while it is open; and whether a period is closed for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, text

from shop.accounts.models import User
from shop.extensions import db
from shop.kit.errors import NotFound
from shop.ledger import closing
from shop.ledger.models import Account, AccountKind, Entry, MonthClosing, Period
from shop.ledger.service import last_closed_month
from shop.origin.models import Cooperative, Village
from shop.reports.periods import Period as Days


@dataclass(frozen=True)
class BalanceRow:
    """An account in a month."""

    code: str
    kind: AccountKind
    currency: str
    debit_fen: int
    credit_fen: int
    balance_fen: int


@dataclass(frozen=True)
class VillageRow:
    """A village in a month; refunds are nought or less."""

    village: str
    village_en: str
    cooperative: str
    cooperative_en: str
    gross_fen: int
    refunds_fen: int


@dataclass(frozen=True)
class MonthPage:
    """A month of the books."""

    month: str
    first_day: date
    last_day: date
    entries: int
    postings: int
    attributions: int
    balances: tuple[BalanceRow, ...]
    villages: tuple[VillageRow, ...]
    closed_at: datetime | None
    closed_by: str | None
    """None of a closed month: by a command."""


def month_page(month: str) -> MonthPage:
    """A month with entries: `2026-10`. A closed one is read from what was stored when it was closed. Raises NotFound."""
    try:
        since, until = closing.days_of(month)
    except ValueError as error:
        raise NotFound from error
    days = {"since": since, "until": until}
    counts = tuple(db.session.execute(closing.COUNTS, days).one())
    if not counts[0]:
        raise NotFound
    closed = db.session.execute(
        select(MonthClosing.closed_at, MonthClosing.entries, MonthClosing.postings, MonthClosing.attributions, User.name)
        .outerjoin(User, User.id == MonthClosing.closed_by)
        .where(MonthClosing.month == month)
    ).one_or_none()
    if closed is None:
        balances = db.session.execute(closing.dated(closing.BALANCES), days).all()
        villages = db.session.execute(closing.dated(closing.VILLAGES), days).all()
    else:
        counts = tuple(closed[1:4])
        stored = {"month": month}
        columns = "account_id, currency, debit_fen, credit_fen, balance_fen"
        balances = db.session.execute(text(f"select {columns} from month_balances where month = :month"), stored).all()
        columns = "cooperative_id, village_id, gross_fen, refunds_fen"
        villages = db.session.execute(text(f"select {columns} from month_villages where month = :month"), stored).all()
    return MonthPage(
        month=month,
        first_day=since,
        last_day=until,
        entries=counts[0],
        postings=counts[1],
        attributions=counts[2],
        balances=tuple(_balances(balances)),
        villages=tuple(_villages(villages)),
        closed_at=closed.closed_at if closed else None,
        closed_by=closed.name if closed else None,
    )


def _balances(rows: Sequence[Sequence[object]]) -> list[BalanceRow]:
    known = {row.id: row for row in db.session.execute(select(Account.id, Account.code, Account.kind))}
    found = [BalanceRow(known[row[0]].code, known[row[0]].kind, str(row[1]), *(int(str(figure)) for figure in row[2:5])) for row in rows]
    return sorted(found, key=lambda row: (row.code, row.currency))


def _villages(rows: Sequence[Sequence[object]]) -> list[VillageRow]:
    villages = {row.id: row for row in db.session.execute(select(Village.id, Village.name, Village.name_en))}
    cooperatives = {row.id: row for row in db.session.execute(select(Cooperative.id, Cooperative.short_name, Cooperative.name_en))}
    found = []
    for cooperative_id, village_id, gross, refunds in rows:
        village, cooperative = villages[village_id], cooperatives[cooperative_id]
        gross_fen, refunds_fen = int(str(gross)), int(str(refunds))
        found.append(VillageRow(village.name, village.name_en, cooperative.short_name, cooperative.name_en, gross_fen, refunds_fen))
    return sorted(found, key=lambda row: -(row.gross_fen + row.refunds_fen))


def closed_up_to(days: Days) -> bool:
    """Whether every day of a period of whole months is closed for good: its figures by posting date never change again."""
    if not days.is_months:
        return False
    return f"{days.until:%Y-%m}" <= last_closed_month()


@dataclass(frozen=True)
class MonthRow:
    """A month in the list."""

    month: str
    entries: int
    closed_at: datetime | None


def month_rows() -> list[MonthRow]:
    """Every month with entries, the latest first. Two statements."""
    by_day = db.session.execute(select(Entry.business_day, func.count()).group_by(Entry.business_day))
    counts: dict[str, int] = {}
    for day, count in by_day:
        counts[f"{day:%Y-%m}"] = counts.get(f"{day:%Y-%m}", 0) + count
    closed = dict(db.session.execute(select(Period.month, Period.closed_at)).all())
    return [MonthRow(month, count, closed.get(month)) for month, count in sorted(counts.items(), reverse=True)]
