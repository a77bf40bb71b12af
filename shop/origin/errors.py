"""What origin refuses."""

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
