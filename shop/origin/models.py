"""Tables of origin."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.extensions import BigId, Instant, Model, choice


class PairingKind(StrEnum):
    """The seven kinds of pairing (DESIGN §1)."""

    DEPARTMENT = "department"
    INDUSTRY = "industry"
    TOWN = "town"
    VILLAGE = "village"
    FAMILY = "family"
    VILLAGE_ENTERPRISE = "village_enterprise"
    SOCIAL_FORCE = "social_force"


class Town(Model):
    """A town 乡镇 or subdistrict 街道, with the point of its seat where one is known (GeoNames, CC BY 4.0)."""

    __tablename__ = "towns"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str | None] = mapped_column(String(9), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    short_name: Mapped[str] = mapped_column(String(30))
    """For chips and tables: 滑石乡, not 滑石侗族苗族土家族乡."""
    name_en: Mapped[str] = mapped_column(String(60))
    county_code: Mapped[str] = mapped_column(String(6))
    county_name: Mapped[str] = mapped_column(String(30))
    latitude: Mapped[float | None] = mapped_column(Numeric(8, 5, asdecimal=False))
    longitude: Mapped[float | None] = mapped_column(Numeric(8, 5, asdecimal=False))


class Village(Model):
    """A village 村 or community 社区. The official code may be missing (兴龙社区 龙田组)."""

    __tablename__ = "villages"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    code: Mapped[str | None] = mapped_column(String(12), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(60))
    town_id: Mapped[int] = mapped_column(BigId, ForeignKey("towns.id"), index=True)
    story: Mapped[str] = mapped_column(Text, default="")
    story_en: Mapped[str] = mapped_column(Text, default="", server_default="")
    story_is_sample: Mapped[bool] = mapped_column(default=True)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    """Its last day as a village of its own."""

    town: Mapped[Town] = relationship(lazy="raise")


class VillageMerger(Model):
    """A village that became part of another after its last day, and by which paper."""

    __tablename__ = "village_mergers"
    __table_args__ = (CheckConstraint("village_id <> into_id", name="two"),)

    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True, autoincrement=False)
    into_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), index=True)
    why: Mapped[str] = mapped_column(String(120))
    recorded_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class PlaceList(Model):
    """An official list of towns and villages of a year, as it was brought; looked at before it is applied."""

    __tablename__ = "place_lists"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    year: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    brought_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    brought_at: Mapped[datetime] = mapped_column(Instant)
    applied_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    applied_at: Mapped[datetime | None] = mapped_column(Instant)


class PlaceName(Model):
    """A name or a code that a village or a town had until a day."""

    __tablename__ = "place_names"
    __table_args__ = (CheckConstraint("(village_id IS NULL) <> (town_id IS NULL)", name="of_one"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    village_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("villages.id"), index=True)
    town_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("towns.id"), index=True)
    name: Mapped[str] = mapped_column(String(60), default="", server_default="")
    code: Mapped[str] = mapped_column(String(12), default="", server_default="")
    """Its own code of then, or the town's that it was in; empty where only the name was another."""
    valid_until: Mapped[date]
    source: Mapped[str] = mapped_column(String(120))
    recorded_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class VillagePeople(Model):
    """How many live in a village, counted by somebody on a day: numbers and never names. Small ones are not shown (DESIGN §7)."""

    __tablename__ = "village_people"
    __table_args__ = (CheckConstraint("households >= 0 AND people >= 0 AND members >= 0", name="not_negative"),)

    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True, autoincrement=False)
    households: Mapped[int | None]
    people: Mapped[int | None]
    members: Mapped[int | None]
    """Households that have joined a cooperative 社员户."""
    counted_on: Mapped[date]
    source: Mapped[str] = mapped_column(String(120))
    is_sample: Mapped[bool] = mapped_column(default=False)
    recorded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class Cooperative(Model):
    """A cooperative 合作社: supplies the shop and is settled with."""

    __tablename__ = "cooperatives"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    short_name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(80))
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), index=True)
    """Its seat."""
    is_sample: Mapped[bool] = mapped_column(default=False)
    ships_on: Mapped[str] = mapped_column(String(7), default="12345", server_default="12345")
    """The days of the week on which it hands parcels to its carrier, 1 for Monday."""

    village: Mapped[Village] = relationship(lazy="raise")


class CooperativeVillage(Model):
    """A village that belongs to a cooperative: its harvest may go into the cooperative's lots."""

    __tablename__ = "cooperative_villages"

    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"), primary_key=True)
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True, index=True)


class Membership(Model):
    """A person who signs in and works for a cooperative."""

    __tablename__ = "memberships"

    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(Instant)


class BankAccount(Model):
    """Where a cooperative is paid. One each; who changed it stands in the audit rows, with its last four digits."""

    __tablename__ = "bank_accounts"

    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"), primary_key=True, autoincrement=False)
    payee: Mapped[str] = mapped_column(String(80))
    """The account's name 户名, as the bank has it."""
    number: Mapped[str] = mapped_column(String(34))
    bank: Mapped[str] = mapped_column(String(80))
    """开户行."""
    bank_code: Mapped[str] = mapped_column(String(12))
    """联行号, twelve digits, or empty."""
    is_sample: Mapped[bool]
    changed_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    changed_at: Mapped[datetime] = mapped_column(Instant)


class EasternUnit(Model):
    """A town, department, firm or village in the east that is paired, and that buyers may credit."""

    __tablename__ = "eastern_units"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    district_code: Mapped[str | None] = mapped_column(String(6))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    """Since when nobody can choose it any more; what was credited to it stays."""


_IN_FORCE = text("valid_until IS NULL")


class Pairing(Model):
    """An eastern unit paired 结对 with a place in the west, from a date, of one of seven kinds; `confirmed` only with a source.

    It is never changed: it is added, and ends.
    """

    __tablename__ = "pairings"
    __table_args__ = (
        Index("ix_pairings_in_force", "unit_id", "western_name", "kind", unique=True, postgresql_where=_IN_FORCE, sqlite_where=_IN_FORCE),
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="dates"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    unit_id: Mapped[int] = mapped_column(BigId, ForeignKey("eastern_units.id"), index=True)
    kind: Mapped[PairingKind] = mapped_column(choice(PairingKind, "kind"))
    western_name: Mapped[str] = mapped_column(String(80))
    village_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("villages.id"), index=True)
    town_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("towns.id"), index=True)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    """Its last day; while it is empty the pairing goes on."""
    is_confirmed: Mapped[bool] = mapped_column(default=False)
    fact: Mapped[str] = mapped_column(String(300), default="")
    source: Mapped[str] = mapped_column(String(200), default="")
    added_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    added_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    why_ended: Mapped[str] = mapped_column(String(120), default="", server_default="")


class PairingTarget(Model):
    """What a pairing is to bring its western side in a year: net fen credited to it. What it was before stands in the audit rows."""

    __tablename__ = "pairing_targets"
    __table_args__ = (
        CheckConstraint("target_fen > 0", name="some"),
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year"),
    )

    pairing_id: Mapped[int] = mapped_column(BigId, ForeignKey("pairings.id"), primary_key=True, autoincrement=False)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    target_fen: Mapped[int] = mapped_column(BigInteger)
    set_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    set_at: Mapped[datetime] = mapped_column(Instant)
