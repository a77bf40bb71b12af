"""What accounts refuse."""

from shop.kit.errors import Conflict, NotFound, Refused


class WrongPassword(Refused):
    """No such account, or not its password: the two look the same."""


class AlreadyKnown(Conflict):
    """Somebody already signs in with this number or address."""


class NoSuchAddress(NotFound):
    """There is no such address, or it is somebody else's."""


class TooManyAddresses(Refused):
    """The book is full."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most
