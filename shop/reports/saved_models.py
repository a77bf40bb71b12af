"""Reports that somebody saved under a name, and the letters they come in. Nothing here holds a figure."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice


class Rolling(StrEnum):
    """Which days a saved report is of, whenever it is opened."""

    FIXED = "fixed"
    """Those it was saved with."""
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    THIS_YEAR = "this_year"


class Every(StrEnum):
    """How often a letter comes."""

    WEEK = "week"
    """On Mondays, of the week before."""
    MONTH = "month"
    """On the first, of the month before."""


class SavedReport(Model):
    """A question to the reports under a name, for whoever saved it or for all who may read reports."""

    __tablename__ = "saved_reports"
    __table_args__ = (UniqueConstraint("by_user_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    by_user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(60))
    question: Mapped[dict[str, object]] = mapped_column(JSON)
    """As `reports.questions.facts_of` wrote it."""
    rolling: Mapped[Rolling] = mapped_column(choice(Rolling, "rolling"))
    is_shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Instant)


class ReportLetter(Model):
    """Somebody's wish to be sent a saved report again and again."""

    __tablename__ = "report_letters"
    __table_args__ = (UniqueConstraint("saved_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    saved_id: Mapped[int] = mapped_column(BigId, ForeignKey("saved_reports.id"))
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    every: Mapped[Every] = mapped_column(choice(Every, "every"))
    locale: Mapped[str] = mapped_column(String(8))
    since: Mapped[date]
    """Nothing is due before."""
    stopped_at: Mapped[datetime | None] = mapped_column(Instant)


class ReportLetterDue(Model):
    """One letter that was due, written once."""

    __tablename__ = "report_letter_dues"

    letter_id: Mapped[int] = mapped_column(BigId, ForeignKey("report_letters.id"), primary_key=True)
    due_on: Mapped[date] = mapped_column(primary_key=True)
