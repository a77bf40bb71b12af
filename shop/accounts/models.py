"""Tables of accounts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.accounts.roles import Role
from shop.extensions import PERSONAL, SECRET, BigId, Instant, Model, choice


class User(Model):
    """A person with an account. Known by mobile number or e-mail, at least one of the two until deleted."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("email IS NOT NULL OR phone IS NOT NULL OR deleted_at IS NOT NULL", name="reachable"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True, info=PERSONAL)
    """Lower case."""
    phone: Mapped[str | None] = mapped_column(String(11), unique=True, info=PERSONAL)
    """A mainland mobile number, eleven digits."""
    password_hash: Mapped[str] = mapped_column(String(200), info=SECRET)
    name: Mapped[str] = mapped_column(String(60), default="", info=PERSONAL)
    locale: Mapped[str] = mapped_column(String(8), default="zh")
    eastern_unit_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("eastern_units.id"))
    """The unit this buyer's purchases are credited to."""
    session_stamp: Mapped[str] = mapped_column(String(32), info=SECRET)
    """Changes with the password; older sessions then end."""
    is_demo: Mapped[bool] = mapped_column(default=False)
    consented_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)


class UserRole(Model):
    """One role of one user. A buyer needs none; a cooperative's member has a membership instead."""

    __tablename__ = "user_roles"

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(choice(Role, "role"), primary_key=True)


class Consent(Model):
    """Which version of the privacy notice and the terms somebody with an account accepted, and when. An order keeps its own."""

    __tablename__ = "consents"

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(10), primary_key=True)
    accepted_at: Mapped[datetime] = mapped_column(Instant)


_OPEN = text("done_at IS NULL AND withdrawn_at IS NULL")


class Forgetting(Model):
    """Somebody asked to be forgotten: an account with all its orders, or a guest's one order. Done when its time to think it over has passed."""

    __tablename__ = "forgettings"
    __table_args__ = (
        CheckConstraint("(user_id IS NULL) <> (order_id IS NULL)", name="one_subject"),
        CheckConstraint("done_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
        Index("ix_forgettings_open_user", "user_id", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_forgettings_open_order", "order_id", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_forgettings_due", "due_at", postgresql_where=_OPEN, sqlite_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    order_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("orders.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class Address(Model):
    """A delivery address in a buyer's book."""

    __tablename__ = "addresses"
    __table_args__ = (
        Index(
            "uq_addresses_default",
            "user_id",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(60), info=PERSONAL)
    phone: Mapped[str] = mapped_column(String(11), info=PERSONAL)
    district_code: Mapped[str] = mapped_column(String(6), info=PERSONAL)
    town: Mapped[str] = mapped_column(String(60), default="", info=PERSONAL)
    street: Mapped[str] = mapped_column(String(200), info=PERSONAL)
    is_default: Mapped[bool] = mapped_column(default=False)
    used_at: Mapped[datetime] = mapped_column(Instant)
