"""What payments refuse."""

from shop.kit.errors import Refused, Unavailable


class ProviderUnavailable(Unavailable):
    """The provider gave no clear answer: it may or may not have acted. Ask again with the same key."""


class ProviderRefused(Refused):
    """The provider said no."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RefundAboveReceived(Refused):
    """More would go back than came in; the CHECK on payments said so."""
