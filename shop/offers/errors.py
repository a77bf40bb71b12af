"""What offers refuse."""

from enum import StrEnum

from shop.kit.errors import Conflict, NotFound


class WhyNot(StrEnum):
    """Why a voucher is not for this order."""

    UNKNOWN = "unknown"
    """There is no such code."""
    NOT_YET = "not_yet"
    OVER = "over"
    """Its days are over, or staff ended it."""
    USED_UP = "used_up"
    """All its uses are taken."""
    BUYER_USED_UP = "buyer_used_up"
    """This buyer has used it as often as one may."""
    NOTHING_BOUND = "nothing_bound"
    """Nothing in the basket is of its village or on its shelf, or nothing is left to take off."""
    BELOW_MINIMUM = "below_minimum"
    """The goods it is for cost too little."""
    STANDS_ALONE = "stands_alone"
    """It, or the one already there, may not stand beside another."""


class VoucherRefused(Conflict):
    """A voucher cannot be used; nothing was ordered."""

    def __init__(self, code: str, why: WhyNot) -> None:
        super().__init__(code, why)
        self.code = code
        self.why = why


class NoSuchVoucher(NotFound):
    """There is no such voucher."""


class CodeTaken(Conflict):
    """Another voucher has this code."""
