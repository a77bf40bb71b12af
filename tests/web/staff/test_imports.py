"""Files of sales made by hand, from upload to booked: rehearsed and booked by the worker, page by page."""

import io
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from shop.acts.import_tasks import BOOK, CHECK, book_sales, book_sales_file, check_sales, upload_sales
from shop.acts.sales_file import COLUMNS
from shop.extensions import act, db, reading
from shop.kit.clock import utc_now
from shop.kit.ids import TaskId
from shop.orders.models import Order
from shop.outbox import tasks
from shop.outbox.models import AuditRow, Task, TaskFile, TaskState
from shop.outbox.tasks import CLAIM_TIME, run_tasks
from tests.browser import Browser
from tests.factories import MadeProduct, Person, make_lot, make_product
from tests.shopping import assert_books_are_sound, free_units, village_fen

RUNNERS = {CHECK: check_sales, BOOK: book_sales_file}


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, twenty bags of it."""
    product = make_product()
    make_lot(product, units=20)
    return product


def a_file(rice: MadeProduct, *more: str, sales: int = 3) -> bytes:
    rows = [f"fair-{number},,2026-11-02T10:00:00+08:00,{rice.sku.code},1,6800,320583,,offline," for number in range(sales)]
    return ("\ufeff" + "\r\n".join([",".join(COLUMNS), *rows, *more]) + "\r\n").encode()


def upload(office: Browser, content: bytes, name: str = "展会.csv") -> str:
    """Upload a file; the address of its page."""
    page = office.open("/staff/imports/")
    form = page.form("/staff/imports/")
    data = {"csrf_token": form.values("csrf_token")[0], "once": form.values("once")[0], "file": (io.BytesIO(content), name)}
    answer = office.client.post("/staff/imports/", data=data, content_type="multipart/form-data", headers={"Referer": "http://localhost/"})
    if answer.status_code == 422:
        return answer.get_data(as_text=True)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def work(*, stopping: bool = False) -> int:
    """One round of the worker."""
    return run_tasks(RUNNERS, clock=utc_now, is_stopping=lambda: stopping)


def orders_there() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Order)) or 0


def test_a_file_is_rehearsed_looked_at_and_booked(office: Browser, rice: MadeProduct) -> None:
    bad = f"fair-9,,2026-11-02T10:00:00+08:00,{rice.sku.code},0,6800,,,offline,"
    back = f"back-1,fair-0,2026-11-03T10:00:00+08:00,{rice.sku.code},-1,,,,offline,"
    address = upload(office, a_file(rice, bad, back))
    page = office.open(address)
    assert "在排队" in page.text and 'http-equiv="refresh"' in page.html and "展会.csv" in page.text
    assert work() == 1
    page = office.open(address)
    assert orders_there() == 0, "a rehearsal books nothing"
    assert "试算好了，还没有记账" in page.text and 'http-equiv="refresh"' not in page.html
    assert "白水村" in page.text and "136.00" in page.text and "数量是 0" in page.text
    page = office.press(f"{address}/book", "记账")
    assert "在排队" in page.text
    assert work() == 1
    page = office.open(address)
    assert "记好了" in page.text and "136.00" in page.text
    assert (orders_there(), free_units(rice.sku), sum(village_fen().values())) == (3, 18, 136_00)
    with reading() as session:
        assert session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()[-2:] == ["sales_uploaded", "sales_booked"]
        assert session.scalar(select(func.count()).select_from(TaskFile)) == 0, "a file that is booked is not kept"
    listed = office.open("/staff/imports/")
    assert "已记账" in listed.text and "展会.csv" in listed.text
    assert_books_are_sound()


def test_bad_rows_can_be_taken_home_as_a_file(office: Browser, rice: MadeProduct) -> None:
    address = upload(office, a_file(rice, "=1+1,,2026-11-02T10:00:00,x,1,1,,,offline,", sales=0))
    work()
    page = office.open(address)
    assert "这份里没有能新记的" in page.text and "没有写时区" in page.text
    content = office.client.get(f"{address}/bad-rows.csv").get_data().decode("utf-8-sig").splitlines()
    assert content[0] == "行,ref,列,问题"
    assert content[1].startswith("2,'=1+1,sold_at,") and "+08:00" in content[1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "选一个 CSV 文件"),
        (b"x" * (6 * 1024 * 1024 + 1), "文件太大，最多 6 MB"),
    ],
)
def test_what_is_no_file_is_refused_beside_the_field(office: Browser, content: bytes, says: str) -> None:
    assert says in upload(office, content)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ref,returns\n1,2\n", "少了这些列"),
        ("编号".encode("gb18030"), "不是 UTF-8 编码"),
        ((",".join(COLUMNS) + ',说明\n"').encode(), "多了不认得的列"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(office: Browser, content: bytes, says: str) -> None:
    address = upload(office, content)
    work()
    page = office.open(address)
    assert "读不了这份文件" in page.text and says in page.text


def test_the_first_visit_tells_what_to_do(office: Browser) -> None:
    page = office.open("/staff/imports/")
    assert "还没有导入过" in page.text
    example = office.client.get("/staff/imports/example.csv").get_data().decode("utf-8-sig")
    assert example.splitlines()[0] == ",".join(COLUMNS)


def test_an_auditor_reads_but_has_no_form(lin: Browser) -> None:
    page = lin.open("/staff/imports/")
    assert page.status == 200 and not any("imports" in form.action for form in page.forms)


# ── What may happen meanwhile ─────────────────────────────────────────────────────────────────────────────────────────


def rehearsed(rice: MadeProduct, clerk: Person, *more: str, sales: int = 1200) -> TaskId:
    task_id = upload_sales(a_file(rice, *more, sales=sales), name="f.csv", once="k", by=clerk.id, now=utc_now())
    work()
    return task_id


def test_pressing_twice_books_once(app: Flask, rice: MadeProduct, clerk: Person) -> None:
    check = rehearsed(rice, clerk, sales=2)
    assert book_sales(check, by=clerk.id, now=utc_now()) == book_sales(check, by=clerk.id, now=utc_now())
    assert (work(), work(), orders_there()) == (1, 0, 2)


def test_a_stopped_worker_hands_over_and_the_next_goes_on(app: Flask, rice: MadeProduct, clerk: Person) -> None:
    check = rehearsed(rice, clerk, sales=1200)
    booking = book_sales(check, by=clerk.id, now=utc_now())
    stops = iter([False, True])
    run_tasks(RUNNERS, clock=utc_now, is_stopping=lambda: next(stops, True))
    with reading():
        task = tasks.get_task(booking, BOOK)
    assert (task.state, task.done, task.total) == (TaskState.WAITING, 500, 1200)
    assert work() == 1
    with reading():
        task = tasks.get_task(booking, BOOK)
    assert task.state is TaskState.DONE
    assert (task.result["sales"], task.result["known"], task.result["bad"]) == (20, 0, 1180), "twenty bags there were; none counted twice"
    assert orders_there() == 20


def test_a_dead_workers_task_is_taken_up_when_its_claim_has_run_out(app: Flask, rice: MadeProduct, clerk: Person) -> None:
    check = rehearsed(rice, clerk, sales=2)
    booking = book_sales(check, by=clerk.id, now=utc_now())
    _claim_for_a_dead_worker(booking)
    assert work() == 0, "somebody has it"
    late = utc_now() + CLAIM_TIME + timedelta(seconds=1)
    assert run_tasks(RUNNERS, clock=lambda: late) == 1
    assert orders_there() == 2


@act
def _claim_for_a_dead_worker(task_id: TaskId) -> None:
    values = {"state": TaskState.RUNNING, "claim": "dead", "claimed_until": utc_now() + CLAIM_TIME}
    db.session.execute(update(Task).where(Task.id == task_id).values(**values))
