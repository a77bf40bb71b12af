"""What payments refuse."""

from enum import StrEnum

from shop.kit.errors import Conflict, NotFound, Refused, Unavailable


class ProviderUnavailable(Unavailable):
    """The provider gave no clear answer: it may or may not have acted. Ask again with the same key."""


class ProviderRefused(Refused):
    """The provider said no."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RefundAboveReceived(Refused):
    """More would go back than came in; the CHECK on payments said so."""


class WhyNoStatement(StrEnum):
    """Why a file is not a bank's statement."""

    EMPTY = "empty"
    NOT_READABLE = "not_readable"
    """Not text in UTF-8 or GB18030: an Excel file perhaps."""
    NO_HEADINGS = "no_headings"
    """No row names a date and a sum."""
    TOO_LONG = "too_long"


class NotAStatement(Refused):
    """The file cannot be read as a statement; nothing was kept."""

    def __init__(self, why: WhyNoStatement) -> None:
        super().__init__(why)
        self.why = why


class NoSuchLine(NotFound):
    """There is no such bank line."""


class LineTaken(Conflict):
    """So much of the line is no longer free: somebody was quicker."""

    def __init__(self, left_fen: int) -> None:
        super().__init__(left_fen)
        self.left_fen = left_fen


class OtherName(Refused):
    """The money comes from another name than expected: say why it is this order's."""


class NoTransferOrder(Refused):
    """There is no such order, or it is not paid by bank transfer."""


class NoSuchRemittance(NotFound):
    """There is nothing to send back under this number."""


class SamePerson(Refused):
    """The second look needs a second person."""


class NotAsExpected(Conflict):
    """It is no longer where this could happen: somebody was quicker."""


class NoSuchSuspense(NotFound):
    """There is nothing unexplained under this number."""


class PaymentDisputed(Conflict):
    """The buyer's bank has taken the money back until the dispute is decided; nothing is refunded meanwhile."""
