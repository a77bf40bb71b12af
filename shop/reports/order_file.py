"""The list of orders as a file, drawn up by the worker: figures and places, nobody's name, telephone or street.

Law: only whoever asked for a file may fetch it, and not for longer than `KEPT_FOR`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Row, case, cast, func, select

from shop.extensions import act, db, reading
from shop.kit.clock import SHANGHAI
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, TaskId, UserId
from shop.kit.sheets import csv_file
from shop.orders.models import Channel, Order, OrderLine, Return
from shop.orders.states import OrderState
from shop.outbox import service as outbox
from shop.outbox import tasks
from shop.outbox.tasks import TaskRow, Work
from shop.reports.staff_orders import Wanted, conditions_of

ORDER_FILE = "order_file"
FILE = "orders.csv"
KEPT_FOR = timedelta(days=7)
_STEP = 1_000
HEADER = (
    "number", "channel", "state", "placed_at", "paid_at", "sold_on", "district_code", "region", "lines", "units", "goods_fen", "discount_fen",
    "shipping_fen", "total_fen", "refunded_fen",
)  # fmt: skip


@act
def ask_for_orders(wanted: Wanted, *, once: str, by: UserId, now: datetime) -> TaskId:
    """Leave the orders that are wanted to be written into a file. What was sought goes out of it: that may be somebody's name."""
    wanted = replace(wanted, query="")
    facts = {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(wanted).items() if value}
    tasks.forget_files(ORDER_FILE, before=now - KEPT_FOR)
    task_id = tasks.begin_task(ORDER_FILE, once=f"{ORDER_FILE}:{by}:{once}", facts=facts, by=by, now=now)
    outbox.write_audit("orders_exported", subject=f"task:{task_id}", by=by, facts=facts, now=now)
    return task_id


def write_orders(work: Work) -> Mapping[str, object]:
    """Runner. Begins again if it is cut off: the file is kept once it is whole."""
    conditions = conditions_of(_wanted_of(work.task))
    with reading():
        total = db.session.scalar(select(func.count()).select_from(Order).where(*conditions)) or 0
    work.note_alone(0, total, {})
    rows: list[Sequence[str | int | None]] = []
    after = 0
    while True:
        with reading():
            found = db.session.execute(_COLUMNS.where(*conditions, Order.id > after).order_by(Order.id).limit(_STEP)).all()
        if not found:
            break
        after = found[-1].id
        rows += [_as_cells(row) for row in found]
        work.note_alone(len(rows), max(total, len(rows)), {})
        work.pause()
    result = {"rows": len(rows)}
    _keep(work, csv_file(HEADER, rows), result)
    return result


@act
def _keep(work: Work, content: bytes, result: Mapping[str, int]) -> None:
    work.note(result["rows"], result["rows"], result)
    tasks.keep_file(work.task.id, FILE, content)


def read_order_file(task_id: TaskId, *, by: UserId, now: datetime) -> bytes:
    """The file that somebody asked for.

    Raises NotFound when it was asked for by another, or is not kept any more.
    """
    task = tasks.get_task(task_id, ORDER_FILE)
    content = tasks.read_file(task_id, FILE) if task.by_user_id == by and task.created_at > now - KEPT_FOR else None
    if content is None:
        raise NotFound
    return content


_OF_ORDER = OrderLine.order_id == Order.id
_BACK = func.sum(case((Return.reversed_by_entry_id.is_(None), Return.goods_fen + Return.shipping_fen), else_=0))
_COLUMNS = select(
    Order.id,
    Order.number,
    Order.channel,
    Order.state,
    Order.placed_at,
    Order.paid_at,
    Order.sold_on,
    Order.district_code,
    Order.region,
    select(func.count()).where(_OF_ORDER).correlate(Order).scalar_subquery().label("lines"),
    cast(select(func.coalesce(func.sum(OrderLine.quantity), 0)).where(_OF_ORDER).correlate(Order).scalar_subquery(), BigInteger).label(
        "units"
    ),
    Order.goods_fen,
    Order.discount_fen,
    Order.shipping_fen,
    Order.total_fen,
    cast(select(func.coalesce(_BACK, 0)).where(Return.order_id == Order.id).correlate(Order).scalar_subquery(), BigInteger).label("back"),
)


def _as_cells(row: Row[Any]) -> Sequence[str | int | None]:  # Any: a statement of sixteen columns has no type of its own
    placed, paid, sold_on = _moment(row.placed_at), _moment(row.paid_at), row.sold_on.isoformat() if row.sold_on else None
    return (row.number, str(row.channel), str(row.state), placed, paid, sold_on, *row[7:])


def _moment(when: datetime | None) -> str | None:
    return when.astimezone(SHANGHAI).isoformat(timespec="seconds") if when else None


def _wanted_of(task: TaskRow) -> Wanted:
    facts = dict(task.facts)
    return Wanted(
        state=OrderState(str(facts["state"])) if "state" in facts else None,
        channel=Channel(str(facts["channel"])) if "channel" in facts else None,
        cooperative_id=CooperativeId(int(str(facts["cooperative_id"]))) if "cooperative_id" in facts else None,
        method=str(facts.get("method", "")),
        fapiao=str(facts.get("fapiao", "")),
        voucher=str(facts.get("voucher", "")),
        since=date.fromisoformat(str(facts["since"])) if "since" in facts else None,
        until=date.fromisoformat(str(facts["until"])) if "until" in facts else None,
    )
