"""What accounts refuse."""

from shop.kit.errors import Conflict, Refused


class WrongPassword(Refused):
    """No such account, or not its password: the two look the same."""


class AlreadyKnown(Conflict):
    """Somebody already signs in with this number or address."""
