"""Saved reports, and letters that bring them every week or month.

Law: a report is its saver's, or shared with all who may read reports; a letter is its reader's alone. A letter that is due is one row, unique, written in
one transaction with the letter; whoever may no longer read reports gets none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Row, Select, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from shop.accounts.queries import find_account
from shop.accounts.roles import Permission, permissions_of
from shop.extensions import act, db, dialect, reading, table_of
from shop.kit.clock import business_day
from shop.kit.errors import Conflict, NotFound
from shop.kit.ids import UserId
from shop.outbox.service import write_audit, write_letter
from shop.reports.periods import Period, month_of, period_before, so_far, year_of
from shop.reports.questions import Question, facts_of, question_of
from shop.reports.saved_models import Every, ReportLetter, ReportLetterDue, Rolling, SavedReport

MOST_SAVED = 200
LETTER = "report_due"


class NameTaken(Conflict):
    """One has saved another report under this name."""


@dataclass(frozen=True)
class Saved:
    """A saved report as its list shows it."""

    id: int
    name: str
    question: Question
    rolling: Rolling
    is_shared: bool
    is_own: bool
    every: Every | None
    """How often the reader gets it as a letter."""

    def of(self, today: date) -> Question:
        """The question for today."""
        period = rolled(self.rolling, today)
        return replace(self.question, period=period) if period else self.question


def rolled(rolling: Rolling, today: date) -> Period | None:
    """The days that are meant today; None: those it was saved with."""
    if rolling is Rolling.LAST_WEEK:
        return due_period(Every.WEEK, today)
    months = {
        Rolling.THIS_MONTH: so_far(month_of(today), today),
        Rolling.LAST_MONTH: period_before(month_of(today)),
        Rolling.THIS_YEAR: so_far(year_of(today), today),
    }
    return months.get(rolling)


def last_due(every: Every, today: date) -> date:
    """The latest day on which such a letter was due: a Monday, or a first of the month."""
    return today - timedelta(days=today.weekday()) if every is Every.WEEK else today.replace(day=1)


def due_period(every: Every, due_on: date) -> Period:
    """What a letter of that day tells: the whole week or month before."""
    first = last_due(every, due_on)
    return Period(first - timedelta(days=7), first - timedelta(days=1)) if every is Every.WEEK else period_before(month_of(first))


# ── Saving ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def save_report(question: Question, name: str, *, rolling: Rolling, is_shared: bool, by: UserId, now: datetime) -> int:
    """Keep a question under a name. Raises NameTaken."""
    values = {"by_user_id": by, "name": name, "question": facts_of(question), "rolling": rolling, "is_shared": is_shared, "created_at": now}
    try:
        saved_id = db.session.scalar(insert(SavedReport).values(**values).returning(SavedReport.id))
    except IntegrityError as error:
        raise NameTaken from error
    assert saved_id is not None
    write_audit("report_saved", subject=f"report:{saved_id}", by=by, facts={"after": {"shared": is_shared}}, now=now)
    return int(saved_id)


@act
def forget_report(saved_id: int, *, by: UserId, now: datetime) -> None:
    """No longer keep one's own report, nor send it to anybody. Raises NotFound."""
    is_shared = db.session.scalar(select(SavedReport.is_shared).where(SavedReport.id == saved_id, SavedReport.by_user_id == by))
    if is_shared is None:
        raise NotFound
    letters = select(ReportLetter.id).where(ReportLetter.saved_id == saved_id)
    for rows in (
        delete(ReportLetterDue).where(ReportLetterDue.letter_id.in_(letters)),
        delete(ReportLetter).where(ReportLetter.saved_id == saved_id),
        delete(SavedReport).where(SavedReport.id == saved_id),
    ):
        db.session.execute(rows, execution_options={"synchronize_session": False})
    write_audit("report_forgotten", subject=f"report:{saved_id}", by=by, facts={"before": {"shared": is_shared}}, now=now)


def list_saved(by: UserId) -> Sequence[Saved]:
    """One's own and those that are shared, by name."""
    return [_saved(row, by) for row in db.session.execute(_query(by).order_by(SavedReport.name, SavedReport.id).limit(MOST_SAVED))]


def get_saved(saved_id: int, by: UserId) -> Saved:
    """One of them. Raises NotFound."""
    row = db.session.execute(_query(by).where(SavedReport.id == saved_id)).one_or_none()
    if row is None:
        raise NotFound
    return _saved(row, by)


def _query(by: UserId) -> Select[SavedReport, Every | None]:
    is_wanted = (ReportLetter.saved_id == SavedReport.id) & (ReportLetter.user_id == by) & ReportLetter.stopped_at.is_(None)
    return (
        select(SavedReport, ReportLetter.every)
        .outerjoin(ReportLetter, is_wanted)
        .where(or_(SavedReport.by_user_id == by, SavedReport.is_shared))
    )


def _saved(row: Row[SavedReport, Every | None], by: UserId) -> Saved:
    report, every = row
    return Saved(report.id, report.name, question_of(report.question), report.rolling, report.is_shared, report.by_user_id == by, every)


# ── Letters ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def want_letters(saved_id: int, every: Every | None, *, locale: str, by: UserId, now: datetime) -> None:
    """Get a report every week or month from the next due day on; None: no longer. Raises NotFound."""
    get_saved(saved_id, by)
    letter_id = db.session.scalar(select(ReportLetter.id).where(ReportLetter.saved_id == saved_id, ReportLetter.user_id == by))
    since = business_day(now) + timedelta(days=1)
    if every is None:
        db.session.execute(update(ReportLetter).where(ReportLetter.id == letter_id).values(stopped_at=now))
    elif letter_id is None:
        db.session.execute(insert(ReportLetter).values(saved_id=saved_id, user_id=by, every=every, locale=locale, since=since))
    else:
        values = {"every": every, "locale": locale, "since": since, "stopped_at": None}
        db.session.execute(update(ReportLetter).where(ReportLetter.id == letter_id).values(**values))


@act
def stop_letters(letter_id: int, *, now: datetime) -> None:
    """By the key in a letter: no more of them. Said twice, it is one."""
    db.session.execute(update(ReportLetter).where(ReportLetter.id == letter_id, ReportLetter.stopped_at.is_(None)).values(stopped_at=now))


def write_due_letters(*, now: datetime) -> int:
    """Sweep. Leave a letter for every due day that has none yet, the latest only; how many."""
    today = business_day(now)
    with reading():
        wanted = db.session.execute(
            select(ReportLetter.id, ReportLetter.every, ReportLetterDue.due_on)
            .outerjoin(
                ReportLetterDue,
                (ReportLetterDue.letter_id == ReportLetter.id)
                & (ReportLetterDue.due_on >= last_due(Every.MONTH, today) - timedelta(days=7)),
            )
            .where(ReportLetter.stopped_at.is_(None), ReportLetter.since <= today)
        ).all()
    written: dict[int, set[date]] = {}
    for letter_id, _every, due_on in wanted:
        written.setdefault(letter_id, set()).add(due_on)
    due = {(letter_id, last_due(every, today)) for letter_id, every, _due_on in wanted}
    return sum(_write(letter_id, due_on, now) for letter_id, due_on in sorted(due) if due_on not in written[letter_id])


@act
def _write(letter_id: int, due_on: date, now: datetime) -> int:
    letter = db.session.get(ReportLetter, letter_id)
    if letter is None or letter.stopped_at is not None or letter.since > due_on:
        return 0
    is_first = db.session.scalar(_INSERT_DUE[dialect()], {"letter_id": letter_id, "due_on": due_on})
    account = find_account(UserId(letter.user_id))
    if is_first is None or account is None or Permission.READ_REPORTS not in permissions_of(account.roles, is_member=False):
        return 0
    write_letter(
        LETTER,
        once=f"{LETTER}:{letter_id}:{due_on}",
        subject=f"report:{letter.saved_id}",
        locale=letter.locale,
        to_email=account.email,
        to_phone=account.phone,
        facts={"letter_id": letter_id, "due_on": due_on.isoformat()},
        now=now,
    )
    return 1


_INSERT_DUE = {
    "postgresql": postgresql.insert(table_of(ReportLetterDue)).on_conflict_do_nothing().returning(ReportLetterDue.letter_id),
    "sqlite": sqlite.insert(table_of(ReportLetterDue)).on_conflict_do_nothing().returning(ReportLetterDue.letter_id),
}


@dataclass(frozen=True)
class DueLetter:
    """What a letter is about."""

    letter_id: int
    saved_id: int
    name: str
    question: Question


def find_due(letter_id: int, due_on: date) -> DueLetter | None:
    """The report that a letter of that day tells; None if nobody wants it any more, or may not read it."""
    row = db.session.execute(
        select(SavedReport, ReportLetter.every, ReportLetter.user_id)
        .join(ReportLetter, ReportLetter.saved_id == SavedReport.id)
        .where(ReportLetter.id == letter_id, ReportLetter.stopped_at.is_(None))
    ).one_or_none()
    account = find_account(UserId(row.user_id)) if row else None
    if row is None or account is None or Permission.READ_REPORTS not in permissions_of(account.roles, is_member=False):
        return None
    report = row[0]
    if report.by_user_id != row.user_id and not report.is_shared:
        return None
    return DueLetter(letter_id, report.id, report.name, replace(question_of(report.question), period=due_period(row.every, due_on)))
