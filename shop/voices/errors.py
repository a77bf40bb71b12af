"""What voices refuse."""

from shop.kit.errors import Conflict, NotFound, Refused


class NoSuchReview(NotFound):
    """There is no such review, or it is not this cooperative's."""


class ReviewKnown(Conflict):
    """This purchase has its review already."""


class NotArrivedYet(Refused):
    """One speaks of what one has; the parcel has not arrived."""


class AlreadyDecided(Conflict):
    """Somebody has looked at it before."""


class NoSuchWish(NotFound):
    """There is no such wish, or the link's key is not its own."""


class TooManyMessages(Refused):
    """A buyer has said so much on one order within a day that somebody should telephone."""
