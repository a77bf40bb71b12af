"""Writing a letter or an audit row beside its cause; claiming letters that wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shop.extensions import act, db, dialect, require_transaction, table_of
from shop.kit.ids import UserId
from shop.outbox.models import AuditRow, Letter

MOST_TRIES = 8
"""After this many failures, spread over about a day, a letter is given up and stands in the staff's list."""

_CLAIM_TIME = timedelta(minutes=5)


@dataclass(frozen=True)
class ClaimedLetter:
    """A letter in the hands of one worker until the claim runs out."""

    id: int
    kind: str
    subject: str
    locale: str
    to_email: str | None
    to_phone: str | None
    facts: Mapping[str, object]
    tries: int


def write_letter(
    kind: str,
    *,
    once: str,
    subject: str,
    locale: str,
    to_email: str | None,
    to_phone: str | None,
    facts: Mapping[str, object],
    now: datetime,
) -> None:
    """Step. Leave a letter to be sent; the same `once` again leaves nothing. Without any address there is nobody to write to, and no row."""
    require_transaction()
    if not (to_email or to_phone):
        return
    letter = {
        "kind": kind,
        "once": once,
        "subject": subject,
        "locale": locale,
        "to_email": to_email,
        "to_phone": to_phone,
        "facts": dict(facts),
        "created_at": now,
        "next_try_at": now,
        "tries": 0,
    }
    db.session.execute(_INSERT_LETTER[dialect()], letter)


_INSERT_LETTER = {
    "postgresql": postgresql.insert(table_of(Letter)).on_conflict_do_nothing().inline(),
    "sqlite": sqlite.insert(table_of(Letter)).on_conflict_do_nothing().inline(),
}
"""Inline: nobody asks for its id, and so it is said at once (shop/kit/quick.py)."""


def write_audit(action: str, *, subject: str, by: UserId | None, facts: Mapping[str, object], now: datetime) -> None:
    """Step. Record who did what. `facts` are ids, figures and reasons, never a person's data."""
    require_transaction()
    db.session.execute(insert(AuditRow).values(at=now, by_user_id=by, action=action, subject=subject, facts=dict(facts)))


@act
def claim_letters(*, now: datetime, most: int = 20) -> Sequence[ClaimedLetter]:
    """Take up to `most` letters that are due; each is out of other workers' hands for five minutes."""
    due = (
        select(Letter)
        .where(Letter.sent_at.is_(None), Letter.given_up_at.is_(None), Letter.next_try_at <= now)
        .order_by(Letter.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    letters = [
        ClaimedLetter(row.id, row.kind, row.subject, row.locale, row.to_email, row.to_phone, row.facts, row.tries + 1)
        for row in db.session.scalars(due)
    ]
    if letters:
        claimed = update(Letter).where(Letter.id.in_([letter.id for letter in letters]))
        db.session.execute(
            claimed.values(tries=Letter.tries + 1, next_try_at=now + _CLAIM_TIME), execution_options={"synchronize_session": False}
        )
    return letters


@act
def letter_sent(letter_id: int, *, now: datetime) -> None:
    """The letter has left the house."""
    db.session.execute(update(Letter).where(Letter.id == letter_id).values(sent_at=now, trouble=None))


@act
def letter_dropped(letter_id: int, *, now: datetime) -> None:
    """There was nothing to say any more, or nobody to say it to: the address is not kept."""
    db.session.execute(update(Letter).where(Letter.id == letter_id).values(sent_at=now, trouble=None, to_email=None, to_phone=None))


@act
def letter_failed(letter_id: int, trouble: str, *, tries: int, now: datetime) -> None:
    """The letter did not leave: try again later, twice as long each time, and give up after `MOST_TRIES`."""
    values: dict[str, object] = {"trouble": trouble[:200], "next_try_at": now + timedelta(minutes=5 * 2**tries)}
    if tries >= MOST_TRIES:
        values["given_up_at"] = now
    db.session.execute(update(Letter).where(Letter.id == letter_id).values(**values))
