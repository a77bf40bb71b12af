"""What orders refuse."""

from dataclasses import dataclass

from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import SkuId


class NoSuchOrder(NotFound):
    """There is no such order, or it is not yours."""


class EmptyCart(Refused):
    """There is nothing to order."""


class ProductRetired(Conflict):
    """Something in the basket is no longer offered; nothing was ordered."""

    def __init__(self, sku_ids: tuple[SkuId, ...]) -> None:
        super().__init__(sku_ids)
        self.sku_ids = sku_ids


@dataclass(frozen=True)
class PriceChange:
    """A price that is not what the buyer saw."""

    sku_id: SkuId
    seen_fen: int
    now_fen: int


class PriceChanged(Conflict):
    """Prices moved since they went into the basket; nothing was ordered, the buyer is asked."""

    def __init__(self, changes: tuple[PriceChange, ...]) -> None:
        super().__init__(changes)
        self.changes = changes


class CannotMove(Conflict):
    """The order is not where this could happen."""

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(state, wanted)
        self.state = state
        self.wanted = wanted


class CannotPay(Refused):
    """The order does not wait for money any more, or its time is nearly over."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class NothingToRefund(Refused):
    """Nothing was named, or nothing of it is left."""


class RefundTooLarge(Refused):
    """More is asked back than is left."""

    def __init__(self, wanted_fen: int, left_fen: int) -> None:
        super().__init__(wanted_fen, left_fen)
        self.wanted_fen = wanted_fen
        self.left_fen = left_fen


class NoSuchRequest(NotFound):
    """There is no such request for a refund."""


class AlreadyDecided(Conflict):
    """Somebody has approved or rejected it already."""


class SecondPersonNeeded(Refused):
    """Who asked for a refund does not approve it."""


class RefundChanged(Conflict):
    """What would be booked now is another sum than the one that was asked for."""

    def __init__(self, asked_fen: int, now_fen: int) -> None:
        super().__init__(asked_fen, now_fen)
        self.asked_fen = asked_fen
        self.now_fen = now_fen
