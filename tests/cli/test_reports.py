"""`flask reports sales`: the contract other programs rely on."""

import json
from datetime import date

import pytest
from click.testing import Result
from flask import Flask

from tests.books import refund, sell
from tests.factories import make_lot, make_product


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["reports", "sales", *arguments])


PERIOD = ("--from", "2026-11-01", "--to", "2026-11-30")


@pytest.fixture
def rice(app: Flask) -> None:
    """Three bags of 白水贡米 sold in November, one of them given back in December."""
    product = make_product()
    make_lot(product, units=3)
    refund(sell((product.sku, 3), on=date(2026, 11, 23)), on=date(2026, 12, 1))


@pytest.mark.usefixtures("rice")
def test_json_is_the_document_of_the_contract(app: Flask) -> None:
    done = run(app, "--by", "village", *PERIOD, "--format", "json")
    assert done.exit_code == 0, done.output
    figures = {"lines": 1, "units": 3, "weight_grams": 15_000, "gross_fen": 20_400, "refunds_fen": 0, "net_fen": 20_400}
    assert json.loads(done.stdout) == {
        "by": ["village"],
        "from": "2026-11-01",
        "to": "2026-11-30",
        "rows": [{"village_code": "520602201202", "village": "白水村", **figures}],
        "total": figures,
    }
    assert "白水村" in done.stdout, "names are written as they are, not escaped"


@pytest.mark.usefixtures("rice")
def test_a_refund_counts_when_it_is_booked_or_when_its_line_was_sold(app: Flask) -> None:
    posted = json.loads(run(app, "--by", "village", *PERIOD, "--format", "json").stdout)
    sold = json.loads(run(app, "--by", "village", *PERIOD, "--format", "json", "--dates", "sold").stdout)
    assert (posted["total"]["net_fen"], sold["total"]["net_fen"]) == (20_400, 13_600)


@pytest.mark.usefixtures("rice")
def test_csv_is_utf8_with_bom_and_the_columns_of_json(app: Flask) -> None:
    done = run(app, "--by", "month", "--by", "village", "--from", "2026-11-01", "--to", "2026-12-31", "--format", "csv")
    assert done.exit_code == 0
    assert done.stdout_bytes.startswith(b"\xef\xbb\xbf")
    assert done.stdout_bytes.decode("utf-8-sig").split("\r\n") == [
        "month_code,month,village_code,village,lines,units,weight_grams,gross_fen,refunds_fen,net_fen",
        "2026-11,2026-11,520602201202,白水村,1,3,15000,20400,0,20400",
        "2026-12,2026-12,520602201202,白水村,0,0,0,0,6800,-6800",
        "",
    ]


@pytest.mark.usefixtures("rice")
def test_the_table_is_in_yuan_with_its_total_below(app: Flask) -> None:
    done = run(app, "--by", "village", *PERIOD)
    assert done.exit_code == 0
    title, _, header, _, row, _, total = done.stdout.splitlines()
    assert title == "Sales by village, 2026-11-01 to 2026-11-30"
    assert header.split() == ["village", "lines", "units", "kg", "gross", "refunds", "net", "(CNY)"]
    assert row.split() == ["白水村", "1", "3", "15.000", "204.00", "0.00", "204.00"]
    assert total.split() == ["total", "1", "3", "15.000", "204.00", "0.00", "204.00"]


def test_full_width_digits_are_read_as_digits(app: Flask) -> None:
    done = run(app, "--by", "village", "--from", "２０２６-１１-０１", "--to", "2026-11-30", "--format", "json")
    assert done.exit_code == 0 and json.loads(done.stdout)["from"] == "2026-11-01"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--by", "colour", *PERIOD), "'colour' is not one of 'village'"),
        (("--by", "village", "--by", "town", "--by", "month", *PERIOD), "at most 2 dimensions"),
        (("--by", "village", "--by", "village", *PERIOD), "village is named twice"),
        (PERIOD, "Missing option '--by'"),
        (("--by", "village", "--from", "2026-11-31", "--to", "2026-12-01"), "'2026-11-31' is not a day; write it as 2026-11-23"),
        (("--by", "village", "--from", "2026-11-30", "--to", "2026-11-01"), "2026-11-01 is before --from 2026-11-30"),
        (("--by", "village", *PERIOD, "--format", "xlsx"), "'xlsx' is not one of"),
        (("--by", "village", "--from", "2026-11-01"), "Missing option '--to'"),
    ],
)
def test_what_cannot_be_reported_is_said_and_ends_with_two(arguments: tuple[str, ...], says: str, app: Flask) -> None:
    done = run(app, *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("rice")
def test_the_roll_ups_are_folded_and_made_anew_and_say_the_same(app: Flask) -> None:
    def said(*arguments: str) -> str:
        done = app.test_cli_runner().invoke(args=["reports", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    before = run(app, "--by", "village", *PERIOD, "--format", "json").stdout
    assert said("fold", "--month", "2026-11") == "1 entries folded\n"
    assert said("fold") == "1 entries folded\n", "the refund was booked in December"
    assert run(app, "--by", "village", *PERIOD, "--format", "json").stdout == before
    assert said("rebuild") == "2 months made anew, 0 entries folded\n"
    assert run(app, "--by", "village", *PERIOD, "--format", "json").stdout == before
    assert app.test_cli_runner().invoke(args=["reports", "fold", "--month", "2026-13"]).exit_code == 2
