"""What stock refuses."""

from datetime import date

from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import SkuId, VillageId
from shop.stock.picking import Shortage


class NotEnoughStock(Conflict):
    """Fewer units are free than somebody wants; nothing was held."""

    def __init__(self, shortages: tuple[Shortage, ...]) -> None:
        super().__init__(shortages)
        self.shortages = shortages


# ── Recording a lot ───────────────────────────────────────────────────────────────────────────────────────────────────


class NoSuchProduct(NotFound):
    """Nothing can be brought in for a product that is not there, has no cooperative, or is no longer offered."""


class HarvestAhead(Refused):
    """A harvest cannot lie in the future."""

    def __init__(self, harvested_on: date, today: date) -> None:
        super().__init__(harvested_on, today)
        self.harvested_on = harvested_on
        self.today = today


class BestBeforeOutOfRange(Refused):
    """Best before lies before the harvest, or later than the product keeps."""

    def __init__(self, best_before: date, earliest: date, latest: date) -> None:
        super().__init__(best_before, earliest, latest)
        self.best_before = best_before
        self.earliest = earliest
        self.latest = latest


class NoSources(Refused):
    """A lot comes from at least one village."""


class SourceTwice(Refused):
    """One village stands twice among the sources: which figure is meant?"""

    def __init__(self, village_id: VillageId) -> None:
        super().__init__(village_id)
        self.village_id = village_id


class ForeignVillages(Refused):
    """These villages do not belong to the cooperative."""

    def __init__(self, village_ids: tuple[VillageId, ...]) -> None:
        super().__init__(village_ids)
        self.village_ids = village_ids


class NotAWeight(Refused):
    """Grams must be more than nought, and no single lot weighs more than `most_grams`."""

    def __init__(self, grams: int, most_grams: int) -> None:
        super().__init__(grams, most_grams)
        self.grams = grams
        self.most_grams = most_grams


class YieldOutOfRange(Refused):
    """So much cannot have come out of what went in: either weight is wrong."""

    def __init__(self, harvest_grams: int, produced_grams: int, least_percent: int, most_percent: int) -> None:
        super().__init__(harvest_grams, produced_grams, least_percent, most_percent)
        self.harvest_grams = harvest_grams
        self.produced_grams = produced_grams
        self.least_percent = least_percent
        self.most_percent = most_percent


class ForeignSkus(Refused):
    """These SKUs are not packs of the product, or stand twice."""

    def __init__(self, sku_ids: tuple[SkuId, ...]) -> None:
        super().__init__(sku_ids)
        self.sku_ids = sku_ids


class LotCodeTaken(Conflict):
    """Another lot has this code already."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# ── Counting and packing ──────────────────────────────────────────────────────────────────────────────────────────────


class NoSuchLot(NotFound):
    """There is no such lot."""


class NoSuchItem(NotFound):
    """There is no such stock item."""


class LotIsRecalled(Refused):
    """Nothing more is packed from a lot that was called back, and nothing of it is sent."""


class NotACount(Refused):
    """Units are whole and not negative; a change is not nought."""

    def __init__(self, units: int) -> None:
        super().__init__(units)
        self.units = units


class PackedTooMuch(Refused):
    """More grams would be packed than were produced; nothing has changed."""

    def __init__(self, produced_grams: int, packed_grams_wanted: int) -> None:
        super().__init__(produced_grams, packed_grams_wanted)
        self.produced_grams = produced_grams
        self.packed_grams_wanted = packed_grams_wanted
        """Of the whole lot, with what was packed before."""

    @property
    def over_grams(self) -> int:
        """By how much."""
        return self.packed_grams_wanted - self.produced_grams


class NotEnoughToWriteOff(Conflict):
    """Fewer units are free than should go; what is held or sold cannot be written off."""

    def __init__(self, free_units: int, wanted_units: int) -> None:
        super().__init__(free_units, wanted_units)
        self.free_units = free_units
        self.wanted_units = wanted_units


class ReasonDoesNotFit(Refused):
    """Packing adds, damage takes away: the change and its reason contradict each other."""

    def __init__(self, change_units: int, reason: str) -> None:
        super().__init__(change_units, reason)
        self.change_units = change_units
        self.reason = reason


class CountMoved(Conflict):
    """The figure has changed since it was looked at; nothing was overwritten."""

    def __init__(self, seen_units: int, now_units: int) -> None:
        super().__init__(seen_units, now_units)
        self.seen_units = seen_units
        self.now_units = now_units
