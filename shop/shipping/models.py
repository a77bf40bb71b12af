"""Tables of shipping."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice
from shop.shipping.rules import ServiceKind
from shop.shipping.states import ShipmentState


class Tariff(Model):
    """What carriage costs from a day on. Never changed: a new one begins on a later day; one that has not begun may be taken back."""

    __tablename__ = "shipping_tariffs"
    __table_args__ = (
        UniqueConstraint("starts_on"),
        CheckConstraint(
            "first_grams > 0 AND first_fen >= 0 AND further_kg_fen >= 0 AND free_from_fen > 0"
            " AND quick_first_fen >= 0 AND quick_further_kg_fen >= 0 AND packing_days > 0",
            name="not_negative",
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    starts_on: Mapped[date]
    first_grams: Mapped[int]
    """So much goes for `first_fen`; every further kilogram begun for `further_kg_fen`. The quick service adds to that alike."""
    first_fen: Mapped[int]
    further_kg_fen: Mapped[int]
    free_from_fen: Mapped[int]
    """Goods of one cooperative worth so much travel free."""
    quick_first_fen: Mapped[int]
    quick_further_kg_fen: Mapped[int]
    packing_days: Mapped[int]
    """Shipping days until the carrier has a parcel."""
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    made_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(Instant)


class TariffRegion(Model):
    """One province of a tariff. A province that it does not name is not served."""

    __tablename__ = "shipping_tariff_regions"
    __table_args__ = (
        CheckConstraint("surcharge_kg_fen >= 0", name="not_negative"),
        CheckConstraint("fewest_days > 0 AND fewest_days <= most_days", name="days"),
        CheckConstraint("(quick_fewest IS NULL) = (quick_most IS NULL) AND quick_fewest > 0 AND quick_fewest <= quick_most", name="quick"),
        CheckConstraint("(cold_fewest IS NULL) = (cold_most IS NULL) AND cold_fewest > 0 AND cold_fewest <= cold_most", name="cold"),
    )

    tariff_id: Mapped[int] = mapped_column(BigId, ForeignKey("shipping_tariffs.id"), primary_key=True, autoincrement=False)
    province: Mapped[str] = mapped_column(String(2), primary_key=True)
    """The first two digits of its code."""
    surcharge_kg_fen: Mapped[int]
    fewest_days: Mapped[int]
    most_days: Mapped[int]
    quick_fewest: Mapped[int | None]
    """Empty where the quick service is not offered; the cold one likewise."""
    quick_most: Mapped[int | None]
    cold_fewest: Mapped[int | None]
    cold_most: Mapped[int | None]


class ClosedDay(Model):
    """A day on which no cooperative hands parcels over, whatever its weekdays: a public holiday, as staff entered it."""

    __tablename__ = "shipping_closed_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    set_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    set_at: Mapped[datetime] = mapped_column(Instant)


class Shipment(Model):
    """What one cooperative sends for one order."""

    __tablename__ = "shipments"
    __table_args__ = (
        UniqueConstraint("order_id", "cooperative_id"),
        CheckConstraint("fee_fen >= 0 AND grams >= 0", name="not_negative"),
        Index("ix_shipments_tracking", "tracking_number"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"))
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"), index=True)
    state: Mapped[ShipmentState] = mapped_column(choice(ShipmentState, "state"))
    grams: Mapped[int]
    fee_fen: Mapped[int]
    """What the buyer pays for this parcel's carriage."""
    service: Mapped[ServiceKind] = mapped_column(choice(ServiceKind, "service"), default=ServiceKind.ORDINARY, server_default="ordinary")
    """How the buyer chose to have it sent."""
    expected_from: Mapped[date | None]
    expected_until: Mapped[date | None]
    """About when it would arrive, as the buyer was told at checkout; None where nobody was."""
    carrier: Mapped[str] = mapped_column(String(40), default="")
    tracking_number: Mapped[str] = mapped_column(String(40), default="")
    shipped_at: Mapped[datetime | None] = mapped_column(Instant)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)
