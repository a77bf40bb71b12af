"""The small cast and the things it handles. Every argument has a default, so a test states only what it is about.

Rows go in directly, not through the services, so that a factory never fails because of the rule a test is about; but what stock is there is always explained by
movements, as the books demand. Each factory is one act of its own: call it outside acts.

What is not given is the one that everybody knows: 白水贡米 of 白水大米专业合作社 in 白水村, 滑石乡, made once per test. What is named is made new.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import count

from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import Insert, bindparam, insert, select, update

from shop.accounts.codes import seal
from shop.accounts.models import SignIn, TwoFactor, User, UserRole
from shop.accounts.passwords import hash_password
from shop.accounts.roles import TWO_STEPS, Role
from shop.accounts.sign_ins import hash_key
from shop.catalog.models import Category, NetUnit, Product, ProductStatus, Sku
from shop.catalog.service import SEARCH_VERSION
from shop.catalog.words import also_called, found_text
from shop.extensions import Base, act, db, table_of
from shop.kit.clock import utc_now
from shop.kit.ids import CategoryId, CooperativeId, EasternUnitId, ItemId, LotId, ProductId, SkuId, TownId, UserId, VillageId
from shop.origin.models import Cooperative, CooperativeVillage, EasternUnit, Membership, Pairing, PairingKind, Town, Village
from shop.stock.models import Lot, LotSource, Movement, MovementKind, StockItem

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""When everything was made unless a test says otherwise: the `now` of conftest."""
HARVESTED_ON = date(2026, 10, 9)
NEVER_OLD = date(2099, 12, 31)
"""Best before, so that no test goes stale while the handlers' clock runs."""
PASSWORD = "shanhai-demo"
TWO_STEPS_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

# Constant statements, so that each is compiled once (shop/kit/quick.py).
_VILLAGE = select(Village.id, Village.slug, Village.code, Village.name, Village.town_id).where(Village.name == bindparam("of"))
_TOWN = select(Town.id).where(Town.short_name == bindparam("of"))
_COOPERATIVE = select(Cooperative.id, Cooperative.slug).where(Cooperative.name == bindparam("of"))
_ITS_VILLAGES = select(CooperativeVillage.village_id).where(CooperativeVillage.cooperative_id == bindparam("of"))
_CATEGORY = select(Category.id).where(Category.name == bindparam("of"))
_FIGURES = select(StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off).where(StockItem.id == bindparam("of"))

_numbers = count(1)
_password_hashes: dict[str, str] = {}


# ── People ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Person:
    """Somebody with an account; the password is `PASSWORD`."""

    id: UserId
    email: str
    phone: str
    name: str
    session_id: str


@act
def make_user(
    name: str = "Mei",
    *,
    email: str | None = None,
    phone: str | None = None,
    password: str = PASSWORD,
    roles: Iterable[Role] = (),
    cooperatives: Iterable[CooperativeId] = (),
    eastern_unit_id: EasternUnitId | None = None,
    locale: str = "zh",
    is_demo: bool = False,
    has_two_steps: bool = True,
) -> Person:
    """An account, signed in on one device. `cooperatives` are those the person works for; whoever needs two-step sign-in has it, unless it says not."""
    number = next(_numbers)
    email = email or f"{name.lower().replace(' ', '.')}.{number}@example.test"
    phone = phone or f"138{number:08d}"
    key = f"{number:032x}"
    user_id = _add(
        User,
        email=email,
        phone=phone,
        password_hash=_hash(password),
        name=name,
        locale=locale,
        eastern_unit_id=eastern_unit_id,
        is_demo=is_demo,
        consented_at=NOW,
        created_at=NOW,
    )
    _add(SignIn, user_id=user_id, key_hash=hash_key(key), device="Firefox · Linux", begun_at=utc_now(), seen_at=utc_now())
    if TWO_STEPS & set(roles) and has_two_steps and not is_demo:
        sealed = seal(TWO_STEPS_SECRET, str(current_app.config["SECRET_KEY"]))
        _put(TwoFactor, user_id=user_id, sealed_secret=sealed, begun_at=NOW, confirmed_at=NOW)
    for role in sorted(roles):
        _put(UserRole, user_id=user_id, role=role)
    for cooperative_id in cooperatives:
        _put(Membership, user_id=user_id, cooperative_id=cooperative_id, since=NOW)
    return Person(UserId(user_id), email, phone, name, f"{user_id}.{key}")


def make_mei(**given: object) -> Person:
    """Mei buys."""
    return make_user("Mei", **given)  # type: ignore[arg-type]  # passed through as it came


def make_lao_chen(cooperative: "MadeCooperative | None" = None) -> Person:
    """Lao Chen packs at 白水."""
    return make_user("Lao Chen", cooperatives=[(cooperative or make_cooperative()).id])


def make_staff() -> Person:
    """Works at the county e-commerce office."""
    return make_user("Staff", roles=[Role.OPERATIONS])


def make_auditor_lin() -> Person:
    """Auditor Lin reads."""
    return make_user("Auditor Lin", roles=[Role.VIEWER])


def make_stranger() -> Person:
    """A buyer who must see nothing of anybody else."""
    return make_user("Stranger")


def sign_in(client: FlaskClient, person: Person) -> FlaskClient:
    """The browser as it is after `person` has signed in, without typing a password."""
    with client.session_transaction() as session:
        session["_user_id"] = person.session_id
        session["_fresh"] = True
    return client


def _hash(password: str) -> str:
    if password not in _password_hashes:  # Argon2 is slow on purpose; one hash per password and process is enough for tests
        _password_hashes[password] = hash_password(password)
    return _password_hashes[password]


# ── Origin ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class MadeVillage:
    """A village with its town."""

    id: VillageId
    slug: str
    code: str | None
    name: str
    town_id: TownId


@dataclass(frozen=True)
class MadeCooperative:
    """A cooperative with the villages it may take harvest from, its seat first."""

    id: CooperativeId
    slug: str
    name: str
    village_ids: tuple[VillageId, ...]


def make_village(
    name: str = "白水村",
    *,
    slug: str = "",
    code: str | None = "",
    name_en: str = "",
    town: str = "滑石乡",
    latitude: float | None = None,
    longitude: float | None = None,
    story: str = "",
    story_is_sample: bool = True,
) -> MadeVillage:
    """A village; the same name again is the same village. `code` None: it has none (兴龙社区 龙田组). The point is its town's seat."""
    return _make_village(name, slug, code, name_en, town, latitude, longitude, story, story_is_sample)


def make_villages(*names: str) -> tuple[MadeVillage, ...]:
    """Several villages of one town, in the order of their codes."""
    return tuple(make_village(name) for name in names)


@act
def _make_village(
    name: str,
    slug: str,
    code: str | None,
    name_en: str,
    town: str,
    latitude: float | None,
    longitude: float | None,
    story: str,
    story_is_sample: bool,
) -> MadeVillage:
    known = db.session.execute(_VILLAGE, {"of": name}).first()
    if known:
        return MadeVillage(*known)
    number = next(_numbers)
    town_id = _town(town, latitude, longitude)
    slug = slug or ("baishui" if name == "白水村" else f"village-{number}")
    code = (None if code is None else code) or (None if code is None else "520602201202" if name == "白水村" else f"5206029{number:05d}")
    village_id = _add(
        Village,
        slug=slug,
        code=code,
        name=name,
        name_en=name_en or ("Baishui Village" if name == "白水村" else f"Village {number}"),
        town_id=town_id,
        story=story,
        story_en="",
        story_is_sample=story_is_sample,
        valid_from=None,
        valid_until=None,
    )
    return MadeVillage(VillageId(village_id), slug, code, name, TownId(town_id))


def _town(name: str, latitude: float | None, longitude: float | None) -> int:
    known = db.session.scalar(_TOWN, {"of": name})
    if known is not None:
        return known
    number = next(_numbers)
    return _add(
        Town,
        code="520602201" if name == "滑石乡" else f"5206{number:05d}",
        name="滑石侗族苗族土家族乡" if name == "滑石乡" else name,
        short_name=name,
        name_en="Huashi" if name == "滑石乡" else f"Town {number}",
        county_code="520602",
        county_name="碧江区",
        latitude=latitude,
        longitude=longitude,
    )


def make_cooperative(
    name: str = "白水大米专业合作社", *, slug: str = "", villages: Sequence[MadeVillage] = (), is_sample: bool = False
) -> MadeCooperative:
    """A cooperative; the same name again is the same one. `villages`: its seat first; 白水村 unless given."""
    return _make_cooperative(name, slug, tuple(villages) or (make_village(),), is_sample)


@act
def _make_cooperative(name: str, slug: str, villages: tuple[MadeVillage, ...], is_sample: bool) -> MadeCooperative:
    known = db.session.execute(_COOPERATIVE, {"of": name}).first()
    if known:
        members = db.session.scalars(_ITS_VILLAGES, {"of": known.id})
        return MadeCooperative(CooperativeId(known.id), known.slug, name, tuple(VillageId(id_) for id_ in members))
    number = next(_numbers)
    slug = slug or ("baishui-dami" if name == "白水大米专业合作社" else f"cooperative-{number}")
    cooperative_id = _add(
        Cooperative,
        slug=slug,
        name=name,
        short_name=name.removesuffix("专业合作社"),
        name_en="Baishui Rice Cooperative" if slug == "baishui-dami" else f"Cooperative {number}",
        village_id=villages[0].id,
        is_sample=is_sample,
    )
    for village in villages:
        _put(CooperativeVillage, cooperative_id=cooperative_id, village_id=village.id)
    return MadeCooperative(CooperativeId(cooperative_id), slug, name, tuple(village.id for village in villages))


@act
def make_eastern_unit(name: str = "昆山市巴城镇", *, slug: str = "") -> EasternUnitId:
    """A unit that buyers may credit."""
    return EasternUnitId(_add(EasternUnit, slug=slug or f"unit-{next(_numbers)}", name=name, district_code="320583"))


def make_pairing(
    *,
    unit_id: EasternUnitId | None = None,
    village: MadeVillage | None = None,
    kind: PairingKind = PairingKind.VILLAGE,
    is_confirmed: bool = False,
    fact: str = "",
    source: str = "",
    valid_from: date | None = None,
) -> None:
    """A unit paired with a village, not confirmed unless said."""
    village = village or make_village()
    _make_pairing(unit_id or make_eastern_unit(), village, kind, is_confirmed, fact, source, valid_from)


@act
def _make_pairing(
    unit_id: EasternUnitId, village: MadeVillage, kind: PairingKind, is_confirmed: bool, fact: str, source: str, valid_from: date | None
) -> None:
    _add(
        Pairing,
        unit_id=unit_id,
        kind=kind,
        western_name=village.name,
        village_id=village.id,
        town_id=None,
        valid_from=valid_from,
        valid_until=None,
        is_confirmed=is_confirmed,
        fact=fact,
        source=source,
    )


# ── Catalogue ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class MadeSku:
    """What is priced and counted."""

    id: SkuId
    code: str
    price_fen: int
    packed_grams: int


@dataclass(frozen=True)
class MadeProduct:
    """A product with its packs, in their order."""

    id: ProductId
    slug: str
    name: str
    cooperative_id: CooperativeId
    village_id: VillageId
    skus: tuple[MadeSku, ...]

    @property
    def sku(self) -> MadeSku:
        """The first pack."""
        return self.skus[0]


@dataclass(frozen=True)
class Pack:
    """A pack to be made."""

    price_fen: int = 68_00
    grams: int = 5_000
    code: str = ""
    pack: str = ""
    unit_word: str = "袋"
    net_value: int | None = None
    """None: the grams."""
    net_unit: NetUnit = NetUnit.GRAM
    is_offered: bool = True


def make_product(
    name: str = "白水贡米",
    *,
    slug: str = "",
    name_en: str = "",
    packs: Sequence[Pack] = (Pack(),),
    cooperative: MadeCooperative | None = None,
    village: MadeVillage | None = None,
    category: str = "粮油",
    status: ProductStatus = ProductStatus.PUBLISHED,
    summary: str = "",
    shelf_life_days: int = 365,
    harvest_months: tuple[int, int] | None = None,
    is_cold_chain: bool = False,
    is_perishable: bool = False,
    illustration: str | None = None,
    standard: str = "",
    ingredients: str = "",
    is_sample: bool = False,
    published_at: datetime = NOW,
) -> MadeProduct:
    """A product with its packs; without stock until `make_lot`."""
    village = village or make_village()
    cooperative = cooperative or make_cooperative()
    number = next(_numbers)
    slug = slug or ("baishui-gongmi" if name == "白水贡米" else f"product-{number}")
    name_en = name_en or ("Baishui tribute rice" if name == "白水贡米" else f"Product {number}")
    skus = [
        {
            "code": pack.code or f"{slug}-{pack.grams}g-{place}",
            "pack": pack.pack or f"{pack.grams / 1000:g} kg 编织袋",
            "pack_en": f"{pack.grams / 1000:g} kg bag",
            "unit_word": pack.unit_word,
            "net_value": pack.net_value or pack.grams,
            "net_unit": pack.net_unit,
            "packed_grams": pack.grams,
            "price_fen": pack.price_fen,
            "is_offered": pack.is_offered,
            "position": place,
        }
        for place, pack in enumerate(packs)
    ]
    first_month, last_month = harvest_months or (None, None)
    return _make_product(
        {
            "slug": slug,
            "name": name,
            "name_en": name_en,
            "summary": summary,
            "summary_en": "",
            "cooperative_id": cooperative.id,
            "village_id": village.id,
            "status": status,
            "illustration": illustration,
            "glyph": name[-1],
            "storage": "阴凉干燥处",
            "storage_en": "Cool and dry",
            "shelf_life_days": shelf_life_days,
            "first_harvest_month": first_month,
            "last_harvest_month": last_month,
            "is_cold_chain": is_cold_chain,
            "is_perishable": is_perishable,
            "ingredients": ingredients,
            "standard": standard,
            "is_sample": is_sample,
            "search_text": found_text((name, name_en, slug), also_called(name), (category, village.name, cooperative.name)),
            "search_version": SEARCH_VERSION,
            "created_at": NOW,
            "published_at": published_at if status != ProductStatus.DRAFT else None,
        },
        skus,
        category,
    )


def make_category(name: str = "粮油", *, slug: str = "", tint: str = "grain") -> CategoryId:
    """A shelf; the same name again is the same one."""
    return _make_category(name, slug, tint)


@act
def _make_category(name: str, slug: str, tint: str) -> CategoryId:
    return CategoryId(_category(name, slug, tint))


def _category(name: str, slug: str = "", tint: str = "grain") -> int:
    known = db.session.scalar(_CATEGORY, {"of": name})
    if known is not None:
        return known
    number = next(_numbers)
    slug = slug or ("grain" if name == "粮油" else f"category-{number}")
    return _add(
        Category, slug=slug, name=name, name_en="Grain and oil" if name == "粮油" else f"Category {number}", tint=tint, position=number
    )


@act
def _make_product(values: dict[str, object], skus: list[dict[str, object]], category: str) -> MadeProduct:
    product_id = _add(Product, **values, category_id=_category(category))
    made = []
    for sku in skus:
        sku_id = _add(Sku, **sku, product_id=product_id)
        made.append(MadeSku(SkuId(sku_id), str(sku["code"]), int(str(sku["price_fen"])), int(str(sku["packed_grams"]))))
    return MadeProduct(
        ProductId(product_id),
        str(values["slug"]),
        str(values["name"]),
        CooperativeId(int(str(values["cooperative_id"]))),
        VillageId(int(str(values["village_id"]))),
        tuple(made),
    )


# ── Stock ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class MadeLot:
    """A lot with its stock items by SKU."""

    id: LotId
    code: str
    product_id: ProductId
    items: Mapping[SkuId, ItemId]

    @property
    def item_id(self) -> ItemId:
        """The only stock item, or the first."""
        return next(iter(self.items.values()))


def make_lot(
    product: MadeProduct | None = None,
    *,
    units: int | Mapping[SkuId, int] = 100,
    sources: Mapping[VillageId, int] | Sequence[tuple[MadeVillage, int]] | None = None,
    code: str = "",
    harvested_on: date = HARVESTED_ON,
    best_before: date = NEVER_OLD,
    grade: str = "一级",
    produced_grams: int | None = None,
    recalled_at: datetime | None = None,
    gross_fen: int = 0,
    at: datetime = NOW,
) -> MadeLot:
    """A lot with `units` packed (of the first SKU, or by SKU id) and the movements that explain them.

    `sources`: villages and grams; unless given, all of the product's village. Produced are the sources' grams, or as much as was packed.
    """
    product = product or make_product()
    by_sku = dict(units) if isinstance(units, Mapping) else {product.sku.id: units} if units else {}
    packed_grams = sum(sku.packed_grams * by_sku.get(sku.id, 0) for sku in product.skus)
    if sources is None:
        from_villages = {product.village_id: produced_grams or max(packed_grams, 1)}
    elif isinstance(sources, Mapping):
        from_villages = dict(sources)
    else:
        from_villages = {village.id: grams for village, grams in sources}
    return _make_lot(
        {
            "code": code or f"T{next(_numbers):05d}",
            "product_id": product.id,
            "cooperative_id": product.cooperative_id,
            "harvested_on": harvested_on,
            "best_before": best_before,
            "grade": grade,
            "produced_grams": produced_grams or max(sum(from_villages.values()), packed_grams),
            "packed_grams": packed_grams,
            "gross_fen": gross_fen,
            "source_version": 1,
            "once": None,
            "recorded_by": None,
            "recorded_at": at,
            "recalled_at": recalled_at,
        },
        from_villages,
        by_sku,
        at,
    )


@act
def _make_lot(values: dict[str, object], sources: dict[VillageId, int], units: dict[SkuId, int], at: datetime) -> MadeLot:
    lot_id = _add(Lot, **values)
    for village_id, grams in sources.items():
        _put(LotSource, lot_id=lot_id, version=1, village_id=village_id, grams=grams)
    items = {}
    for sku_id, packed in units.items():
        item_id = _add(StockItem, lot_id=lot_id, sku_id=sku_id, packed=packed, counted_at=None)
        _move(item_id, MovementKind.PACKED, at, packed=packed)
        items[sku_id] = ItemId(item_id)
    return MadeLot(LotId(lot_id), str(values["code"]), ProductId(int(str(values["product_id"]))), items)


@act
def correct_sources(lot: MadeLot, sources: Sequence[tuple[MadeVillage, int]]) -> None:
    """A new version of a lot's sources; the old one stays."""
    version = db.session.scalar(
        update(Lot).where(Lot.id == lot.id).values(source_version=Lot.source_version + 1).returning(Lot.source_version)
    )
    for village, grams in sources:
        _put(LotSource, lot_id=lot.id, version=version, village_id=village.id, grams=grams)


@act
def hold_units(item_id: ItemId, units: int, *, at: datetime = NOW) -> None:
    """Somebody else holds `units` of this item, explained by a movement but by no order."""
    _change(item_id, MovementKind.HELD, at, held=units)


@act
def write_off(item_id: ItemId, units: int, *, at: datetime = NOW) -> None:
    """The mice had `units` of this item."""
    _change(item_id, MovementKind.WRITTEN_OFF, at, written_off=units)


def _change(item_id: ItemId, kind: MovementKind, at: datetime, held: int = 0, written_off: int = 0) -> None:
    db.session.execute(
        update(StockItem).where(StockItem.id == item_id).values(held=StockItem.held + held, written_off=StockItem.written_off + written_off)
    )
    _move(item_id, kind, at, held=held, written_off=written_off)


def _move(item_id: int, kind: MovementKind, at: datetime, *, packed: int = 0, held: int = 0, written_off: int = 0) -> None:
    after = db.session.execute(_FIGURES, {"of": item_id}).one()
    _put(
        Movement,
        item_id=item_id,
        kind=kind,
        packed_change=packed,
        held_change=held,
        written_off_change=written_off,
        packed_after=after.packed,
        held_after=after.held,
        sold_after=after.sold,
        written_off_after=after.written_off,
        pick_id=None,
        once=None,
        by_user_id=None,
        at=at,
    )


def _add(model: type[Base], **values: object) -> int:
    """Insert one row and say its id."""
    return int(db.session.scalar(_adding(model), values))


@cache
def _adding(model: type[Base]) -> Insert:
    """A constant statement, so that it is compiled once (shop/kit/quick.py): the factories insert thirty thousand rows in a run."""
    table = table_of(model)
    return insert(table).returning(table.c.id)


def _put(model: type[Base], **values: object) -> None:
    """Insert one row."""
    db.session.execute(_putting(model), values)


@cache
def _putting(model: type[Base]) -> Insert:
    return insert(table_of(model))
