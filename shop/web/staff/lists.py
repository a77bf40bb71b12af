"""Many orders at once: a list of waybills marks parcels as sent, a list of numbers as arrived, and the list of orders goes out as a file.
The worker does it; the page shows how far it is, and one message for each row that could not be done.
"""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.parcel_lists import (
    DELIVER,
    MOST_BYTES,
    MOST_ROWS,
    SHIP,
    ListIsEmpty,
    ListTooLong,
    ListUnreadable,
    ask_to_deliver,
    ask_to_ship,
    tally_of,
)
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId, new_key
from shop.outbox import tasks
from shop.outbox.models import TaskState
from shop.outbox.tasks import TaskRow
from shop.reports.order_file import ORDER_FILE, ask_for_orders, read_order_file
from shop.shipping.carriers import CARRIER_PAGES
from shop.shipping.states import ShipmentState
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.staff.orders import read_wanted
from shop.web.staff.words import PARCEL_WORDS
from shop.web.typed import clean

blueprint = Blueprint("lists", __name__, url_prefix="/lists")

_MOST_TROUBLES = 200
_KINDS = (SHIP, DELIVER, ORDER_FILE)


@blueprint.get("/")
@needs(Permission.SHIP)
def index() -> str:
    """A list to send, a list to have arrived, and the lists before."""
    return _page()


@blueprint.post("/ship")
@needs(Permission.SHIP)
def ship() -> Response | tuple[str, int]:
    """Leave the list of waybills to the worker."""
    carrier = request.form.get("carrier", "")
    if carrier and carrier not in CARRIER_PAGES:
        return _page("ship", gettext("选一家快递公司。")), 422
    try:
        task_id = ask_to_ship(_content(), carrier=carrier, once=_once(), by=somebody().user_id, now=utc_now())
    except (ListIsEmpty, ListTooLong, ListUnreadable) as refusal:
        return _page("ship", _why_not(refusal)), 422
    return go("staff.lists.show", task_id=task_id)


@blueprint.post("/deliver")
@needs(Permission.SHIP)
def deliver() -> Response | tuple[str, int]:
    """Leave the list of what arrived to the worker."""
    try:
        task_id = ask_to_deliver(_content(), once=_once(), by=somebody().user_id, now=utc_now())
    except (ListIsEmpty, ListTooLong, ListUnreadable) as refusal:
        return _page("deliver", _why_not(refusal)), 422
    return go("staff.lists.show", task_id=task_id)


@blueprint.post("/orders")
@needs(Permission.READ_ORDERS)
def export() -> Response:
    """Leave the orders that are wanted to be written into a file."""
    wanted = read_wanted(request.form)
    if wanted is None:
        flash(gettext("先把条件改对，再导出。"), "error")
        return go("staff.orders.index")
    return go("staff.lists.show", task_id=ask_for_orders(wanted, once=_once(), by=somebody().user_id, now=utc_now()))


@blueprint.get("/<int(max=9223372036854775807):task_id>")
@needs(Permission.READ_ORDERS)
def show(task_id: int) -> str:
    """How far it is, what came out, and what could not be done."""
    task = tasks.get_task(TaskId(task_id), *_KINDS)
    troubles = tasks.read_troubles(task.id, most=_MOST_TROUBLES)
    return render_template(
        "staff/lists/show.html",
        task=task,
        name=_name_of(task),
        is_file=task.kind == ORDER_FILE,
        is_own=task.by_user_id == somebody().user_id,
        tally=tally_of(task.result) if task.kind != ORDER_FILE else None,
        troubles=[(trouble["line"], trouble["given"], trouble_words(trouble)) for trouble in troubles],
        badge=_BADGES[task.state],
    )


@blueprint.get("/<int(max=9223372036854775807):task_id>/orders.csv")
@needs(Permission.READ_ORDERS)
def fetch(task_id: int) -> Response:
    """The file, for whoever asked for it."""
    try:
        content = read_order_file(TaskId(task_id), by=somebody().user_id, now=utc_now())
    except NotFound:
        flash(gettext("没有这份文件：只有要的人能取，只留七天。"), "warning")
        return go("staff.lists.show", task_id=task_id)
    answer = Response(content, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="orders-{task_id}.csv"'
    return answer


def _content() -> bytes:
    """What was uploaded, else what was pasted."""
    given = request.files.get("file")
    if given is not None and given.filename:
        return given.stream.read(MOST_BYTES + 1)
    return request.form.get("rows", "").encode("utf-8", "replace")


def _once() -> str:
    return clean(request.form.get("once"), most=40) or new_key()


def _why_not(refusal: ListIsEmpty | ListTooLong | ListUnreadable) -> str:
    if isinstance(refusal, ListTooLong):
        return str(gettext("太长了，一次最多 %(most)s 行。分成几份。", most=MOST_ROWS))
    if isinstance(refusal, ListUnreadable):
        return str(gettext("这份文件读不了。另存为「CSV UTF-8」，或者把几列复制粘贴进来。"))
    return str(gettext("里面一行也没有。把单子粘贴进来，或者选一份文件。"))


_BADGES = {TaskState.WAITING: "due", TaskState.RUNNING: "due", TaskState.DONE: "done", TaskState.FAILED: "wrong"}


def _name_of(task: TaskRow) -> str:
    names = {SHIP: gettext("批量发货"), DELIVER: gettext("批量签收"), ORDER_FILE: gettext("导出订单")}
    return str(names[task.kind])


def trouble_words(trouble: object) -> str:
    """What is wrong with a row and what would be right."""
    assert isinstance(trouble, dict)
    facts = dict(trouble["facts"])
    if state := facts.get("state"):
        word = PARCEL_WORDS.get(ShipmentState(state))
        facts["state"] = str(word[0]) if word else state
    words = {
        "number_unreadable": lambda: gettext("第一格不是订单号。写全，比如 SH-261118-7K3M9P。"),
        "waybill_unreadable": lambda: gettext("运单号「%(waybill)s」不对：只有字母和数字，6 到 40 位。", **facts),
        "carrier_unknown": lambda: gettext("不知道是哪家快递「%(carrier)s」。写在第三格，或者在上面选一家。", **facts),
        "order_unknown": lambda: gettext("没有这个订单，或者它没有要寄的。"),
        "cooperative_unknown": lambda: gettext("这一单里没有「%(cooperative)s」的包裹。", **facts),
        "several_parcels": lambda: gettext("这一单有几个包裹等着发：%(cooperatives)s。在第四格写是哪一家的。", **facts),
        "recalled": lambda: gettext("这一包里有召回的批次，没有记；先退那几件的款。"),
        "not_waiting": lambda: gettext("这一包不是在装箱，现在是：%(state)s。没有再记。", **facts),
        "parcel_unknown": lambda: gettext("没有这个订单号，也没有这个运单号。"),
        "not_on_its_way": lambda: gettext("还没有寄出，现在是：%(state)s。", **facts),
    }
    return str(words[trouble["fault"]]())


def _page(refused: str = "", why: str = "") -> str:
    before = sorted((task for kind in _KINDS for task in tasks.find_tasks(kind, most=20)), key=lambda task: task.id, reverse=True)[:20]
    return render_template(
        "staff/lists/index.html",
        refused=refused,
        why=why,
        once=new_key(),
        carriers=tuple(CARRIER_PAGES),
        carrier=request.form.get("carrier", ""),
        typed=request.form.get("rows", "")[:MOST_BYTES],
        before=[(task, _name_of(task), _BADGES[task.state]) for task in before],
        most_rows=MOST_ROWS,
    )
