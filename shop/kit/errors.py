"""The four families of refusals. Subclasses carry facts, not sentences; `web/errors.py` turns a family into a status and a page."""


class ShopError(Exception):
    """Something a person may cause and should be told kindly. Programming mistakes are assertions, never this."""


class NotFound(ShopError):
    """There is no such thing, or it is not yours: both look the same."""


class Refused(ShopError):
    """A rule says no."""


class Conflict(ShopError):
    """The world has moved since you looked; look again and decide."""


class Unavailable(ShopError):
    """Somebody we depend on does not answer; nothing is lost, try again."""
