"""A question to the reports as plain values, for tasks and rows, and the document that answers it."""

from collections.abc import Mapping
from datetime import date, datetime

from shop.reports.documents import Document
from shop.reports.long_reports import asked_from, facts_of_asked
from shop.reports.periods import Period
from shop.reports.ready import ReadyAsked, read_ready
from shop.reports.sales_document import sales_document
from shop.reports.sales_page import Asked, read_report

Question = Asked | ReadyAsked
Facts = Mapping[str, object]


def facts_of(question: Question) -> dict[str, object]:
    """As JSON keeps it: ids, names of dimensions and days, nothing of a person."""
    if isinstance(question, Asked):
        return facts_of_asked(question)
    days = {"from": question.period.since.isoformat(), "to": question.period.until.isoformat()}
    return {"ready": question.name, "subject": question.subject, **days}


def question_of(facts: Facts) -> Question:
    """What `facts_of` wrote."""
    if "ready" not in facts:
        return asked_from(facts)
    period = Period(date.fromisoformat(str(facts["from"])), date.fromisoformat(str(facts["to"])))
    return ReadyAsked(str(facts["ready"]), period, str(facts["subject"]))


def document_of(question: Question, *, now: datetime) -> Document:
    """The answer, in the language at hand. Raises NotFound for a subject that is no longer there, ValueError for one that can be none."""
    if isinstance(question, Asked):
        return sales_document(question, read_report(question), now=now)
    return read_ready(question, now=now)
