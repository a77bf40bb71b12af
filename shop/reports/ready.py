"""Ready-made reports: one entry each. The list, the form, the screen, paper and files are drawn from `READY`.

Law: figures are those of the engine (`reports.sales`), so each opens its lines; nothing here adds up attributions by itself. What is made for a notice
board names no person and no count of people below ten.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from flask_babel import lazy_gettext as _

from shop.reports.documents import Document
from shop.reports.periods import Period, month_of, period_before, so_far, year_of
from shop.reports.ready_goods import read_accredited, read_refunds, read_season, read_stock_at_risk
from shop.reports.ready_people import read_buyer_regions, read_pairings, read_scorecard
from shop.reports.ready_villages import read_village_month, read_village_year


class Span(StrEnum):
    """Which period a report asks for."""

    YEAR = "year"
    MONTH = "month"
    DAYS = "days"
    TODAY = "today"
    """None: it tells how things stand."""


@dataclass(frozen=True)
class ReadyAsked:
    """Which report, of when, and of what."""

    name: str
    period: Period
    subject: str = ""
    """Key of the dimension that the report is held to; empty where it has none."""


@dataclass(frozen=True, kw_only=True)
class ReadyReport:
    """A report that has a name."""

    title: str
    about: str
    """Who needs it, for what: one line."""
    span: Span
    subject: str = ""
    """The dimension that it is held to, if any."""
    read: Callable[[Period, str, datetime], Document]
    """Raises ValueError for a subject that no key can be."""
    is_notice: bool = False
    """Whether it is made for a notice board."""


READY: Mapping[str, ReadyReport] = MappingProxyType(
    {
        "village-year": ReadyReport(
            title=_("村年报"), about=_("一个村一年：逐月、逐样商品、卖到哪里。"), span=Span.YEAR, subject="village", read=read_village_year
        ),
        "village-month": ReadyReport(
            title=_("村月度公示"),
            about=_("贴在公示栏的一张 A4：一个村一个月卖了什么、多少、退了多少。没有人名，人数少的不写。"),
            span=Span.MONTH,
            subject="village",
            read=read_village_month,
            is_notice=True,
        ),
        "cooperative": ReadyReport(
            title=_("合作社成绩单"),
            about=_("一个合作社一段时间：卖了多少、退了多少、发货快慢。"),
            span=Span.DAYS,
            subject="cooperative",
            read=read_scorecard,
        ),
        "pairings": ReadyReport(
            title=_("结对帮扶表"),
            about=_("每个东部单位与每个西部村：记到结对的和没有结对的，线上线下都算。"),
            span=Span.DAYS,
            read=read_pairings,
        ),
        "buyer-regions": ReadyReport(title=_("买家地区表"), about=_("货卖到哪些省、市、区县。"), span=Span.DAYS, read=read_buyer_regions),
        "season": ReadyReport(title=_("时令表"), about=_("每样商品一年里各月的净额，哪个月最旺。"), span=Span.YEAR, read=read_season),
        "refunds": ReadyReport(title=_("退款与缘由"), about=_("哪些商品退得多，为什么退。"), span=Span.DAYS, read=read_refunds),
        "accredited": ReadyReport(
            title=_("帮扶产品销售统计"),
            about=_("报给统计部门：认定为帮扶产品的销售，按村、按商品、按买家省份。"),
            span=Span.DAYS,
            read=read_accredited,
        ),
        "stock-at-risk": ReadyReport(
            title=_("有风险的库存"), about=_("照最近四周的卖法，到期以前卖不完的批次。"), span=Span.TODAY, read=read_stock_at_risk
        ),
    }
)
"""By the name in addresses, in the order in which they are offered."""


def read_ready(asked: ReadyAsked, *, now: datetime) -> Document:
    """The report in the language at hand. Raises KeyError for a name that is none, ValueError for a subject that no key can be."""
    return READY[asked.name].read(asked.period, asked.subject, now)


def usual_period(span: Span, today: date) -> Period:
    """What is shown unless asked otherwise: this year so far, the month before, this month so far, today."""
    if span is Span.YEAR:
        return so_far(year_of(today), today)
    if span is Span.MONTH:
        return period_before(month_of(today))
    return so_far(month_of(today), today) if span is Span.DAYS else Period(today, today)
