"""Claims as pages read them: on an order for its buyer, in lists and one by one for a cooperative and for staff.

Law: nobody's name, telephone or e-mail is read here. A cooperative is told for which cooperatives somebody works, and finds nothing of anybody else's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select

from shop.extensions import columns_of, db, row_as, table_of
from shop.kit.ids import ClaimId, CooperativeId, LineId, OrderId, PictureId, ReturnId, UserId
from shop.orders.claim_models import Claim, ClaimLine, ClaimPhoto
from shop.orders.claim_states import (
    ANSWER_WITHIN,
    OPEN_CLAIMS,
    OUR_TURN,
    PAY_WITHIN,
    SEND_WITHIN,
    TAKE_IN_WITHIN,
    ClaimKind,
    ClaimReason,
    ClaimState,
)
from shop.orders.claims import NoSuchClaim
from shop.orders.models import Order, OrderLine, RefundRequest, RequestState, Return
from shop.origin.models import Cooperative
from shop.payments.models import Refund, RefundState
from shop.pictures.models import Picture

CLAIMS_PER_PAGE = 20


@dataclass(frozen=True)
class ClaimedLine:
    """So many units of one line."""

    line_id: LineId
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    quantity: int
    sold: int
    net_fen: int

    @property
    def worth_fen(self) -> int:
        """What the units cost, rounded to the fen; what goes back exactly, the books say."""
        return (2 * self.net_fen * self.quantity + self.sold) // (2 * self.sold)


@dataclass(frozen=True)
class ClaimPicture:
    """A photograph that goes with it."""

    picture_id: PictureId
    name: str


@dataclass(frozen=True)
class ClaimMoney:
    """The refund that settled it, or that failed."""

    state: RefundState
    amount_fen: int
    by_transfer: bool
    asked_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class ClaimStory:
    """One claim."""

    id: ClaimId
    order_id: OrderId
    order_number: str
    order_key: str
    cooperative_id: CooperativeId
    cooperative_name: str
    cooperative_short_name: str
    cooperative_name_en: str
    kind: ClaimKind
    state: ClaimState
    reason: ClaimReason
    words: str
    wants_to_keep: bool
    asked_at: datetime
    answered_at: datetime | None
    answered_by: UserId | None
    must_send_back: bool | None
    we_pay_carriage: bool | None
    return_to: str
    offer_fen: int | None
    why: str
    sent_at: datetime | None
    carrier: str
    tracking_number: str
    received_at: datetime | None
    restock: bool | None
    attempt: int
    return_id: ReturnId | None
    ended_at: datetime | None
    lines: tuple[ClaimedLine, ...] = ()
    photos: tuple[ClaimPicture, ...] = ()
    money: ClaimMoney | None = None
    request: RequestState | None = None
    """Where its refund stands with a second person, if one was asked."""
    request_word: str = ""
    """Why the second person said no."""

    @property
    def is_open(self) -> bool:
        """Whether something is still to happen."""
        return self.state in OPEN_CLAIMS

    @property
    def worth_fen(self) -> int:
        """What the claimed units cost."""
        return sum(line.worth_fen for line in self.lines)

    @property
    def units(self) -> int:
        """How many units are claimed."""
        return sum(line.quantity for line in self.lines)

    @property
    def waits_for_second(self) -> bool:
        """Whether a second person has its refund before them."""
        return self.state is ClaimState.DUE and self.request is RequestState.WAITING

    @property
    def has_failed(self) -> bool:
        """Whether the provider could not send the money."""
        return self.state is ClaimState.DUE and self.return_id is not None

    @property
    def due_at(self) -> datetime | None:
        """By when whoever's turn it is should have done something."""
        if self.state is ClaimState.ASKED:
            return self.asked_at + ANSWER_WITHIN
        if self.state is ClaimState.ACCEPTED and self.answered_at:
            return self.answered_at + SEND_WITHIN
        if self.state is ClaimState.SENT and self.sent_at:
            return self.sent_at + TAKE_IN_WITHIN
        since = self.received_at or self.answered_at
        return since + PAY_WITHIN if self.state is ClaimState.DUE and since else None

    def is_late(self, now: datetime) -> bool:
        """Whether that time is over, and it is our turn."""
        return self.state in OUR_TURN and self.due_at is not None and self.due_at <= now


_claim, _line, _photo = columns_of(Claim), columns_of(ClaimLine), columns_of(ClaimPhoto)
_order, _order_line, _cooperative = columns_of(Order), columns_of(OrderLine), columns_of(Cooperative)
_return, _refund, _request, _picture = columns_of(Return), columns_of(Refund), columns_of(RefundRequest), columns_of(Picture)

_FIELDS = (
    _claim.id,
    _claim.order_id,
    _order.number,
    _order.key,
    _claim.cooperative_id,
    _cooperative.name,
    _cooperative.short_name,
    _cooperative.name_en,
    _claim.kind,
    _claim.state,
    _claim.reason,
    _claim.words,
    _claim.wants_to_keep,
    _claim.asked_at,
    _claim.answered_at,
    _claim.answered_by,
    _claim.must_send_back,
    _claim.we_pay_carriage,
    _claim.return_to,
    _claim.offer_fen,
    _claim.why,
    _claim.sent_at,
    _claim.carrier,
    _claim.tracking_number,
    _claim.received_at,
    _claim.restock,
    _claim.attempt,
    _claim.return_id,
    _claim.ended_at,
)
_CLAIMS = select(*_FIELDS).select_from(
    table_of(Claim)
    .join(table_of(Order), _order.id == _claim.order_id)
    .join(table_of(Cooperative), _cooperative.id == _claim.cooperative_id)
)
_LINES = (
    select(
        _line.claim_id,
        _line.line_id,
        _order_line.product_name,
        _order_line.product_name_en,
        _order_line.pack,
        _order_line.pack_en,
        _order_line.unit_word,
        _line.quantity,
        _order_line.quantity,
        _order_line.net_fen,
    )
    .join_from(table_of(ClaimLine), table_of(OrderLine), _order_line.id == _line.line_id)
    .where(_line.claim_id.in_(bindparam("ids", expanding=True)))
    .order_by(_line.claim_id, _order_line.position)
)
_PHOTOS = (
    select(_photo.claim_id, _photo.picture_id, _picture.name)
    .join_from(table_of(ClaimPhoto), table_of(Picture), _picture.id == _photo.picture_id)
    .where(_photo.claim_id.in_(bindparam("ids", expanding=True)))
    .order_by(_photo.claim_id, _photo.position)
)
_MONEY = (
    select(_return.id, _refund.state, _refund.amount_fen, _refund.by_transfer, _refund.asked_at, _refund.settled_at)
    .join_from(table_of(Return), table_of(Refund), _refund.once == _return.once)
    .where(_return.id.in_(bindparam("ids", expanding=True)))
)
_REQUESTS = (
    select(_request.once, _request.state, _request.word)
    .where(_request.order_id.in_(bindparam("ids", expanding=True)), _request.once.like("refund:%:claim:%"))
    .order_by(_request.id)
)


def claims_of_order(order_id: OrderId) -> tuple[ClaimStory, ...]:
    """Everything that was asked for of an order, the latest first. At most five statements."""
    return _tell(_CLAIMS.where(_claim.order_id == order_id).order_by(_claim.id.desc()))


def get_claim(claim_id: ClaimId, *, order_id: OrderId | None = None, cooperative_ids: Sequence[CooperativeId] | None = None) -> ClaimStory:
    """One claim; of this order, or of these cooperatives, if they are given. Raises NoSuchClaim."""
    query = _CLAIMS.where(_claim.id == claim_id)
    if order_id is not None:
        query = query.where(_claim.order_id == order_id)
    if cooperative_ids is not None:
        query = query.where(_claim.cooperative_id.in_(cooperative_ids))
    found = _tell(query)
    if not found:
        raise NoSuchClaim
    return found[0]


def last_return_to(cooperative_id: CooperativeId) -> str:
    """Where this cooperative had goods sent back to the last time."""
    query = select(_claim.return_to).where(_claim.cooperative_id == cooperative_id, _claim.return_to != "")
    return db.session.scalar(query.order_by(_claim.id.desc()).limit(1)) or ""


# ── Lists ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class ClaimPile(StrEnum):
    """Which claims a list shows."""

    OURS = "ours"
    """Those that wait for the cooperative or the staff."""
    BUYERS = "buyers"
    """Those whose buyers are to send something back."""
    ENDED = "ended"
    ALL = "all"


@dataclass(frozen=True)
class ClaimsWanted:
    """Which claims somebody wants to see."""

    pile: ClaimPile = ClaimPile.OURS
    kind: ClaimKind | None = None
    cooperative_id: CooperativeId | None = None


@dataclass(frozen=True)
class ClaimList:
    """One page of claims, and how many there are in each pile."""

    rows: tuple[ClaimStory, ...]
    counts: Mapping[ClaimPile, int]
    page: int
    pages: int


def list_claims(wanted: ClaimsWanted, *, cooperative_ids: Sequence[CooperativeId] | None = None, page: int = 1) -> ClaimList:
    """Claims of these cooperatives, or of all: what waits, the oldest first; what is over, the latest first. At most six statements."""
    its: list[ColumnElement[bool]] = [] if cooperative_ids is None else [_claim.cooperative_id.in_(cooperative_ids)]
    its += [_claim.kind == wanted.kind] if wanted.kind else []
    its += [_claim.cooperative_id == wanted.cooperative_id] if wanted.cooperative_id else []
    rows = db.session.execute(select(_claim.state, func.count()).where(*its).group_by(_claim.state))
    by_state = {state: int(count) for state, count in rows}
    counts = {pile: sum(by_state.get(state, 0) for state in states) for pile, states in _STATES.items()}
    pages = max(1, -(-counts[wanted.pile] // CLAIMS_PER_PAGE))
    shown = min(max(1, page), pages)
    is_waiting = wanted.pile in (ClaimPile.OURS, ClaimPile.BUYERS)
    query = _CLAIMS.where(*its, _claim.state.in_(_STATES[wanted.pile])).order_by(_claim.id if is_waiting else _claim.id.desc())
    return ClaimList(_tell(query.limit(CLAIMS_PER_PAGE).offset((shown - 1) * CLAIMS_PER_PAGE)), counts, shown, pages)


_STATES: Mapping[ClaimPile, frozenset[ClaimState]] = {
    ClaimPile.OURS: OUR_TURN,
    ClaimPile.BUYERS: OPEN_CLAIMS - OUR_TURN,
    ClaimPile.ENDED: frozenset(ClaimState) - OPEN_CLAIMS,
    ClaimPile.ALL: frozenset(ClaimState),
}


def count_ours(cooperative_ids: Iterable[CooperativeId]) -> int:
    """How many claims of these cooperatives wait for them: an answer, or a parcel to be taken in. One statement."""
    waits = _claim.state.in_((ClaimState.ASKED, ClaimState.SENT))
    return int(db.session.scalar(select(func.count()).where(_claim.cooperative_id.in_(sorted(cooperative_ids)), waits)) or 0)


def count_waiting(now: datetime) -> tuple[int, datetime | None, int]:
    """Claims that wait for us, since when the oldest does, and how many have waited too long. One statement."""
    late = or_(
        _older(ClaimState.ASKED, _claim.asked_at, now - ANSWER_WITHIN),
        _older(ClaimState.SENT, _claim.sent_at, now - TAKE_IN_WITHIN),
        _older(ClaimState.DUE, func.coalesce(_claim.received_at, _claim.answered_at), now - PAY_WITHIN),
    )
    query = select(func.count(), func.min(_claim.asked_at), func.count().filter(late)).where(_claim.state.in_(OUR_TURN))
    count, since, too_long = db.session.execute(query).one()
    return int(count), since, int(too_long)


def _older(state: ClaimState, since: ColumnElement[datetime | None], before: datetime) -> ColumnElement[bool]:
    return and_(_claim.state == state, since <= before)


# ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _tell(query: Select[tuple[object, ...]]) -> tuple[ClaimStory, ...]:
    claims = [row_as(ClaimStory, row) for row in db.session.execute(query)]
    if not claims:
        return ()
    ids = {"ids": [claim.id for claim in claims]}
    lines: dict[int, list[ClaimedLine]] = {}
    for claim_id, *line in db.session.execute(_LINES, ids):
        lines.setdefault(claim_id, []).append(row_as(ClaimedLine, line))
    photos: dict[int, list[ClaimPicture]] = {}
    for claim_id, *photo in db.session.execute(_PHOTOS, ids):
        photos.setdefault(claim_id, []).append(row_as(ClaimPicture, photo))
    returns = [claim.return_id for claim in claims if claim.return_id is not None]
    money = {row[0]: row_as(ClaimMoney, row[1:]) for row in db.session.execute(_MONEY, {"ids": returns})} if returns else {}
    due = [claim.order_id for claim in claims if claim.state is ClaimState.DUE]
    asked: dict[int, tuple[RequestState, str]] = {}
    for once, state, word in db.session.execute(_REQUESTS, {"ids": due}) if due else ():
        asked[int(once.split(":")[3])] = (state, word)  # `refund:<number>:claim:<id>:<attempt>`; the last one counts
    return tuple(
        replace(
            claim,
            lines=tuple(lines.get(claim.id, ())),
            photos=tuple(photos.get(claim.id, ())),
            money=money.get(claim.return_id),
            request=asked.get(claim.id, (None, ""))[0],
            request_word=asked.get(claim.id, (None, ""))[1],
        )
        for claim in claims
    )
