"""Names for row ids, so that a lot's id is never passed where an order's is meant; and ids made by the application."""

import secrets
import time
from typing import NewType

UserId = NewType("UserId", int)
SignInId = NewType("SignInId", int)
InviteId = NewType("InviteId", int)
SignUpId = NewType("SignUpId", int)
AddressId = NewType("AddressId", int)
TownId = NewType("TownId", int)
VillageId = NewType("VillageId", int)
CooperativeId = NewType("CooperativeId", int)
PlaceListId = NewType("PlaceListId", int)
TariffId = NewType("TariffId", int)
EasternUnitId = NewType("EasternUnitId", int)
PairingId = NewType("PairingId", int)
ProductId = NewType("ProductId", int)
SkuId = NewType("SkuId", int)
CategoryId = NewType("CategoryId", int)
LotId = NewType("LotId", int)
ItemId = NewType("ItemId", int)
PickId = NewType("PickId", int)
CartId = NewType("CartId", int)
OrderId = NewType("OrderId", int)
LineId = NewType("LineId", int)
ReturnId = NewType("ReturnId", int)
ClaimId = NewType("ClaimId", int)
ShipmentId = NewType("ShipmentId", int)
PaymentId = NewType("PaymentId", int)
RefundId = NewType("RefundId", int)
AccountId = NewType("AccountId", int)
EntryId = NewType("EntryId", int)
VoucherId = NewType("VoucherId", int)
FapiaoId = NewType("FapiaoId", int)
MessageId = NewType("MessageId", int)
TaskId = NewType("TaskId", int)
PictureId = NewType("PictureId", int)
PhotoId = NewType("PhotoId", int)
MarkId = NewType("MarkId", int)
PriceElsewhereId = NewType("PriceElsewhereId", int)
ReviewId = NewType("ReviewId", int)
WishId = NewType("WishId", int)
PermitId = NewType("PermitId", int)
CorrectionId = NewType("CorrectionId", int)
AccreditationId = NewType("AccreditationId", int)
SettlementId = NewType("SettlementId", int)
CostId = NewType("CostId", int)
RuleId = NewType("RuleId", int)
SheetId = NewType("SheetId", int)
RunId = NewType("RunId", int)

CheckoutKey = NewType("CheckoutKey", str)
"""Made with the checkout page; the same key twice gives the same order."""

_EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
_RANDOM_BITS = 22


def new_entry_id() -> EntryId:
    """A positive 63-bit id that sorts roughly by time: milliseconds since 2026, then 22 random bits.

    Postings are written before their entry (ARCHITECTURE, "The books in the database"), so the database cannot hand out the id. Two ids made in the same
    millisecond collide with probability 2⁻²²; the primary key then refuses the second entry, nothing is booked, and whoever asked asks again.
    """
    milliseconds = max(0, time.time_ns() // 1_000_000 - _EPOCH_MS)
    return EntryId((milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS))


def new_entry_ids(count: int) -> list[EntryId]:
    """Ids for entries that are booked together: one that is drawn and those after it, in the order in which they are to be read.

    Drawn one by one, five hundred would meet five hundred that somebody else draws in the same millisecond once in seventeen times; as two stretches they
    meet once in four thousand.
    """
    first = new_entry_id()
    return [EntryId(first + place) for place in range(count)]


def new_key() -> str:
    """A 128-bit secret as 32 hexadecimal digits: opens a guest's order, names a checkout."""
    return secrets.token_hex(16)
