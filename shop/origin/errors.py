"""What origin refuses."""

from datetime import date

from shop.kit.errors import Conflict, NotFound, Refused


class NoSuchPlace(NotFound):
    """The town, village, cooperative or unit that was named is not there."""


class BadSlug(Refused):
    """An address is made of small ASCII letters, digits and single hyphens: `baishui`, never `白水`."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class CodeTaken(Conflict):
    """Another village already has this official code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PairedAlready(Conflict):
    """The unit is paired with this place, in this way, on some of these days already."""


class EndedAlready(Conflict):
    """It has ended, or its end is written down; nobody changes that."""

    def __init__(self, last_day: date | None) -> None:
        super().__init__(last_day)
        self.last_day = last_day


class EndTooEarly(Refused):
    """An end lies today at the earliest, and not before the beginning: what was credited stays credited."""

    def __init__(self, earliest: date) -> None:
        super().__init__(earliest)
        self.earliest = earliest


class StillPaired(Refused):
    """A unit with pairings that go on is not closed."""
