"""The report of sales as a document: what was asked, in words, and its one table."""

from datetime import datetime

from flask_babel import gettext

from shop.reports.choices import choices, label_of
from shop.reports.dimensions import DIMENSIONS
from shop.reports.documents import Document, name_of, sales_part
from shop.reports.sales import Dates, Sales
from shop.reports.sales_page import Asked


def sales_document(asked: Asked, report: Sales, *, now: datetime) -> Document:
    """A report that was read, as a document. One statement, for the words of what it is held to."""
    between = gettext("、")
    words = between.join(str(DIMENSIONS[name].label) for name in asked.by)
    title = gettext("按%(dimension)s销售", dimension=words.lower())
    dates = gettext("记账日：退款算在退的那天") if asked.dates is Dates.POSTED else gettext("销售日：退款算回卖的那天")
    facts = [
        (gettext("期间"), gettext("%(since)s 至 %(until)s", since=asked.period.since, until=asked.period.until)),
        (gettext("日期"), dates),
    ]
    if asked.only:
        known = choices()
        held = (f"{DIMENSIONS[name].label}{gettext('：')}{name_of(label_of(name, key, known))}" for name, key in asked.only.items())
        facts.append((gettext("只看"), between.join(held)))
    return Document(
        name=f"sales-by-{'-'.join(asked.by)}",
        title=title,
        period=asked.period,
        facts=tuple(facts),
        parts=(sales_part("sales", title, report, held=asked.only),),
        made_at=now,
        notes=(gettext("数字取自总账的归属；钱以元、重量以千克写，到分到克。"),),
        arguments={"dates": asked.dates.value} if asked.dates is not Dates.POSTED else {},
        sales=report,
    )
