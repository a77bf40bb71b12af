"""The letters of this shop: one entry per kind, one pair of templates each (`templates/messages/<kind>.txt` and `.html`).

Law: the outbox says what and which happening a letter is about; everything else is read when it is sent, so it tells how things
stand then. It is written in the language of its order, or of whom it is for, whoever's worker sends it. Secrets, such as the key in a
link, stand in no row: they are made when the letter is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from flask import current_app
from flask_babel import force_locale, get_locale, gettext
from jinja2 import Template

from config import Config
from shop.kit.ids import LotId, ReturnId
from shop.messages.account_letters import account_changed, email_confirm, invite, password_reset, sign_up
from shop.messages.claim_letters import claim_to_buyer, claim_to_cooperative
from shop.messages.kinds import Reader, Values
from shop.messages.message_letters import message_to_buyer, message_to_cooperative
from shop.messages.personal_letters import forget_asked
from shop.messages.report_letters import report_due
from shop.messages.wish_letters import back_in_stock
from shop.orders.states import OrderState
from shop.outbox.service import ClaimedLetter
from shop.papers.models import FapiaoState
from shop.payments.transfer.reference import spelled
from shop.payments.transfer.service import PROVIDER, open_remittances_of
from shop.reports.fapiao import find_fapiao
from shop.reports.letter_facts import ReturnedLine, get_return
from shop.reports.order_story import LineStory, OrderStory, PaymentStory, get_story
from shop.reports.recall_page import find_recall, recalled_lines
from shop.shipping.carriers import CARRIER_PAGES

_MANY_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Rendered:
    """A letter as it will be read."""

    subject: str
    """One line."""
    text: str
    html: str
    short: str
    """For a telephone: what it is about, and the address it leads to."""
    link: str


@dataclass(frozen=True)
class Row:
    """A line of a letter's list."""

    title: str
    note: str
    fen: int


@dataclass(frozen=True)
class Share:
    """What one village got, or gave back."""

    name: str
    fen: int
    tone: str
    """Which of the four colours of the letter's sheet."""


def render(letter: ClaimedLetter, config: Config) -> Rendered | None:
    """Write a letter out; None if there is nothing to say any more. Reads what it is about; the caller ends reading.

    Raises NoSuchOrder; KeyError when there is no such kind of letter.
    """
    with force_locale(letter.locale):
        told = KINDS[letter.kind](letter, config)
        if told is None:
            return None
        values = _common(config) | dict(told)
        text = current_app.jinja_env.get_template(f"messages/{letter.kind}.txt")
        html = current_app.jinja_env.get_template(f"messages/{letter.kind}.html")
        subject = _block(text, "subject", values)
        values["subject"] = subject
        return Rendered(
            subject=subject,
            text=_MANY_BLANK_LINES.sub("\n\n", text.render(values)).strip() + "\n",
            html=html.render(values),
            short=f"【{values['shop_name']}】{subject} {values['link']}",
            link=str(values["link"]),
        )


def _common(config: Config) -> dict[str, object]:
    """What every letter may need."""
    return {"told": _said, "shop_name": gettext("山海集"), "html_lang": "en" if _is_english() else "zh-Hans", "is_demo": config.is_demo}


def _block(template: Template, name: str, values: Values) -> str:
    """One block of a template, as one line."""
    return " ".join("".join(template.blocks[name](template.new_context(dict(values)))).split())


# ── About one order, whose number is the letter's subject. One function per kind: what its templates need besides ─────────


def _order_received(story: OrderStory, _facts: Values) -> Values:
    return {"goods": _goods(story), "asked": _asked(story), "is_waiting": story.state is OrderState.AWAITING_PAYMENT}


def _order_paid(story: OrderStory, _facts: Values) -> Values:
    return {
        "goods": _goods(story),
        "asked": _asked(story),
        "villages": _toned([(_said(village.village_name, village.village_name_en), village.booked_fen) for village in story.villages]),
        "booked_fen": sum(village.booked_fen for village in story.villages),
        "method": _method(story),
    }


def _parcel_shipped(story: OrderStory, facts: Values) -> Values:
    parcel = next(shipment for shipment in story.shipments if shipment.shipment_id == facts["shipment_id"])
    return {
        "parcel": parcel,
        "carrier_page": CARRIER_PAGES.get(parcel.carrier, ""),
        "cooperative": _said(parcel.cooperative_name, parcel.cooperative_name_en),
        "goods": [_row(line) for line in story.lines if line.cooperative_id == parcel.cooperative_id],
        "parcels_to_come": sum(shipment.shipped_at is None for shipment in story.shipments),
    }


def _refund_made(story: OrderStory, facts: Values) -> Values:
    returned = get_return(ReturnId(int(str(facts["return_id"]))))
    goods = [
        Row(
            f"{_said(line.product_name, line.product_name_en)} {_said(line.pack, line.pack_en)}",
            _returned_units(line),
            line.amount_fen,
        )
        for line in returned.lines
    ]
    return {
        "returned": returned,
        "goods": goods,
        "villages": _toned([(_said(village.village_name, village.village_name_en), village.amount_fen) for village in returned.villages]),
        "method": _method(story),
    }


def _payment_returned(story: OrderStory, _facts: Values) -> Values:
    is_sold = story.state not in (OrderState.AWAITING_PAYMENT, OrderState.LAPSED, OrderState.CANCELLED)
    return {"is_sold": is_sold, "method": _method(story)}


def _transfer(story: OrderStory, facts: Values) -> Values:
    """Where to send the money, what to write on it, by when, and what is still missing."""
    config: Config = current_app.config["SHOP"]
    payment = _transfer_of(story)
    missing_fen = max(0, payment.amount_fen - (payment.received_fen - payment.refunded_fen))
    account = config.transfer
    told = [
        (gettext("收款户名"), account.payee if account else ""),
        (gettext("账号"), account.account if account else ""),
        (gettext("开户行"), account.bank if account else ""),
        (gettext("金额"), f"¥{missing_fen // 100:,}.{missing_fen % 100:02}"),
        (gettext("附言"), spelled(payment.intent_id or "")),
    ]
    return {
        "told": told,
        "reference": spelled(payment.intent_id or ""),
        "pay_by": payment.expires_at - timedelta(seconds=1),
        "missing_fen": missing_fen,
        "received_fen": int(str(facts.get("received_fen", 0))),
        "link": f"{config.public_url}/orders/{story.number}/transfer?key={story.key}",
    }


def _transfer_short(story: OrderStory, facts: Values) -> Values:
    """What had come and what was missing when it was written: a later receipt writes its own letter."""
    return dict(_transfer(story, facts)) | {"missing_fen": int(str(facts["missing_fen"]))}


def _owed_back(story: OrderStory, facts: Values) -> Values:
    return _payee(story) | {"amount_fen": int(str(facts["amount_fen"])), "reason": str(facts["reason"])}


def _refund_by_transfer(story: OrderStory, facts: Values) -> Values:
    is_past = any(payment.provider != PROVIDER and payment.paid_at is not None for payment in story.payments)
    return dict(_refund_made(story, facts)) | _payee(story) | {"is_past": is_past}


def _refund_failed(_story: OrderStory, facts: Values) -> Values:
    return {"amount_fen": int(str(facts["amount_fen"]))}


def _payee(story: OrderStory) -> dict[str, object]:
    """Whether the buyer still has to say where money goes; then the letter leads there."""
    config: Config = current_app.config["SHOP"]
    needs_payee = any(row.payee_from is None for row in open_remittances_of(story.number))
    page = f"{config.public_url}/orders/{story.number}"
    return {"needs_payee": needs_payee, "link": f"{page}/payee?key={story.key}" if needs_payee else f"{page}?key={story.key}"}


def _transfer_of(story: OrderStory) -> PaymentStory:
    return next(payment for payment in story.payments if payment.provider == PROVIDER)


def _order_edited(story: OrderStory, facts: Values) -> Values:
    """What staff changed before packing, line by line; where it goes now stands on the order's page, not in a letter."""
    lines = {int(line.line_id): line for line in story.lines}
    names = {line.sku_code: _name(line) for line in story.lines}
    changes = []
    for change in cast(list[dict[str, object]], facts.get("lines", [])):
        line = lines[int(str(change["line_id"]))]
        words = {"name": _name(line), "was": change["was"], "kept": change["kept"]}
        if code := change["swapped_to"]:
            changes.append(gettext("%(name)s：%(was)s 件留 %(kept)s 件，其余换成 %(other)s", other=names.get(str(code), code), **words))
        else:
            changes.append(gettext("%(name)s：%(was)s 件改成 %(kept)s 件", **words))
    if facts.get("address"):
        changes.append(gettext("收货信息改了"))
    return {"changes": changes, "refund_fen": int(str(facts.get("refund_fen", 0)))}


def _lot_recalled(story: OrderStory, facts: Values) -> Values | None:
    """What was called back and why, as it stands now. Nothing, when all of it was refunded meanwhile."""
    lot_id = LotId(int(str(facts["lot_id"])))
    recall, lines = find_recall(lot_id), recalled_lines(story.id, lot_id)
    if recall is None or not lines:
        return None
    return {"words": recall.words, "product": _said(lines[0].name, lines[0].name_en), "lot_code": lines[0].lot_code}


def _of_order(told: Callable[[OrderStory, Values], Values | None]) -> Reader:
    """A letter about one order: it knows `order` and leads to the order's page, unless its kind says otherwise."""

    def read(letter: ClaimedLetter, config: Config) -> Values | None:
        story = get_story(letter.subject)
        link = f"{config.public_url}/orders/{story.number}?key={story.key}"
        known = told(story, letter.facts)
        return None if known is None else {"order": story, "link": link} | dict(known)

    return read


KINDS: Mapping[str, Reader] = {
    "order_received": _of_order(_order_received),
    "order_paid": _of_order(_order_paid),
    "parcel_shipped": _of_order(_parcel_shipped),
    "refund_made": _of_order(_refund_made),
    "payment_returned": _of_order(_payment_returned),
    "transfer_instructions": _of_order(_transfer),
    "transfer_reminder": _of_order(_transfer),
    "transfer_lapsed": _of_order(_transfer),
    "transfer_short": _of_order(_transfer_short),
    "owed_back": _of_order(_owed_back),
    "refund_by_transfer": _of_order(_refund_by_transfer),
    "refund_failed": _of_order(_refund_failed),
    "order_edited": _of_order(_order_edited),
    "lot_recalled": _of_order(_lot_recalled),
    "message_to_buyer": message_to_buyer,
    "message_to_cooperative": message_to_cooperative,
    "claim_to_buyer": claim_to_buyer,
    "claim_to_cooperative": claim_to_cooperative,
    "account_changed": account_changed,
    "forget_asked": forget_asked,
    "report_due": report_due,
    "password_reset": password_reset,
    "invite": invite,
    "sign_up": sign_up,
    "email_confirm": email_confirm,
    "back_in_stock": back_in_stock,
}


# ── Words and figures ─────────────────────────────────────────────────────────────────────────────────────────────────


def _asked(story: OrderStory) -> list[str]:
    """That a gift note goes along, which the letter does not spell out, and where the fapiao stands."""
    asked = [str(gettext("送人的话随货放进去。"))] if story.gift_note else []
    fapiao = find_fapiao(story.id) if story.fapiao_id is not None else None
    if fapiao is None:
        return asked
    if fapiao.state is FapiaoState.ISSUED:
        return [*asked, str(gettext("发票：开好了，号码 %(number)s。", number=fapiao.fapiao_number))]
    if fapiao.state is FapiaoState.REFUSED:
        return [*asked, str(gettext("发票：没有开，%(why)s。", why=fapiao.why))]
    return [*asked, str(gettext("发票：开给“%(title)s”，付款以后开，寄到你留的邮箱。", title=fapiao.title))]


def _goods(story: OrderStory) -> list[Row]:
    return [_row(line) for line in story.lines]


def _name(line: LineStory) -> str:
    return f"{_said(line.product_name, line.product_name_en)} {_said(line.pack, line.pack_en)}"


def _row(line: LineStory) -> Row:
    name = f"{_said(line.product_name, line.product_name_en)} {_said(line.pack, line.pack_en)} × {line.quantity}"
    return Row(name, _lots(line), line.gross_fen)


def _lots(line: LineStory) -> str:
    """The lots it came from: `批次 BS2610A × 2、BS2610B × 1`."""
    between = ", " if _is_english() else "、"
    lots = between.join(f"{pick.lot_code} × {pick.units}" for pick in line.picks)
    return str(gettext("批次 %(lots)s", lots=lots)) if lots else ""


def _returned_units(line: ReturnedLine) -> str:
    if not line.units:
        return str(gettext("退一部分钱，货留着"))
    return str(gettext("退回 %(units)s %(word)s", units=line.units, word=line.unit_word))


def _method(story: OrderStory) -> str:
    """How the money came that was received last, in words; nothing when nobody knows."""
    known = {"alipay": gettext("支付宝"), "wechat_pay": gettext("微信支付"), "card": gettext("银行卡"), "transfer": gettext("银行转账")}
    paid = [payment.method for payment in story.payments if payment.paid_at is not None and payment.method]
    return known.get(paid[-1], paid[-1]) if paid else ""


def _toned(villages: list[tuple[str, int]]) -> list[Share]:
    return [Share(name, fen, "abcd"[place % 4]) for place, (name, fen) in enumerate(villages)]


def _said(in_chinese: str, in_english: str) -> str:
    """Content in the letter's language, or in Chinese where there is no English."""
    return in_english or in_chinese if _is_english() else in_chinese


def _is_english() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "en"
