"""Long tasks: asked for by people, done by the worker, with their progress for everybody to see.

Law: a task is rows, not a message. A worker claims it for a few minutes and says with every step how far it has come, in the same transaction as the
step; if it dies, the next one goes on from there. Nothing is done twice unless the step itself may be.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, func, insert, or_, select, update

from shop.extensions import act, db, put_in, require_transaction, row_as, rows_as
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId, UserId, new_key
from shop.outbox.models import Task, TaskFile, TaskState, TaskTrouble

log = structlog.get_logger()

CLAIM_TIME = timedelta(minutes=3)
"""So long without a word, and a worker is taken for dead."""
MOST_TRIES = 5
"""A task that was taken up so often without coming further is given up, and says so."""


class TaskLost(Exception):
    """Another worker has the task: this one was taken for dead. Whatever it was about to write is undone."""


class TaskStopped(Exception):
    """The worker is to end: the task waits for the next."""


class CannotDo(Exception):
    """The task cannot be done, and trying again would not help. `result` is kept for whoever shows it."""

    def __init__(self, trouble: str, result: Mapping[str, object]) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.result = result


@dataclass(frozen=True)
class TaskRow:
    """A task as a page shows it."""

    id: TaskId
    kind: str
    facts: Mapping[str, object]
    state: TaskState
    done: int
    total: int
    result: Mapping[str, object]
    trouble: str | None
    by_user_id: UserId | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return self.state in (TaskState.WAITING, TaskState.RUNNING)


_ROW = (
    Task.id,
    Task.kind,
    Task.facts,
    Task.state,
    Task.done,
    Task.total,
    Task.result,
    Task.trouble,
    Task.by_user_id,
    Task.created_at,
    Task.started_at,
    Task.ended_at,
)


# ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin_task(
    kind: str, *, once: str, facts: Mapping[str, object], by: UserId | None, now: datetime, files: Mapping[str, bytes] | None = None
) -> TaskId:
    """Step. Leave a task to be done; the same `once` is the same task. Its files are kept with it."""
    require_transaction()
    known = db.session.scalar(select(Task.id).where(Task.once == once))
    if known is not None:
        return TaskId(known)
    values = {"kind": kind, "once": once, "facts": dict(facts), "state": TaskState.WAITING, "done": 0, "total": 0, "result": {}, "tries": 0}
    task_id = db.session.scalar(insert(Task).values(**values, by_user_id=by, created_at=now).returning(Task.id))
    assert task_id is not None
    for name, content in (files or {}).items():
        db.session.execute(insert(TaskFile).values(task_id=task_id, name=name, content=content))
    return TaskId(task_id)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def get_task(task_id: TaskId, *kinds: str) -> TaskRow:
    """A task of one of these kinds.

    Raises NotFound.
    """
    row = db.session.execute(select(*_ROW).where(Task.id == task_id, Task.kind.in_(kinds))).one_or_none()
    if row is None:
        raise NotFound
    return row_as(TaskRow, row)


def find_tasks(kind: str, *, onces: Iterable[str] | None = None, most: int = 50, skip: int = 0) -> list[TaskRow]:
    """Tasks of a kind, the latest first; only those with these keys, if they are given."""
    wanted = select(*_ROW).where(Task.kind == kind).order_by(Task.id.desc()).limit(most).offset(skip)
    if onces is not None:
        wanted = wanted.where(Task.once.in_(sorted(onces)))
    return rows_as(TaskRow, db.session.execute(wanted))


def count_tasks(kind: str) -> int:
    """How many there are of a kind."""
    return db.session.scalar(select(func.count()).select_from(Task).where(Task.kind == kind)) or 0


def read_file(task_id: TaskId, name: str) -> bytes | None:
    """A file of the task's; None when it is no longer kept."""
    return db.session.scalar(select(TaskFile.content).where(TaskFile.task_id == task_id, TaskFile.name == name))


def read_troubles(task_id: TaskId, *, most: int | None = None) -> list[Mapping[str, object]]:
    """What it could not do, by place."""
    rows = select(TaskTrouble.facts).where(TaskTrouble.task_id == task_id).order_by(TaskTrouble.place).limit(most)
    return list(db.session.scalars(rows))


# ── Doing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Work:
    """A task in the hands of a worker. A runner calls `note` within each step's transaction, and `pause` between steps."""

    task: TaskRow
    claim: str
    clock: Callable[[], datetime]
    is_stopping: Callable[[], bool] = lambda: False

    def note(self, done: int, total: int, result: Mapping[str, object], troubles: Sequence[tuple[int, Mapping[str, object]]] = ()) -> None:
        """Step. How far it has come, and what it could not do, by place. Raises TaskLost when another worker has it."""
        require_transaction()
        self._keep(done=done, total=total, result=dict(result), tries=0, claimed_until=self.clock() + CLAIM_TIME)
        put_in(TaskTrouble, [{"task_id": self.task.id, "place": place, "facts": dict(facts)} for place, facts in troubles])

    def note_alone(
        self, done: int, total: int, result: Mapping[str, object], troubles: Sequence[tuple[int, Mapping[str, object]]] = ()
    ) -> None:
        """The same as an act of its own, for steps that write nothing else."""
        _note(self, done, total, result, troubles)

    def start_over(self) -> None:
        """Forget what it could not do: a task that cannot go on where it was cut off begins again."""
        _start_over(self)

    def pause(self) -> None:
        """Raises TaskStopped when the worker is to end."""
        if self.is_stopping():
            raise TaskStopped

    def _keep(self, **values: object) -> None:
        kept = db.session.execute(update(Task).where(Task.id == self.task.id, Task.claim == self.claim).values(**values).returning(Task.id))
        if kept.one_or_none() is None:
            raise TaskLost


Runner = Callable[[Work], Mapping[str, object]]
"""Does a task and says what came out. It may find it begun: `work.task.done` and `work.task.result` are what was noted last."""


def run_tasks(runners: Mapping[str, Runner], *, clock: Callable[[], datetime], is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Sweep. Do every task that waits, and go on with those whose worker has died; how many were dealt with."""
    count = 0
    while not is_stopping() and (work := _claim(sorted(runners), clock, is_stopping)):
        count += 1
        try:
            result = runners[work.task.kind](work)
            _end(work, TaskState.DONE, None, result)
        except TaskLost:
            log.warning("task_lost", task=work.task.id, kind=work.task.kind)
        except TaskStopped:
            _give_back(work)
        except CannotDo as refusal:
            _end(work, TaskState.FAILED, refusal.trouble, refusal.result)
        except Exception as error:  # one task that fails keeps no other waiting; it is tried again when its claim runs out
            log.error("task_failed", task=work.task.id, kind=work.task.kind, exc_info=error)
            _fail(work, type(error).__name__)
    return count


@act
def _claim(kinds: Sequence[str], clock: Callable[[], datetime], is_stopping: Callable[[], bool]) -> Work | None:
    now = clock()
    due = or_(Task.state == TaskState.WAITING, (Task.state == TaskState.RUNNING) & (Task.claimed_until < now))
    first = select(Task.id).where(Task.kind.in_(kinds), due).order_by(Task.id).limit(1).with_for_update(skip_locked=True)
    task_id = db.session.scalar(first)
    if task_id is None:
        return None
    claim = new_key()
    values = {"state": TaskState.RUNNING, "claim": claim, "claimed_until": now + CLAIM_TIME, "tries": Task.tries + 1}
    db.session.execute(update(Task).where(Task.id == task_id).values(**values, started_at=func.coalesce(Task.started_at, now)))
    row = db.session.execute(select(*_ROW).where(Task.id == task_id)).one()
    return Work(row_as(TaskRow, row), claim, clock, is_stopping)


@act
def _note(work: Work, done: int, total: int, result: Mapping[str, object], troubles: Sequence[tuple[int, Mapping[str, object]]]) -> None:
    work.note(done, total, result, troubles)


@act
def _start_over(work: Work) -> None:
    work._keep(done=0, result={})
    db.session.execute(delete(TaskTrouble).where(TaskTrouble.task_id == work.task.id))


@act
def _end(work: Work, state: TaskState, trouble: str | None, result: Mapping[str, object]) -> None:
    work._keep(state=state, trouble=trouble, result=dict(result), ended_at=work.clock(), claim=None, claimed_until=None)


@act
def _give_back(work: Work) -> None:
    """Not a failure: the next worker takes it at once."""
    work._keep(state=TaskState.WAITING, claim=None, claimed_until=None, tries=0)


@act
def _fail(work: Work, trouble: str) -> None:
    tries = db.session.scalar(select(Task.tries).where(Task.id == work.task.id)) or 0
    if tries >= MOST_TRIES:
        work._keep(state=TaskState.FAILED, trouble=trouble[:400], ended_at=work.clock(), claim=None, claimed_until=None)
    else:
        work._keep(trouble=trouble[:400], claimed_until=work.clock() + timedelta(seconds=5 * 2**tries))


def keep_file(task_id: TaskId, name: str, content: bytes) -> None:
    """Step. What came out of a task, kept with it; a later one of the same name takes its place."""
    require_transaction()
    db.session.execute(delete(TaskFile).where(TaskFile.task_id == task_id, TaskFile.name == name))
    db.session.execute(insert(TaskFile).values(task_id=task_id, name=name, content=content))


def forget_files(kind: str, *, before: datetime) -> None:
    """Step. Files of tasks asked for before then are no longer kept."""
    require_transaction()
    old = select(Task.id).where(Task.kind == kind, Task.created_at < before)
    db.session.execute(delete(TaskFile).where(TaskFile.task_id.in_(old)), execution_options={"synchronize_session": False})


@act
def drop_files(task_ids: Iterable[TaskId]) -> None:
    """Nobody needs these tasks' files any more."""
    db.session.execute(delete(TaskFile).where(TaskFile.task_id.in_(sorted(task_ids))))
