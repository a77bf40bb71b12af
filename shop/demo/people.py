"""Who can sign in: one account for each part that somebody plays in the shop. All marked as demo accounts, which production refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shop.accounts import passwords
from shop.accounts import service as accounts
from shop.accounts.queries import find_credentials
from shop.accounts.roles import Role
from shop.demo.county import County
from shop.kit.ids import UserId
from shop.origin import service as origin

PASSWORD = "shanhai-demo"

STAFF = "staff@demo.test"
ADMIN = "admin@demo.test"
PACKER = "baishui@demo.test"
PACKERS_COOPERATIVE = "baishui"


@dataclass(frozen=True)
class Person:
    """An account."""

    email: str
    name: str
    roles: frozenset[Role] = frozenset()
    unit_slug: str | None = None
    cooperative_slug: str | None = None


PEOPLE = (
    Person(STAFF, "示例办事员", frozenset({Role.OPERATIONS})),
    Person("finance@demo.test", "示例财务", frozenset({Role.FINANCE})),
    Person(ADMIN, "示例管理员", frozenset({Role.ADMIN})),
    Person(PACKER, "示例社员", cooperative_slug=PACKERS_COOPERATIVE),
    Person("union@demo.test", "示例工会", unit_slug="zhoushi"),
    Person("buyer@demo.test", "示例买家"),
)


def introduce(county: County, *, now: datetime) -> Mapping[str, UserId]:
    """Open the accounts that are not there yet; ids by address. Who is known keeps password and name."""
    known = {person.email: find_credentials(email=person.email) for person in PEOPLE}
    password_hash = passwords.hash_password(PASSWORD) if None in known.values() else ""  # slow on purpose: once for all
    ids: dict[str, UserId] = {}
    for person in PEOPLE:
        credentials = known[person.email]
        ids[person.email] = credentials.user_id if credentials else _open(person, county, password_hash, now)
        if person.cooperative_slug:
            origin.add_member(county.cooperatives[person.cooperative_slug], ids[person.email], now=now)
    return ids


def _open(person: Person, county: County, password_hash: str, now: datetime) -> UserId:
    return accounts.open_account(
        email=person.email,
        phone=None,
        password_hash=password_hash,
        name=person.name,
        locale="zh",
        now=now,
        roles=person.roles,
        eastern_unit_id=county.units[person.unit_slug] if person.unit_slug else None,
        is_demo=True,
    )
