"""What shipping refuses."""

from shop.kit.errors import Conflict, Refused
from shop.shipping.rules import CannotShip


class CannotShipThere(Refused):
    """Some parcels cannot go to that place; nothing was ordered."""

    def __init__(self, parcels: tuple[CannotShip, ...]) -> None:
        super().__init__(parcels)
        self.parcels = parcels


class AlreadyOnItsWay(Conflict):
    """The parcel is not where this could happen: not paid for, sent already, or cancelled."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state
