"""Files of sales made by hand as long tasks: uploaded, rehearsed by the worker, looked at, booked by the worker."""

import io
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from shop.acts.import_sales import Step, Tally, import_sales
from shop.acts.sales_file import BadFile, SalesFile
from shop.extensions import act, reading
from shop.kit.errors import Conflict, Refused
from shop.kit.ids import TaskId, UserId
from shop.origin.queries import eastern_units_by_name
from shop.outbox import service as outbox
from shop.outbox import tasks
from shop.outbox.models import TaskState
from shop.outbox.tasks import CannotDo, Work

CHECK, BOOK = "sales_check", "sales_book"
FILE = "file"
MOST_BYTES = 6 * 1024 * 1024
"""About seventy thousand rows; more goes in by `flask sales import`."""
KEPT_FOR = timedelta(days=30)
"""So long a file waits for somebody to book it."""


class FileTooLarge(Refused):
    """The file has more bytes than a page takes."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(most_bytes)
        self.most_bytes = most_bytes


class FileIsEmpty(Refused):
    """There is nothing in it."""


class NotReadyToBook(Conflict):
    """The rehearsal is not done, or there is nothing in it to book."""


def key_of_booking(check_id: TaskId) -> str:
    """The key of the task that books what `check_id` rehearsed: one for each."""
    return f"{BOOK}:{check_id}"


@act
def upload_sales(content: bytes, *, name: str, once: str, by: UserId, now: datetime) -> TaskId:
    """Keep a file and leave it to be rehearsed; nothing is booked. The same `once` is the same task. Raises FileTooLarge or FileIsEmpty."""
    if len(content) > MOST_BYTES:
        raise FileTooLarge(MOST_BYTES)
    if not content.strip():
        raise FileIsEmpty
    task_id = tasks.begin_task(CHECK, once=f"{CHECK}:{by}:{once}", facts={"name": name}, by=by, now=now, files={FILE: content})
    tasks.forget_files(CHECK, before=now - KEPT_FOR)
    outbox.write_audit("sales_uploaded", subject=f"task:{task_id}", by=by, facts={"bytes": len(content)}, now=now)
    return task_id


@act
def book_sales(check_id: TaskId, *, by: UserId, now: datetime) -> TaskId:
    """Leave a rehearsed file to be booked; pressed twice, it is booked once. Raises NotFound or NotReadyToBook."""
    check = tasks.get_task(check_id, CHECK)
    booking = tasks.find_tasks(BOOK, onces=[key_of_booking(check_id)])
    if booking:
        return booking[0].id
    tally = tally_of(check.result)
    if check.state is not TaskState.DONE or not tally.sales + tally.returns:
        raise NotReadyToBook
    facts = {"check": check_id, "name": check.facts["name"]}
    task_id = tasks.begin_task(BOOK, once=key_of_booking(check_id), facts=facts, by=by, now=now)
    figures = {"sales": tally.sales, "sales_fen": tally.sales_fen, "returns": tally.returns, "returns_fen": tally.returns_fen}
    outbox.write_audit("sales_booked", subject=f"task:{check_id}", by=by, facts=figures, now=now)
    return task_id


def tally_of(result: Mapping[str, object]) -> Tally:
    """What a task has noted."""
    return Tally(**result) if "rows" in result else Tally()  # type: ignore[arg-type]  # as `Tally.as_json` wrote it


# ── What the worker does ──────────────────────────────────────────────────────────────────────────────────────────────


def check_sales(work: Work) -> Mapping[str, object]:
    """Runner. Rehearse the file. One that was cut off begins again: what a rehearsal knows goes with its worker."""
    work.start_over()
    with _open(work, work.task.id) as file:
        work.note_alone(0, file.total, {})
        tally = Tally()
        for step in import_sales(file, is_booking=False, by=None, clock=work.clock):
            tally = step.tally
            work.note_alone(tally.rows, file.total, tally.as_json(), _troubles(step))
            work.pause()
    return tally.as_json()


def book_sales_file(work: Work) -> Mapping[str, object]:
    """Runner. Book the file, from where it was cut off: how far it came is noted in the transaction of each batch."""
    check_id = TaskId(int(str(work.task.facts["check"])))
    if work.task.total and work.task.done == work.task.total:
        tasks.drop_files([check_id])
        return work.task.result
    tally = tally_of(work.task.result)
    with _open(work, check_id) as file:
        if not tally.rows:
            work.note_alone(0, file.total, {})
        steps = import_sales(
            file,
            is_booking=True,
            by=work.task.by_user_id,
            clock=work.clock,
            begun=tally,
            beside=lambda step: work.note(step.tally.rows, file.total, step.tally.as_json(), _troubles(step)),
        )
        for step in steps:
            tally = step.tally
            work.pause()
    tasks.drop_files([check_id])
    return tally.as_json()


def _open(work: Work, check_id: TaskId) -> SalesFile:
    with reading():
        content = tasks.read_file(check_id, FILE)
        units = eastern_units_by_name()
    if content is None:
        raise CannotDo("file_gone", work.task.result)
    try:
        return SalesFile(lambda: io.BytesIO(content), units, now=work.clock())
    except BadFile as bad:
        raise CannotDo("bad_file", {"fault": bad.fault, "facts": dict(bad.facts)}) from bad


def _troubles(step: Step) -> list[tuple[int, Mapping[str, object]]]:
    return [(trouble.line, asdict(trouble)) for trouble in step.troubles]
