"""Lists of parcels as long tasks: which left under which waybill, which arrived; and orders as a file.

Law: each row is an act of its own, so a row that cannot be done keeps no other waiting and is told by its line. A row may be done again: a parcel that
left under the same waybill, or has arrived, is known, not wrong; so a task that was cut off goes on from the start of its last batch.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from shop.acts.deliver_order import mark_delivered
from shop.acts.ship_parcel import ship_parcel
from shop.extensions import act, db, reading, row_as
from shop.kit.errors import Refused
from shop.kit.ids import ShipmentId, TaskId, UserId
from shop.kit.text import fold
from shop.orders.models import Order
from shop.origin.models import Cooperative
from shop.outbox import service as outbox
from shop.outbox import tasks
from shop.outbox.tasks import CannotDo, Work
from shop.shipping.carriers import CARRIER_PAGES
from shop.shipping.errors import AlreadyOnItsWay
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from shop.stock.errors import LotIsRecalled

SHIP, DELIVER = "parcels_ship", "parcels_deliver"
FILE = "list"
MOST_ROWS = 5_000
MOST_BYTES = 512 * 1024
KEPT_FOR = timedelta(days=30)
_BATCH = 25
_WAYBILL = re.compile(r"[A-Z0-9-]{6,40}", re.ASCII)
_NUMBER = re.compile(r"[A-Z]{2}-[0-9]{6}-[0-9A-Z]{6}", re.ASCII)
_LONGEST_CELL = 60


class ListIsEmpty(Refused):
    """There is no row in it."""


class ListTooLong(Refused):
    """More rows or bytes than one list may have."""

    def __init__(self, most_rows: int) -> None:
        super().__init__(most_rows)
        self.most_rows = most_rows


class ListUnreadable(Refused):
    """Neither UTF-8 nor GB 18030."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: cells without the spaces around them."""

    line: int
    """Counted from 1."""
    cells: tuple[str, ...]

    def cell(self, place: int) -> str:
        """One cell; empty when the row is shorter."""
        return self.cells[place] if place < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class RowTrouble:
    """What is wrong with a row: put into words by whoever shows it."""

    line: int
    given: str
    """The order's number or the waybill, as it stands there."""
    fault: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of a list ended how."""

    done: int = 0
    known: int = 0
    """Done before, and the same."""
    bad: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.done + self.known + self.bad


def tally_of(result: Mapping[str, object]) -> Tally:
    """What a task has noted."""
    return Tally(**{name: int(str(count)) for name, count in result.items()})


def read_list(content: bytes) -> list[Row]:
    """The rows of what was pasted or uploaded: cells divided by tabs, commas or semicolons, else by spaces. Empty rows and a heading go.

    Raises ListIsEmpty, ListTooLong or ListUnreadable.
    """
    if len(content) > MOST_BYTES:
        raise ListTooLong(MOST_ROWS)
    rows = [row for row in _rows(_text_of(content)) if any(row.cells)]
    if rows and not any(sign.isdigit() for sign in "".join(rows[0].cells)):
        rows = rows[1:]
    if not rows:
        raise ListIsEmpty
    if len(rows) > MOST_ROWS:
        raise ListTooLong(MOST_ROWS)
    return rows


def _text_of(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):  # a spreadsheet of China writes the latter
        try:
            return content.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    raise ListUnreadable


def _rows(text: str) -> Iterator[Row]:
    for line, whole in enumerate(text.splitlines(), start=1):
        divider = next((sign for sign in "\t,;，；" if sign in whole), None)
        cells = next(csv.reader([whole], delimiter=divider)) if divider else whole.split()
        yield Row(line, tuple(fold(cell.strip(" '\"="))[:_LONGEST_CELL] for cell in cells))


# ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_to_ship(content: bytes, *, carrier: str, once: str, by: UserId, now: datetime) -> TaskId:
    """Leave a list of parcels that left to the worker. `carrier`: of rows that name none.

    Raises ListIsEmpty, ListTooLong or ListUnreadable.
    """
    return _ask(SHIP, content, {"carrier": carrier}, once=once, by=by, now=now)


def ask_to_deliver(content: bytes, *, once: str, by: UserId, now: datetime) -> TaskId:
    """Leave a list of parcels that arrived to the worker. Raises as `ask_to_ship`."""
    return _ask(DELIVER, content, {}, once=once, by=by, now=now)


@act
def _ask(kind: str, content: bytes, facts: Mapping[str, object], *, once: str, by: UserId, now: datetime) -> TaskId:
    rows = len(read_list(content))
    task_id = tasks.begin_task(kind, once=f"{kind}:{by}:{once}", facts=dict(facts), by=by, now=now, files={FILE: content})
    tasks.forget_files(kind, before=now - KEPT_FOR)
    outbox.write_audit(f"{kind}_asked", subject=f"task:{task_id}", by=by, facts={"rows": rows, **facts}, now=now)
    return task_id


# ── What the worker does ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class FoundParcel:
    """One parcel, as a row of a list finds it."""

    id: ShipmentId
    state: ShipmentState
    carrier: str
    tracking_number: str
    cooperative: str
    """Short name."""
    cooperative_slug: str


class _Wrong(Exception):
    """A row that cannot be done."""

    def __init__(self, fault: str, **facts: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self.facts = facts


Do = Callable[[Row, Sequence[FoundParcel], Work], bool]
"""Does a row, of these parcels; whether anything changed. Raises _Wrong."""


def ship_list(work: Work) -> Mapping[str, object]:
    """Runner. Each row: order number, waybill, and if need be carrier and cooperative."""
    return _run(work, _ship)


def deliver_list(work: Work) -> Mapping[str, object]:
    """Runner. Each row: an order number, for all its parcels on their way, or a waybill."""
    return _run(work, _deliver)


def _run(work: Work, do: Do) -> Mapping[str, object]:
    with reading():
        content = tasks.read_file(work.task.id, FILE)
    if content is None:
        raise CannotDo("file_gone", work.task.result)
    rows, tally = read_list(content), tally_of(work.task.result)
    while tally.rows < len(rows):
        batch = rows[tally.rows : tally.rows + _BATCH]
        with reading():
            parcels = _find_parcels({row.cell(0).upper() for row in batch})
        troubles = []
        done = known = 0
        for row in batch:
            try:
                if do(row, parcels.get(row.cell(0).upper(), ()), work):
                    done += 1
                else:
                    known += 1
            except _Wrong as wrong:
                troubles.append(RowTrouble(row.line, row.cell(0), wrong.fault, wrong.facts))
        tally = Tally(tally.done + done, tally.known + known, tally.bad + len(troubles))
        work.note_alone(tally.rows, len(rows), asdict(tally), [(trouble.line, asdict(trouble)) for trouble in troubles])
        work.pause()
    tasks.drop_files([work.task.id])
    return asdict(tally)


def _find_parcels(said: set[str]) -> dict[str, list[FoundParcel]]:
    """Parcels by their order's number and by their waybill, whichever was said. One statement."""
    columns = (Shipment.id, Shipment.state, Shipment.carrier, Shipment.tracking_number, Cooperative.short_name, Cooperative.slug)
    named = or_(Order.number.in_(said), Shipment.tracking_number.in_(said - {""}))
    query = select(Order.number, *columns).join(Order, Order.id == Shipment.order_id)
    query = query.join(Cooperative, Cooperative.id == Shipment.cooperative_id).where(named)
    found: dict[str, list[FoundParcel]] = {}
    for number, *parcel in db.session.execute(query.order_by(Shipment.id)):
        seen = row_as(FoundParcel, parcel)
        for name in {number, seen.tracking_number} & said:
            found.setdefault(name, []).append(seen)
    return found


def _ship(row: Row, parcels: Sequence[FoundParcel], work: Work) -> bool:
    waybill, carrier, cooperative = re.sub(r"\s+", "", row.cell(1)).upper(), row.cell(2) or str(work.task.facts["carrier"]), row.cell(3)
    if not _NUMBER.fullmatch(row.cell(0).upper()):
        raise _Wrong("number_unreadable")
    if not _WAYBILL.fullmatch(waybill):
        raise _Wrong("waybill_unreadable", waybill=waybill)
    if carrier not in CARRIER_PAGES:
        raise _Wrong("carrier_unknown", carrier=carrier)
    if not parcels:
        raise _Wrong("order_unknown")
    if cooperative:
        parcels = [parcel for parcel in parcels if cooperative in (parcel.cooperative, parcel.cooperative_slug)]
        if not parcels:
            raise _Wrong("cooperative_unknown", cooperative=cooperative)
    if any(parcel.tracking_number == waybill and parcel.carrier == carrier for parcel in parcels):
        return False
    to_pack = [parcel for parcel in parcels if parcel.state is ShipmentState.TO_PACK]
    if not to_pack:
        raise _Wrong("not_waiting", state=parcels[0].state.value)
    if len(to_pack) > 1:
        raise _Wrong("several_parcels", cooperatives="、".join(parcel.cooperative for parcel in to_pack))
    try:
        ship_parcel(to_pack[0].id, carrier=carrier, tracking_number=waybill, by=work.task.by_user_id, now=work.clock())
    except LotIsRecalled as recalled:
        raise _Wrong("recalled") from recalled
    except AlreadyOnItsWay as state:
        raise _Wrong("not_waiting", state=str(state)) from state
    return True


def _deliver(row: Row, parcels: Sequence[FoundParcel], work: Work) -> bool:
    if not parcels:
        raise _Wrong("parcel_unknown")
    on_their_way = [parcel for parcel in parcels if parcel.state is ShipmentState.SHIPPED]
    if not on_their_way and not any(parcel.state is ShipmentState.DELIVERED for parcel in parcels):
        raise _Wrong("not_on_its_way", state=parcels[0].state.value)
    for parcel in on_their_way:
        try:
            mark_delivered(parcel.id, by=work.task.by_user_id, now=work.clock())
        except AlreadyOnItsWay:  # somebody said so a moment ago
            continue
    return bool(on_their_way)
