"""Reports that would keep a reader waiting: read by the worker, kept for a while, shown as if they had been read at once.

Law: a kept report is what one statement said at one moment; the page that shows it says when.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shop.extensions import act, reading
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId, UserId
from shop.outbox import tasks
from shop.outbox.models import TaskState
from shop.outbox.tasks import TaskRow, Work
from shop.reports.dimensions import Label
from shop.reports.periods import Period
from shop.reports.sales import Counts, Dates, Measures, Sales, SalesRow
from shop.reports.sales_page import Asked, Versus, read_report

LONG_REPORT = "long_report"
FILE = "report"
KEPT_FOR = timedelta(days=2)


@dataclass(frozen=True)
class Kept:
    """A report that was read before."""

    report: Sales
    read_at: datetime


@act
def ask_for_report(asked: Asked, *, by: UserId, now: datetime) -> TaskId:
    """Leave a report to be read; the same question within the hour is the same task."""
    facts = facts_of_asked(asked)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    tasks.forget_files(LONG_REPORT, before=now - KEPT_FOR)
    return tasks.begin_task(LONG_REPORT, once=f"{LONG_REPORT}:{now:%Y%m%d%H}:{digest}", facts=facts, by=by, now=now)


def read_long_report(work: Work) -> Mapping[str, object]:
    """Runner. One statement, so it begins again if it is cut off."""
    asked = asked_of(work.task)
    work.note_alone(0, 1, {})
    with reading():
        report = read_report(asked)
    _keep(work, report)
    return {"rows": len(report.rows)}


@act
def _keep(work: Work, report: Sales) -> None:
    work.note(1, 1, {"rows": len(report.rows)})
    tasks.keep_file(work.task.id, FILE, json.dumps(_as_kept(report), ensure_ascii=False).encode())


def get_long_report(task_id: TaskId) -> TaskRow:
    """How far it is. Raises NotFound."""
    return tasks.get_task(task_id, LONG_REPORT)


def find_kept(task_id: TaskId, asked: Asked) -> Kept | None:
    """The report of a task, if it is that of this question and still kept. Raises NotFound where there is no such task."""
    task = get_long_report(task_id)
    if task.facts != facts_of_asked(asked):
        raise NotFound
    content = tasks.read_file(task_id, FILE) if task.state is TaskState.DONE else None
    if content is None or task.ended_at is None:
        return None
    return Kept(_from_kept(json.loads(content), asked), task.ended_at)


# ── A question, and a report, as text ─────────────────────────────────────────────────────────────────────────────────


def facts_of_asked(asked: Asked) -> dict[str, object]:
    """A question as JSON keeps it."""
    return {
        "by": list(asked.by),
        "from": asked.period.since.isoformat(),
        "to": asked.period.until.isoformat(),
        "dates": asked.dates.value,
        "only": dict(asked.only),
        "counts": asked.with_counts,
        "vs": asked.versus.value,
    }


def asked_of(task: TaskRow) -> Asked:
    """The question that a task answers."""
    return asked_from(task.facts)


def asked_from(facts: Mapping[str, object]) -> Asked:
    """What `facts_of_asked` wrote."""
    by, only = facts["by"], facts["only"]
    assert isinstance(by, list) and isinstance(only, dict)
    period = Period(date.fromisoformat(str(facts["from"])), date.fromisoformat(str(facts["to"])))
    return Asked(tuple(by), period, Dates(str(facts["dates"])), only, Versus(str(facts["vs"])), bool(facts["counts"]))


def _as_kept(report: Sales) -> dict[str, object]:
    """Each label once, by its key."""
    labels = [
        {row.labels[place].key: [row.labels[place].code, row.labels[place].name, row.labels[place].name_en] for row in report.rows}
        for place in range(len(report.by))
    ]
    rows = [[row.keys, _numbers(row.measures), _counts(row.counts)] for row in report.rows]
    return {"labels": labels, "rows": rows, "total": [_numbers(report.total), _counts(report.counts)]}


def _numbers(measures: Measures) -> list[int]:
    return [measures.lines, measures.units, measures.weight_grams, measures.gross_fen, measures.refunds_fen]


def _counts(counts: Counts | None) -> list[int] | None:
    return [counts.orders, counts.buyers] if counts else None


def _from_kept(kept: dict[str, list], asked: Asked) -> Sales:  # type: ignore[type-arg]  # as `_as_kept` wrote it
    labels = [{key: Label(key, *words) for key, words in side.items()} for side in kept["labels"]]
    rows = tuple(
        SalesRow(tuple(side[key] for side, key in zip(labels, keys, strict=True)), Measures(*numbers), Counts(*counts) if counts else None)
        for keys, numbers, counts in kept["rows"]
    )
    total, of_total = kept["total"]
    return Sales(asked.by, asked.period.since, asked.period.until, rows, Measures(*total), Counts(*of_total) if of_total else None)
