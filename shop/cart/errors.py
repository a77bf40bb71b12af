"""What a basket refuses."""

from shop.kit.errors import Refused
from shop.kit.ids import SkuId


class TooMany(Refused):
    """More of one SKU than may be in the basket; nothing has changed."""

    def __init__(self, sku_id: SkuId, *, wanted: int, had: int, most: int) -> None:
        super().__init__(f"{wanted} of SKU {sku_id} wanted, {had} in the basket, {most} at most")
        self.sku_id = sku_id
        self.wanted = wanted
        """Units the line would have had."""
        self.had = had
        """Units the line has."""
        self.most = most
        """Units it may have: what is free, or the most of one line."""
