"""Tables of shipping."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice
from shop.shipping.rules import ServiceKind
from shop.shipping.states import ShipmentState


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
