"""An order on paper: the receipt, and the certificate that says which village got what; and the page where anybody holding one can check it.

A certificate's code is the order's number and a seal made from the shop's secret, so no row is needed and nobody can make one up. The page
behind it says no name and no address, and says what was refunded since.
"""

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext

from shop.accounts.roles import Permission
from shop.extensions import limiter
from shop.kit.errors import NotFound
from shop.kit.keys import is_link_key, link_key
from shop.kit.pdf import Column, Sheet
from shop.orders.states import is_paid
from shop.papers.models import FapiaoState
from shop.reports.fapiao import FapiaoStory, find_fapiao
from shop.reports.order_story import OrderStory, ShipmentStory, get_own_story, get_story
from shop.web.current import needs, settings, signed_in
from shop.web.filters import day, short_day, yuan
from shop.web.paper import as_file, new_sheet
from shop.web.storefront.addresses import order_number
from shop.web.storefront.words import named, said, service_word

blueprint = Blueprint("papers", __name__)

_SEAL = 16
"""Hexadecimal digits of a certificate's seal: 64 bits, too many to try."""


@dataclass(frozen=True)
class Certified:
    """One village's part, as a certificate says it."""

    village: str
    goods: str
    lots: str
    booked_fen: int
    refunded_fen: int

    @property
    def now_fen(self) -> int:
        """What it has now."""
        return self.booked_fen - self.refunded_fen


@blueprint.get("/orders/<number>/receipt.pdf")
@needs(Permission.ANYONE)
@limiter.limit("20 per 5 minutes")
def receipt(number: str) -> Response:
    """What was paid for what. It is no fapiao, and says so."""
    story = _own_paid(number)
    sheet = new_sheet(gettext("收据 %(number)s", number=story.number), foot=gettext("订单 %(number)s", number=story.number))
    sheet.title(gettext("收据"), gettext("订单 %(number)s，%(day)s 付款", number=story.number, day=_sold_on(story)))
    sheet.table(
        [
            Column(gettext("商品"), 6),
            Column(gettext("数量"), 2, is_figure=True),
            Column(gettext("单价（元）"), 3, is_figure=True),
            Column(gettext("优惠（元）"), 3, is_figure=True),
            Column(gettext("金额（元）"), 3, is_figure=True),
        ],
        [
            (
                _goods(line.product_name, line.product_name_en, line.pack, line.pack_en),
                str(line.quantity),
                yuan(line.unit_price_fen),
                yuan(-line.discount_fen) if line.discount_fen else "",
                yuan(line.net_fen),
            )
            for line in story.lines
        ],
        total=(gettext("货款"), "", "", "", yuan(story.goods_fen - story.discount_fen)),
    )
    if story.discount_fen:
        sheet.table([Column(gettext("优惠已在上面各行里，它们来自"), 3), Column(gettext("元"), is_figure=True)], _discounts(story))
    sums = [(gettext("运费"), yuan(story.shipping_fen)), (gettext("实付"), yuan(story.total_fen))]
    if story.net_paid_fen != story.total_fen:
        sums += [(gettext("已退"), yuan(story.net_paid_fen - story.total_fen)), (gettext("净付"), yuan(story.net_paid_fen))]
    sheet.table([Column(gettext("合计"), 3), Column(gettext("元"), is_figure=True)], sums)
    if story.shipments:
        sheet.table(
            [Column(gettext("包裹"), 3), Column(gettext("怎么寄"), 2), Column(gettext("约几号到"), 3)], map(_parcel, story.shipments)
        )
    if story.gift_note:
        sheet.text(gettext("送人的话随货放进去。"))
    fapiao = find_fapiao(story.id) if story.fapiao_id is not None else None
    if fapiao is not None:
        sheet.text(_fapiao_words(fapiao))
        sheet.text(gettext("这是收据，不是发票。"), is_faint=True, size=0.9)
    else:
        sheet.text(gettext("这是收据，不是发票。要发票，请在订单页上提出。"), is_faint=True, size=0.9)
    _add_check(sheet, story)
    return as_file(sheet, f"receipt-{story.number}.pdf")


@blueprint.get("/orders/<number>/certificate.pdf")
@needs(Permission.ANYONE)
@limiter.limit("20 per 5 minutes")
def certificate(number: str) -> Response:
    """Which village got what from this order, with the code by which others can check it."""
    story = _own_paid(number)
    rows = certified(story)
    sheet = new_sheet(gettext("去向证书 %(number)s", number=story.number), foot=code_of(story.number))
    sheet.title(gettext("这一单的钱去了哪些村"), gettext("订单 %(number)s，%(day)s 付款", number=story.number, day=_sold_on(story)))
    sheet.table(
        [
            Column(gettext("村"), 3),
            Column(gettext("商品"), 5),
            Column(gettext("批次"), 4),
            Column(gettext("记入（元）"), 2, is_figure=True),
            Column(gettext("退回（元）"), 2, is_figure=True),
        ],
        [(row.village, row.goods, row.lots, yuan(row.booked_fen), yuan(-row.refunded_fen)) for row in rows],
        total=(
            gettext("合计"),
            "",
            gettext("现在 %(sum)s", sum=yuan(story.now_fen)),
            yuan(sum(row.booked_fen for row in rows)),
            yuan(-story.refunded_goods_fen),
        ),
    )
    sheet.text(gettext("记的是货款：价格减优惠。运费付给承运方，不记到村。以后再有退款，以下面的网页为准。"), is_faint=True, size=0.9)
    _add_check(sheet, story)
    return as_file(sheet, f"certificate-{story.number}.pdf")


@blueprint.get("/certificates/<certificate>")
@needs(Permission.ANYONE)
@limiter.limit("60 per 5 minutes")
def check(certificate: str) -> str:
    """What a certificate says, as it stands now, for anybody who holds one."""
    number, _, seal = certificate.rpartition("-")
    order_number(number)
    given = seal.lower()
    if len(given) != _SEAL or not given.isascii():
        raise NotFound
    whole = link_key(settings().secret_key, "certificate", number)
    if not is_link_key(given + whole[_SEAL:], settings().secret_key, "certificate", number):
        raise NotFound
    story = get_story(number)
    if not is_paid(story.state):
        raise NotFound
    return render_template("storefront/papers/check.html", story=story, rows=certified(story), code=code_of(number))


def code_of(number: str) -> str:
    """The code of an order's certificate: `SH-261123-7K3M9P-0F3A5C…`."""
    return f"{number}-{link_key(settings().secret_key, 'certificate', number)[:_SEAL].upper()}"


def certified(story: OrderStory) -> list[Certified]:
    """Village by village, those with most first: their goods, their lots, and what is booked and was taken back."""
    rows = []
    for village in story.villages:
        goods: dict[str, None] = {}
        lots: dict[str, None] = {}
        for line in story.lines:
            for pick in line.picks:
                if any(share.village_id == village.village_id for share in pick.shares):
                    goods[_goods(line.product_name, line.product_name_en, line.pack, line.pack_en)] = None
                    lots[pick.lot_code] = None
        between = gettext("、")
        name = said(village.village_name, village.village_name_en)
        rows.append(Certified(name, between.join(goods), between.join(lots), village.booked_fen, village.refunded_fen))
    return rows


def _own_paid(number: str) -> OrderStory:
    person = signed_in()
    story = get_own_story(order_number(number), key=request.args.get("key", ""), buyer_id=person.user_id if person else None)
    if not is_paid(story.state):
        raise NotFound
    return story


def _discounts(story: OrderStory) -> list[tuple[str, str]]:
    """Each voucher with what it took off; what goods exchanged before packing keep, by itself."""
    rows = [(named(used.name, used.name_en), yuan(-used.amount_fen)) for used in story.vouchers]
    rest_fen = story.discount_fen - sum(used.amount_fen for used in story.vouchers)
    name = gettext("换货时照旧的优惠") if story.vouchers else gettext("优惠")
    return [*rows, (name, yuan(-rest_fen))] if rest_fen else rows


def _parcel(shipment: ShipmentStory) -> tuple[str, str, str]:
    """Whose parcel, how it is sent, about when it arrives."""
    name = named(shipment.cooperative_name, shipment.cooperative_name_en)
    days = dict.fromkeys(short_day(each) for each in (shipment.expected_from, shipment.expected_until) if each)
    return name, service_word(shipment.service), gettext(" 至 ").join(days)


def _fapiao_words(fapiao: FapiaoStory) -> str:
    if fapiao.state is FapiaoState.ISSUED:
        return str(gettext("发票：开好了，号码 %(number)s。", number=fapiao.fapiao_number))
    if fapiao.state is FapiaoState.REFUSED:
        return str(gettext("发票：没有开，%(why)s。", why=fapiao.why))
    return str(gettext("发票：已经要了，开好寄到留的邮箱。"))


def _add_check(sheet: Sheet, story: OrderStory) -> None:
    address = f"{settings().public_url}/certificates/{code_of(story.number)}"
    sheet.code(address, caption=gettext("扫码核对，看到的是现在的数：") + "\n" + address)


def _sold_on(story: OrderStory) -> str:
    return day(story.sold_on) if story.sold_on else ""


def _goods(name: str, name_en: str, pack: str, pack_en: str) -> str:
    return f"{said(name, name_en)} {said(pack, pack_en)}"
