"""Files of reports that take long to write: asked for by one person, written by the worker, fetched by that person alone.

Law: a file is for whoever asked for it and nobody else, whatever else they may read; after `OPEN_FOR` it is gone.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from flask_babel import force_locale

from shop.extensions import act, reading
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId, UserId
from shop.outbox import service as outbox
from shop.outbox import tasks
from shop.outbox.models import TaskState
from shop.outbox.tasks import Runner, TaskRow, Work
from shop.reports.documents import Document
from shop.reports.questions import Question, document_of, facts_of, question_of

EXPORT = "report_export"
FILE = "file"
OPEN_FOR = timedelta(hours=24)
"""So long after it was written a file can be fetched."""

Write = Callable[[Document, str, Callable[[int], None]], bytes]
"""Makes a document a file of one form; says how many rows it has taken up."""


@act
def ask_for_export(question: Question, form: str, *, locale: str, by: UserId, now: datetime) -> TaskId:
    """Leave a file to be written. Pressed twice within a minute it is one; files past their time are no longer kept."""
    facts: dict[str, object] = {"question": facts_of(question), "form": form, "locale": locale}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    tasks.forget_files(EXPORT, before=now - 2 * OPEN_FOR)
    task_id = tasks.begin_task(EXPORT, once=f"{EXPORT}:{by}:{now:%Y%m%d%H%M}:{digest}", facts=facts, by=by, now=now)
    outbox.write_audit("report_exported", subject=f"task:{task_id}", by=by, facts={"form": form}, now=now)
    return task_id


def exporter(write: Write) -> Runner:
    """Runner that writes files by `write`. One that was cut off begins again."""

    def export(work: Work) -> Mapping[str, object]:
        facts = dict(work.task.facts)
        question, form = facts["question"], str(facts["form"])
        assert isinstance(question, dict)
        work.start_over()
        with force_locale(str(facts["locale"])):
            with reading():
                document = document_of(question_of(question), now=work.clock())
            work.note_alone(0, document.rows, {})

            def noted(rows: int) -> None:
                work.note_alone(rows, document.rows, {})
                work.pause()

            content = write(document, form, noted)
        result: dict[str, object] = {"rows": document.rows, "bytes": len(content), "stem": document.file_stem}
        _keep(work, content, document.rows, result)
        return result

    return export


@act
def _keep(work: Work, content: bytes, rows: int, result: Mapping[str, object]) -> None:
    work.note(rows, rows, result)
    tasks.keep_file(work.task.id, FILE, content)


def get_export(task_id: TaskId, *, by: UserId) -> TaskRow:
    """How far it is. Raises NotFound, for everybody but who asked."""
    task = tasks.get_task(task_id, EXPORT)
    if task.by_user_id != by:
        raise NotFound
    return task


def open_until(task: TaskRow) -> datetime | None:
    """Until when its file can be fetched; None where there is none."""
    return task.ended_at + OPEN_FOR if task.state is TaskState.DONE and task.ended_at else None


def read_export(task_id: TaskId, *, by: UserId, now: datetime) -> tuple[TaskRow, bytes]:
    """The file. Raises NotFound: for others, before it is written, and after its time."""
    task = get_export(task_id, by=by)
    until = open_until(task)
    content = tasks.read_file(task_id, FILE) if until and now < until else None
    if content is None:
        raise NotFound
    return task, content
