"""Files that the worker writes: the same as at once, for whoever asked alone, and for a day."""

from datetime import date, timedelta

import pytest
from flask import Flask

from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId
from shop.outbox.tasks import run_tasks
from shop.reports import exports
from shop.reports.exports import OPEN_FOR, read_export
from shop.web.staff import ready, reports
from shop.worker import TASKS
from tests.books import sell
from tests.browser import Browser
from tests.factories import MadeProduct, Person, make_lot, make_product, make_staff, sign_in

NOVEMBER = "from=2026-11-01&to=2026-11-30"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product, units=50, harvested_on=date(2026, 9, 1))
    sell((product.sku, 2), on=date(2026, 11, 3))
    return product


@pytest.mark.parametrize(
    ("address", "module"), [("/staff/reports/sales", reports), ("/staff/reports/ready/refunds", ready)], ids=["sales", "refunds"]
)
def test_a_large_file_is_written_in_the_background_for_its_asker_alone_and_for_a_day(
    address: str, module: object, rice: MadeProduct, office: Browser, clerk: Person, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = office.client.get(f"{address}?{NOVEMBER}&format=csv").data
    monkeypatch.setattr(module, "MOST_ROWS_AT_ONCE", {"csv": 0})
    offered = office.open(f"{address}?{NOVEMBER}&format=csv")
    assert "写起来久" in offered.text
    waiting = office.press("/staff/reports/exports/")
    assert "在排队" in waiting.text and 'http-equiv="refresh"' in waiting.html
    assert run_tasks(TASKS, clock=utc_now) == 1
    path = waiting.path
    done = office.open(path)
    assert "写好了" in done.text and f"{path}/file" in done.html
    assert office.client.get(f"{path}/file").data == at_once
    colleague = Browser(sign_in(app.test_client(), make_staff()))
    assert colleague.open(path).status == 404 and colleague.client.get(f"{path}/file").status_code == 404, "for others it is not there"
    task_id = TaskId(int(path.rsplit("/", 1)[1]))
    with pytest.raises(NotFound):
        read_export(task_id, by=clerk.id, now=utc_now() + OPEN_FOR)
    monkeypatch.setattr(exports, "OPEN_FOR", timedelta(0))
    assert "过期了" in office.open(path).text and office.client.get(f"{path}/file").status_code == 404


def test_only_what_can_be_asked_is_left_to_the_worker(office: Browser, rice: MadeProduct) -> None:
    form = office.open("/staff/reports/sales")
    assert form.status == 200
    for address in ("sales?format=doc", "nothing?format=csv", "sales?format=csv&from=x"):
        assert office.send(f"/staff/reports/exports/{address}", {}).status == 404
