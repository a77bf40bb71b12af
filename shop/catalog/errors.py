"""What the catalogue refuses."""

from enum import StrEnum

from shop.kit.errors import NotFound, Refused


class YieldReversed(Refused):
    """The least that can come of a harvest is more than the most, or either can hardly be."""

    def __init__(self, least_percent: int, most_percent: int) -> None:
        super().__init__(least_percent, most_percent)
        self.least_percent = least_percent
        self.most_percent = most_percent


class NoSuchProduct(NotFound):
    """The product, SKU or category that was named is not there."""


class BadSlug(Refused):
    """An address is made of small ASCII letters, digits and single hyphens: `baishui-gongmi`, never `白水贡米`."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class BadPrice(Refused):
    """A price is at least one fen."""

    def __init__(self, price_fen: int) -> None:
        super().__init__(price_fen)
        self.price_fen = price_fen


class SkuTaken(Refused):
    """Another product already has a SKU of this code; a code names one pack for ever."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoSuchPhoto(NotFound):
    """The product has no such photograph."""


class EnoughPhotos(Refused):
    """The product has as many photographs as a gallery holds."""


class PhotoKnown(Refused):
    """The product shows this very picture already."""


class Missing(StrEnum):
    """What a product still needs before it may stand on a shelf."""

    VILLAGE = "village"
    COOPERATIVE = "cooperative"
    OFFERED_SKU = "offered_sku"
    LOT_SOURCE = "lot_source"
    """No lot says how many grams came from which village, so nobody could say whose money a sale is (DESIGN §3)."""


class CannotPublish(Refused):
    """The product is not complete."""

    def __init__(self, missing: frozenset[Missing]) -> None:
        super().__init__(missing)
        self.missing = missing
