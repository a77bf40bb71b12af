"""Ready-made reports of one village: its year, and its month for the notice board."""

from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select

from shop.extensions import db
from shop.kit.clock import business_day
from shop.kit.errors import NotFound
from shop.kit.workbooks import Cell, Kind
from shop.origin.models import Town, Village
from shop.reports.dimensions import DIMENSIONS
from shop.reports.documents import Column, Document, Line, Part, days_fact, said, sales_part, without_codes
from shop.reports.impact_page import publishable
from shop.reports.periods import Period, year_before
from shop.reports.sales import Sales, sales


def read_village_year(period: Period, subject: str, now: datetime) -> Document:
    """Month by month, product by product, way by way, and where it went. Raises NotFound, ValueError."""
    village, town, slug = _village(subject)
    only = {"village": subject}
    parts = [
        sales_part(name, title, sales([name], period.since, period.until, only=only), held=only)
        for name, title in (
            ("month", gettext("逐月")),
            ("product", gettext("逐样商品")),
            ("channel", gettext("线上线下")),
            ("province", gettext("卖到哪里")),
        )
    ]
    was = year_before(period)
    before = sales([], was.since, was.until, only=only)
    year = f"{period.since:%Y}"
    return Document(
        name=f"village-year-{slug}",
        title=gettext("%(village)s %(year)s 年销售年报", village=village, year=year),
        period=period,
        facts=(
            (gettext("村"), gettext("%(town)s %(village)s", town=town, village=village)),
            days_fact(period),
            (gettext("上年同期净额（元）"), f"{before.total.net_fen / 100:,.2f}"),
        ),
        parts=tuple(parts),
        made_at=now,
        notes=(gettext("数字取自总账的归属；货款含税，不含运费。"),),
        is_upright=True,
    )


def read_village_month(period: Period, subject: str, now: datetime) -> Document:
    """For the notice board: goods, weights and money of one month. Counts of orders below ten are not told. Raises NotFound, ValueError."""
    village, town, slug = _village(subject)
    only = {"village": subject}
    goods = sales(["product"], period.since, period.until, only=only)
    since_new_year = sales([], period.since.replace(month=1, day=1), period.until, only=only)
    month = f"{period.since:%Y-%m}"
    told = gettext("%(year)s 年 %(month)s 月", year=period.since.year, month=period.since.month)
    part = _board(goods, only)
    return Document(
        name=f"village-month-{slug}",
        title=gettext("%(village)s%(month)s销售公示", village=village, month=told),
        period=period,
        facts=(
            (gettext("村"), gettext("%(town)s %(village)s", town=town, village=village)),
            days_fact(period),
            (gettext("今年以来净额（元）"), f"{since_new_year.total.net_fen / 100:,.2f}"),
            (gettext("公示日期"), business_day(now).isoformat()),
        ),
        parts=(Part(part.name, month, part.columns, part.lines, part.total, part.note),),
        made_at=now,
        notes=(
            gettext("净额 = 销售额 − 退款。钱是货款，含税，不含运费；按每批货里各村出的斤两分到村，分到分。"),
            gettext("少于 10 的订单数不写，免得认出是谁买的；这里没有任何人的姓名。"),
            gettext("对数字有疑问，请找县电商办；每一个数都能打开背后的订单行。"),
        ),
        arguments={"village_page": slug},
        is_upright=True,
    )


def _board(goods: Sales, only: dict[str, str]) -> Part:
    """Products with what they weighed and were worth; order lines only where there are enough of them."""
    whole = without_codes(sales_part("goods", gettext("商品"), goods, held=only))
    kept = [place for place, column in enumerate(whole.columns) if column.name not in ("lines", "units")]
    counts = publishable([row.measures.lines for row in goods.rows])
    total_count = publishable([goods.total.lines])[0]
    orders = Column("lines", gettext("订单行"), Kind.TEXT, gettext("少于 10 的不写。"), None)

    def fewer(line: Line, count: int | None) -> Line:
        cells: list[Cell] = [line.cells[place] for place in kept]
        cells.insert(1, f"{count:,}" if count is not None else gettext("少于 10"))
        return Line(tuple(cells), line.only)

    columns = [whole.columns[place] for place in kept]
    columns.insert(1, orders)
    assert whole.total is not None
    lines = tuple(fewer(line, count) for line, count in zip(whole.lines, counts, strict=True))
    return Part("goods", gettext("商品"), tuple(columns), lines, fewer(whole.total, total_count))


def _village(subject: str) -> tuple[str, str, str]:
    """Its name and its town's in the reader's language, and its slug. Raises NotFound, ValueError."""
    query = select(Village.name, Village.name_en, Town.short_name, Town.name_en, Village.slug).join(Town, Town.id == Village.town_id)
    row = db.session.execute(query.where(Village.id == DIMENSIONS["village"].key_of(subject))).one_or_none()
    if row is None:
        raise NotFound
    return said(row[0], row[1]), said(row[2], row[3]), row[4]
