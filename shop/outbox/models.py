"""Tables of the outbox."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import PERSONAL, BigId, Instant, Model, choice

_WAITING = text("sent_at IS NULL AND given_up_at IS NULL")


class Letter(Model):
    """One letter to one person, waiting or sent. Holds the address and what the template needs; emptied of both when the person is deleted."""

    __tablename__ = "letters"
    __table_args__ = (
        UniqueConstraint("once"),
        Index("ix_letters_waiting", "next_try_at", postgresql_where=_WAITING, sqlite_where=_WAITING),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    once: Mapped[str] = mapped_column(String(120))
    """What the letter is about, e.g. `paid:SH-261123-7K3M9P`; the same cause never writes two."""
    subject: Mapped[str] = mapped_column(String(40), index=True)
    """The order's number; of a letter about no order, what it is about: `user:42`."""
    locale: Mapped[str] = mapped_column(String(8))
    to_email: Mapped[str | None] = mapped_column(String(254), info=PERSONAL)
    to_phone: Mapped[str | None] = mapped_column(String(20), info=PERSONAL)
    facts: Mapped[dict[str, object]] = mapped_column(JSON, info=PERSONAL)
    created_at: Mapped[datetime] = mapped_column(Instant)
    next_try_at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    given_up_at: Mapped[datetime | None] = mapped_column(Instant)
    trouble: Mapped[str | None] = mapped_column(String(200))


class AuditRow(Model):
    """Who did what to which thing, and why. Append-only; holds no personal data."""

    __tablename__ = "audit_rows"
    __table_args__ = (Index("ix_audit_rows_by", "by_user_id", "id"), Index("ix_audit_rows_action", "action", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    by_user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80), index=True)
    facts: Mapped[dict[str, object]] = mapped_column(JSON)


# ── Long tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────


class TaskState(StrEnum):
    """Life of a long task."""

    WAITING = "waiting"
    RUNNING = "running"
    """In the hands of a worker until its claim runs out."""
    DONE = "done"
    FAILED = "failed"
    """Given up; `trouble` says why."""


_OPEN = text("state IN ('waiting', 'running')")


class Task(Model):
    """Work that takes longer than a page may: what is asked, how far it has come, and what came out. The worker does it."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("once"),
        CheckConstraint("done >= 0 AND total >= 0", name="not_negative"),
        Index("ix_tasks_open", "id", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_tasks_kind", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    """Which runner does it: a key of `TASKS` in `worker.py`."""
    once: Mapped[str] = mapped_column(String(120))
    """Asked twice, it is one task."""
    facts: Mapped[dict[str, object]] = mapped_column(JSON)
    """What is asked: ids, figures and names of files, never a person's data."""
    state: Mapped[TaskState] = mapped_column(choice(TaskState, "state"))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    """Rows, pages or whatever it counts; nought until that is known."""
    result: Mapped[dict[str, object]] = mapped_column(JSON)
    """What has come out so far; of a task that was cut off, where the next worker goes on."""
    trouble: Mapped[str | None] = mapped_column(String(400))
    by_user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    claim: Mapped[str | None] = mapped_column(String(32))
    """Key of the worker that has it."""
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    """A worker that has not been heard of until then is taken for dead."""
    tries: Mapped[int] = mapped_column(default=0)
    """How often it was taken up since it last came further."""


class TaskFile(Model):
    """A file that a task works on, or that came out of it; kept until nobody needs it."""

    __tablename__ = "task_files"

    task_id: Mapped[int] = mapped_column(BigId, ForeignKey("tasks.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class TaskTrouble(Model):
    """Something that a task could not do: one row of a file, say. The rest goes on."""

    __tablename__ = "task_troubles"

    task_id: Mapped[int] = mapped_column(BigId, ForeignKey("tasks.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Where: the line of a file."""
    facts: Mapped[dict[str, object]] = mapped_column(JSON)
