"""What Mei keeps and asks for beside her orders, for the walk over every address."""

from dataclasses import dataclass

from shop.accounts.addresses import Written, add_address
from shop.kit.ids import AddressId, VoucherId
from tests.factories import NOW, Person
from tests.vouchers import make_one


@dataclass(frozen=True)
class MadeBuying:
    """Mei's address, and a voucher."""

    address_id: AddressId
    voucher_id: VoucherId


def make_buying(mei: Person) -> MadeBuying:
    """All of it."""
    address_id = add_address(mei.id, Written("梅女士", "13800132207", "320583", "周市镇", "新塘路 18 号"), is_default=True, now=NOW)
    return MadeBuying(address_id, make_one("EVERY10"))
