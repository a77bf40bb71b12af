"""Tables of accounts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.accounts.roles import Role
from shop.extensions import BigId, Instant, Model, choice


class User(Model):
    """A person with an account. Known by mobile number or e-mail, at least one of the two until deleted."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("email IS NOT NULL OR phone IS NOT NULL OR deleted_at IS NOT NULL", name="reachable"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    """Lower case."""
    phone: Mapped[str | None] = mapped_column(String(11), unique=True)
    """A mainland mobile number, eleven digits."""
    password_hash: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(60), default="")
    locale: Mapped[str] = mapped_column(String(8), default="zh")
    eastern_unit_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("eastern_units.id"))
    """The unit this buyer's purchases are credited to."""
    session_stamp: Mapped[str] = mapped_column(String(32))
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
    name: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(11))
    district_code: Mapped[str] = mapped_column(String(6))
    town: Mapped[str] = mapped_column(String(60), default="")
    street: Mapped[str] = mapped_column(String(200))
    is_default: Mapped[bool] = mapped_column(default=False)
    used_at: Mapped[datetime] = mapped_column(Instant)
