"""What accounts refuse."""

from datetime import datetime

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


class WrongCode(Refused):
    """Not the code of the second step, or one that was used already."""

    def __init__(self, locked_until: datetime | None = None) -> None:
        super().__init__()
        self.locked_until = locked_until
        """There were too many: none is taken before then."""


class LinkSpent(NotFound):
    """A link that was used, withdrawn, too old, or never was one: they all look the same."""


class LastAdmin(Refused):
    """Nobody would be left who may give roles."""


class NotOneself(Refused):
    """Another admin has to do that."""
