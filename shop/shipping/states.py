"""Where a parcel is."""

from enum import StrEnum


class ShipmentState(StrEnum):
    """Life of a parcel."""

    WAITING = "waiting"
    """The order is not paid yet."""
    TO_PACK = "to_pack"
    """Paid; the cooperative packs it."""
    SHIPPED = "shipped"
    """With the carrier."""
    DELIVERED = "delivered"
    """The buyer or staff said so, or ten days have passed since shipping."""
    CANCELLED = "cancelled"
    """Everything in it was refunded before it left, or the order lapsed."""
