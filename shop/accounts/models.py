"""Tables of accounts."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, text
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
    is_demo: Mapped[bool] = mapped_column(default=False)
    consented_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    deactivated_at: Mapped[datetime | None] = mapped_column(Instant)
    """Since then nobody gets in by it, until an admin lets them."""
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)


class SignUp(Model):
    """Somebody wants an account: what they typed, until the link of a letter is pressed, a day at most. Whether they have one already is not said here."""

    __tablename__ = "sign_ups"
    __table_args__ = (CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name="reachable"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), info=PERSONAL)
    phone: Mapped[str | None] = mapped_column(String(11), info=PERSONAL)
    password_hash: Mapped[str] = mapped_column(String(200), info=SECRET)
    name: Mapped[str] = mapped_column(String(60), default="", info=PERSONAL)
    locale: Mapped[str] = mapped_column(String(8))
    seed: Mapped[str] = mapped_column(String(32), info=SECRET)
    asked_at: Mapped[datetime] = mapped_column(Instant, index=True)


class NewEmail(Model):
    """The address that somebody wants to sign in by, until the link of the letter to it is pressed."""

    __tablename__ = "new_emails"

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True, autoincrement=False)
    email: Mapped[str] = mapped_column(String(254), info=PERSONAL)
    seed: Mapped[str] = mapped_column(String(32), info=SECRET)
    asked_at: Mapped[datetime] = mapped_column(Instant)


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


_OPEN = text("ended_at IS NULL")


class SignIn(Model):
    """One device that is signed in, or was: a session of the web. The key itself is in the browser alone."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_open", "user_id", postgresql_where=_OPEN, sqlite_where=_OPEN),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True, info=SECRET)
    """SHA-256 of a random key of 128 bits."""
    device: Mapped[str] = mapped_column(String(60), info=PERSONAL)
    """Browser and system in two words; no address."""
    begun_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    """To a quarter of an hour."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class TwoFactor(Model):
    """The second step of somebody's sign-in: what their telephone counts with."""

    __tablename__ = "two_factors"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures"),)

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    sealed_secret: Mapped[str] = mapped_column(String(200), info=SECRET)
    """Sealed with a key made from the shop's own secret."""
    begun_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    """None: the code was drawn, and no telephone has shown yet that it knows it."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of the last code that was taken; one as old is not taken again."""
    failures: Mapped[int] = mapped_column(default=0)
    """Wrong codes in a row."""
    locked_until: Mapped[datetime | None] = mapped_column(Instant)


class RecoveryCode(Model):
    """A code on paper that stands in once for the telephone."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True, info=SECRET)
    """HMAC-SHA-256 with a key made from the shop's own secret."""
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class Invite(Model):
    """A link by which somebody joins: the staff, or a cooperative. Used once."""

    __tablename__ = "invites"
    __table_args__ = (
        CheckConstraint("accepted_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
        CheckConstraint("(accepted_at IS NULL) = (accepted_by IS NULL)", name="accepted_by_somebody"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    """What is joined: a key of `JOINS` in `acts/accept_invite.py`."""
    grants: Mapped[dict[str, object]] = mapped_column(JSON)
    """What it gives: ids and names of roles."""
    seed: Mapped[str] = mapped_column(String(32), info=SECRET)
    """Random; the key in the link is made from it and the shop's own secret."""
    note: Mapped[str] = mapped_column(String(60), info=PERSONAL)
    """Whom it is for, in the words of who invites."""
    to_email: Mapped[str | None] = mapped_column(String(254), info=PERSONAL)
    to_phone: Mapped[str | None] = mapped_column(String(11), info=PERSONAL)
    locale: Mapped[str] = mapped_column(String(8))
    made_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """None: by a command."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    accepted_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
