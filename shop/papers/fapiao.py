"""Requests for a fapiao: asked with an order or after it, answered by staff, and followed by a red-letter one when money goes back.

Law: a request changes no figure; the shop writes down what the tax office's own system has issued. One order, one request.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, insert, select, update

from shop.extensions import act, columns_of, db, require_transaction, table_of
from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import FapiaoId, OrderId, UserId
from shop.outbox import service as outbox
from shop.papers.models import Fapiao, FapiaoKind, FapiaoState

_row = columns_of(Fapiao)
_INSERT = insert(table_of(Fapiao))
_LOCK = (
    select(_row.id, _row.order_id, _row.state, _row.issued_on, _row.amount_fen, _row.red_fen)
    .where(_row.id == bindparam("given"))
    .with_for_update()
)


@dataclass(frozen=True)
class FapiaoWanted:
    """Whom a fapiao is made out to, checked."""

    kind: FapiaoKind
    title: str
    tax_number: str | None
    email: str


class NoSuchFapiao(NotFound):
    """There is no such request."""


class AlreadyDecided(Conflict):
    """It was issued or refused meanwhile."""


class NothingRed(Refused):
    """It was not issued, or no more went back than its red-letter fapiao stand for."""


class BeforeIssue(Refused):
    """Issued on a day to come, or a red-letter one before the fapiao it takes back."""


def ask(order_id: OrderId, wanted: FapiaoWanted, *, now: datetime) -> None:
    """Step. Write down what the buyer wants; the order, which is locked or new, has none yet."""
    require_transaction()
    db.session.execute(
        _INSERT,
        {
            "order_id": order_id,
            "kind": wanted.kind,
            "title": wanted.title,
            "tax_number": wanted.tax_number,
            "email": wanted.email,
            "state": FapiaoState.ASKED,
            "why": "",
            "asked_at": now,
            "red_fen": 0,
            "red_number": "",
        },
    )


def ask_again(order_id: OrderId, wanted: FapiaoWanted, *, now: datetime) -> None:
    """Step. Ask for it after all, or otherwise while nobody has issued it; a refused one is asked anew. Raises AlreadyDecided."""
    require_transaction()
    found = db.session.execute(select(_row.id, _row.state).where(_row.order_id == order_id).with_for_update()).one_or_none()
    if found is None:
        ask(order_id, wanted, now=now)
        return
    if found.state is FapiaoState.ISSUED:
        raise AlreadyDecided
    values = {"kind": wanted.kind, "title": wanted.title, "tax_number": wanted.tax_number, "email": wanted.email}
    anew = {"state": FapiaoState.ASKED, "why": "", "asked_at": now, "decided_at": None, "decided_by": None}
    db.session.execute(update(table_of(Fapiao)).where(_row.id == found.id).values(**values, **anew))


@act
def issue(fapiao_id: FapiaoId, *, number: str, amount_fen: int, issued_on: date, today: date, by: UserId, now: datetime) -> None:
    """It was issued under this number, for what the buyer had paid. Raises NoSuchFapiao, AlreadyDecided or BeforeIssue."""
    found = _lock(fapiao_id)
    if found.state is not FapiaoState.ASKED:
        raise AlreadyDecided
    if issued_on > today:
        raise BeforeIssue
    values = {
        "state": FapiaoState.ISSUED,
        "number": number,
        "issued_on": issued_on,
        "amount_fen": amount_fen,
        "decided_at": now,
        "decided_by": by,
    }
    facts = {"before": {"state": found.state}, "after": {"state": FapiaoState.ISSUED, "amount_fen": amount_fen}}
    _decide(fapiao_id, values, "fapiao.issued", facts | {"number": number, "on": issued_on.isoformat()}, by=by, now=now)


@act
def refuse(fapiao_id: FapiaoId, *, why: str, by: UserId, now: datetime) -> None:
    """It is not issued; the buyer reads why. Raises NoSuchFapiao or AlreadyDecided."""
    if _lock(fapiao_id).state is not FapiaoState.ASKED:
        raise AlreadyDecided
    values = {"state": FapiaoState.REFUSED, "why": why, "decided_at": now, "decided_by": by}
    facts: dict[str, object] = {"before": {"state": FapiaoState.ASKED}, "after": {"state": FapiaoState.REFUSED}}
    _decide(fapiao_id, values, "fapiao.refused", facts, by=by, now=now)  # without the words, which may name the buyer


@act
def take_back(fapiao_id: FapiaoId, *, due_fen: int, number: str, on: date, today: date, by: UserId, now: datetime) -> None:
    """A red-letter fapiao was issued for `due_fen`, what went back since. Raises NoSuchFapiao, NothingRed or BeforeIssue."""
    found = _lock(fapiao_id)
    if found.issued_on is None or found.amount_fen is None or not 0 < due_fen <= found.amount_fen - found.red_fen:
        raise NothingRed
    if on > today or on < found.issued_on:
        raise BeforeIssue
    values = {"red_fen": found.red_fen + due_fen, "red_number": number, "red_on": on}
    facts = {"before": {"red_fen": found.red_fen}, "after": {"red_fen": found.red_fen + due_fen}}
    _decide(fapiao_id, values, "fapiao.red", facts | {"number": number, "on": on.isoformat()}, by=by, now=now)


@dataclass(frozen=True)
class _Locked:
    id: FapiaoId
    order_id: OrderId
    state: FapiaoState
    issued_on: date | None
    amount_fen: int | None
    red_fen: int


def _lock(fapiao_id: FapiaoId) -> _Locked:
    row = db.session.execute(_LOCK, {"given": fapiao_id}).one_or_none()
    if row is None:
        raise NoSuchFapiao
    return _Locked(*row)


def _decide(fapiao_id: FapiaoId, values: dict[str, object], kind: str, facts: dict[str, object], *, by: UserId, now: datetime) -> None:
    db.session.execute(update(table_of(Fapiao)).where(_row.id == fapiao_id).values(**values))
    outbox.write_audit(kind, subject=f"fapiao:{fapiao_id}", by=by, facts=facts, now=now)
