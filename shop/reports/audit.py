"""The audit log: who did what to what, with before and after. Reads only; the rows are append-only by trigger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, select

from shop.accounts.models import User
from shop.extensions import db, row_as, rows_as
from shop.kit.clock import day_ends, day_starts
from shop.kit.ids import UserId
from shop.outbox.models import AuditRow

PAGE_ROWS = 50
MOST_EXPORTED = 100_000


@dataclass(frozen=True)
class Wanted:
    """What is looked for; empty fields let everything pass."""

    subject: str = ""
    """The beginning of what it is about: an order's number, `lot`, `user:42`."""
    actions: tuple[str, ...] | None = None
    """Deeds by name; None for all."""
    by: UserId | None = None
    since: date | None = None
    until: date | None = None

    def clauses(self) -> Iterator[ColumnElement[bool]]:
        """The conditions."""
        if self.subject:
            yield AuditRow.subject.startswith(self.subject, autoescape=True)
        if self.actions is not None:
            yield AuditRow.action.in_(self.actions)
        if self.by is not None:
            yield AuditRow.by_user_id == self.by
        if self.since:
            yield AuditRow.at >= day_starts(self.since)
        if self.until:
            yield AuditRow.at < day_ends(self.until)


@dataclass(frozen=True)
class Deed:
    """One row of the log."""

    id: int
    at: datetime
    by_user_id: UserId | None
    by_name: str | None
    action: str
    subject: str
    facts: Mapping[str, object]

    @property
    def before(self) -> object:
        """How it was, if the deed says so."""
        return self.facts.get("before", self.facts.get("was"))

    @property
    def after(self) -> object:
        """How it is since."""
        return self.facts.get("after", self.facts.get("now"))

    @property
    def besides(self) -> dict[str, object]:
        """What else it says: reasons, sums, counts."""
        return {name: value for name, value in self.facts.items() if name not in ("before", "after", "was", "now")}


@dataclass(frozen=True)
class AuditPage:
    """One page of the log, the latest first."""

    deeds: tuple[Deed, ...]
    count: int
    page: int
    pages: int


def read_audit(wanted: Wanted, *, page: int) -> AuditPage:
    """One page, by two statements."""
    count = db.session.scalar(select(func.count()).select_from(AuditRow).where(*wanted.clauses())) or 0
    rows = _rows(wanted).limit(PAGE_ROWS).offset((page - 1) * PAGE_ROWS)
    return AuditPage(tuple(rows_as(Deed, db.session.execute(rows))), count, page, max(1, -(-count // PAGE_ROWS)))


def export_audit(wanted: Wanted) -> Iterator[Deed]:
    """Every row that is looked for, the latest first, at most `MOST_EXPORTED`."""
    return (row_as(Deed, row) for row in db.session.execute(_rows(wanted).limit(MOST_EXPORTED)))


def _rows(wanted: Wanted) -> Select[int, datetime, int | None, str, str, str, dict[str, object]]:
    columns = (AuditRow.id, AuditRow.at, AuditRow.by_user_id, User.name, AuditRow.action, AuditRow.subject, AuditRow.facts)
    found = select(*columns).outerjoin(User, User.id == AuditRow.by_user_id).where(*wanted.clauses())
    return found.order_by(AuditRow.id.desc())
