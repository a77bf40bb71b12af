"""What Mei keeps and asks for beside her orders, for the walk over every address."""

from dataclasses import dataclass

from sqlalchemy import select

from shop.accounts.addresses import Written, add_address
from shop.extensions import act, reading
from shop.kit.ids import AddressId, FapiaoId, VoucherId
from shop.orders import service as orders
from shop.papers import fapiao
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import Fapiao, FapiaoKind
from tests.factories import NOW, Person
from tests.vouchers import make_one


@dataclass(frozen=True)
class MadeBuying:
    """Mei's address, a voucher, a fapiao that is asked for."""

    address_id: AddressId
    voucher_id: VoucherId
    fapiao_id: FapiaoId


@act
def _ask_for_a_fapiao(number: str) -> None:
    fapiao.ask(orders.lock(number).id, FapiaoWanted(FapiaoKind.PERSON, "梅女士", None, "mei@example.test"), now=NOW)


def make_buying(mei: Person, number: str) -> MadeBuying:
    """All of it, the fapiao for the order `number`."""
    _ask_for_a_fapiao(number)
    address_id = add_address(mei.id, Written("梅女士", "13800132207", "320583", "周市镇", "新塘路 18 号"), is_default=True, now=NOW)
    with reading() as session:
        fapiao_id = session.scalars(select(Fapiao.id)).one()
    return MadeBuying(address_id, make_one("EVERY10"), FapiaoId(fapiao_id))
