"""What papers refuse."""

from enum import StrEnum

from shop.kit.errors import NotFound, Refused


class WhyNot(StrEnum):
    """Why a file cannot be kept."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_KNOWN = "not_known"
    """Neither a picture that we can read nor a PDF, whatever its name says."""
    TOO_MANY = "too_many"


class CannotKeep(Refused):
    """The file was not kept."""

    def __init__(self, why: WhyNot) -> None:
        super().__init__(why)
        self.why = why


class NoSuchAttachment(NotFound):
    """There is no such file, or its bytes are gone."""
