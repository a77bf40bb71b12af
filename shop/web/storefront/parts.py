"""The living page of the design: every macro of `templates/parts/` in every state, drawn by the macros themselves, in both languages and schemes.

Only for development: in production these addresses are answered as if they were not there. `tests/web/test_living_page.py` fails on a macro that is not shown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace

from flask import Blueprint, abort, render_template, request
from flask_babel import lazy_gettext
from wtforms import (
    BooleanField,
    FileField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice

from config import ROOT
from shop.accounts.roles import Permission
from shop.catalog.labels import MarkFacts
from shop.catalog.measures import UnitPrice, unit_price
from shop.catalog.models import MarkKind, NetUnit
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import ClaimId, CooperativeId, LineId, MarkId, OrderId
from shop.orders.claim_states import ClaimKind, ClaimReason, ClaimState
from shop.orders.models import RequestState
from shop.payments.models import RefundState
from shop.reports.claims import ClaimedLine, ClaimMoney, ClaimStory
from shop.reports.conversation import Talker
from shop.reports.months import Month, Year
from shop.web.claim_desk import AnswerForm, answer_form
from shop.web.cooperative.fields import DayField
from shop.web.current import needs, settings
from shop.web.filters import claim_focus
from shop.web.form import Form
from shop.web.goods_facts import LabelForm, MarkForm, PriceForm
from shop.web.message_form import MessageForm
from shop.web.storefront.words import named

blueprint = Blueprint("parts", __name__, url_prefix="/parts")

BUYERS = (
    "tokens",
    "icons",
    "page",
    "forms",
    "catalog",
    "charts",
    "origin",
    "months",
    "orders",
    "tables",
    "paying",
    "addresses",
    "buying",
    "personal",
    "voices",
    "messages",
    "claims",
)
COOPERATIVES = ("stock", "goods", "dividends")
STAFF = ("corrections", "settlements")
"""Which files of `templates/parts/` each audience's page shows; each has a file of the same name beside the page."""


class SampleForm(Form):
    """A field of each kind."""

    name = StringField(lazy_gettext("收货人"))
    secret = PasswordField(lazy_gettext("密码"))
    day = DayField(lazy_gettext("日期"))
    town = SelectField(lazy_gettext("乡镇"), choices=[SelectChoice("a", "玉山镇"), SelectChoice("b", "花桥镇")])
    words = TextAreaField(lazy_gettext("备注"))
    photo = FileField(lazy_gettext("照片"))
    pay = RadioField(lazy_gettext("怎么付"), choices=[SelectChoice("stripe", "Alipay"), SelectChoice("transfer", "Bank")], default="stripe")
    agree = BooleanField(lazy_gettext("我知道"))
    once = HiddenField()
    produced = StringField(lazy_gettext("产出"), default="1000")
    reason = StringField(lazy_gettext("为什么要改"))
    phone = StringField(lazy_gettext("手机号"))
    province = StringField(lazy_gettext("省"))
    district = StringField(lazy_gettext("区县"))
    street = StringField(lazy_gettext("街道门牌"))
    fapiao = StringField(default="firm")
    fapiao_title = StringField(lazy_gettext("抬头"))
    tax_number = StringField(lazy_gettext("税号"))
    fapiao_email = StringField(lazy_gettext("邮箱"))
    voucher = StringField(lazy_gettext("优惠券"))
    alt = StringField(lazy_gettext("照片上是什么"))
    alt_en = StringField(lazy_gettext("同一句话的英文"))
    first = StringField("白水村", default="700")
    second = StringField("高坝田村", default="300")

    lot = SimpleNamespace(packed_grams=900_000)

    @property
    def weights(self) -> list[StringField]:
        """As the form of a correction has them."""
        return [self.first, self.second]


@dataclass(frozen=True)
class _Samples:
    """What the pieces are shown with."""

    right: SampleForm
    wrong: SampleForm
    typed: SampleForm
    """Under names of its own, for the parts that write their fields' ids out."""
    now: datetime
    today: date
    year: Year
    label: LabelForm
    price: PriceForm
    mark: MarkForm
    message: MessageForm
    claims: list[ClaimStory]
    """One in each state, and one that waits for a second person."""
    answer: AnswerForm

    @property
    def unit_price(self) -> UnitPrice:
        """Of a bag elsewhere."""
        return unit_price(79_00, 5_000, NetUnit.GRAM)

    @property
    def marks(self) -> list[MarkFacts]:
        """One that holds, one that is over, one that has not begun."""
        year = timedelta(days=365)
        return [
            MarkFacts(MarkId(place + 1), kind, "示例 000000", "示例发证中心", self.today + year * start, self.today + year * (start + 1))
            for place, (kind, start) in enumerate(zip(MarkKind, (0, -2, 1), strict=False))
        ]

    def bucket_fen(self, place: int) -> int:
        """Of a dividend rule that is tried."""
        return (33_000, 11_000, 11_000)[place]


def _samples() -> _Samples:
    wrong = SampleForm(formdata=None, prefix="wrong-", meta={"csrf": False})
    for field in (wrong.name, wrong.secret, wrong.day, wrong.town, wrong.words, wrong.photo, wrong.pay, wrong.agree):
        field.errors = [lazy_gettext("请看一眼这里。")]
    claim_focus()  # a page that shows wrong fields jumps to none of them
    now = utc_now()
    today = business_day(now)
    months = [(2026 + (number - 1) // 12, (number - 1) % 12 + 1) for number in range(12)]
    year = Year(
        tuple(
            Month(in_year, month, 120_000 + 37_000 * place, 4_500 * (place % 3), place == 11)
            for place, (in_year, month) in enumerate(months)
        )
    )
    message = MessageForm(formdata=None, prefix="message-", meta={"csrf": False})
    message.offer((Talker(CooperativeId(1), "白水大米", "Baishui Rice"),))
    claims = [*_claims(now)]
    return _Samples(
        SampleForm(formdata=None, meta={"csrf": False}),
        wrong,
        SampleForm(formdata=None, prefix="typed-", meta={"csrf": False}),
        now,
        today,
        year,
        LabelForm(formdata=None, prefix="label-", meta={"csrf": False}),
        PriceForm(formdata=None, prefix="price-", meta={"csrf": False}),
        MarkForm(formdata=None, prefix="mark-", meta={"csrf": False}),
        message,
        claims,
        answer_form(claims[0], is_staff=False, is_blank=True, prefix="answer-"),
    )


def _claims(now: datetime) -> Iterator[ClaimStory]:
    line = ClaimedLine(LineId(1), "白水贡米", "Baishui rice", "5 kg 袋", "5 kg bag", "袋", 2, 3, 204_00)
    money = ClaimMoney(RefundState.PENDING, 136_00, False, now, None)
    first = ClaimStory(
        id=ClaimId(1),
        order_id=OrderId(1),
        order_number="SH-261128-0EXAMP",
        order_key="",
        cooperative_id=CooperativeId(1),
        cooperative_name="白水大米专业合作社",
        cooperative_short_name="白水大米",
        cooperative_name_en="Baishui Rice Cooperative",
        kind=ClaimKind.RETURN,
        state=ClaimState.ASKED,
        reason=ClaimReason.DAMAGED,
        words="袋口破了一角，米撒了一些。",
        wants_to_keep=False,
        asked_at=now - timedelta(days=4),
        answered_at=None,
        answered_by=None,
        must_send_back=None,
        we_pay_carriage=None,
        return_to="",
        offer_fen=None,
        why="",
        sent_at=None,
        carrier="",
        tracking_number="",
        received_at=None,
        restock=None,
        attempt=0,
        return_id=None,
        ended_at=None,
        lines=(line,),
    )
    yield first
    accepted = replace(first, state=ClaimState.ACCEPTED, answered_at=now, must_send_back=True, we_pay_carriage=True, return_to="示例地址")
    sent = replace(accepted, state=ClaimState.SENT, sent_at=now, carrier="顺丰速运", tracking_number="SF1234567890123")
    due = replace(sent, state=ClaimState.DUE, received_at=now, restock=False)
    yield from (accepted, sent, due, replace(due, request=RequestState.WAITING))
    yield replace(due, state=ClaimState.REFUNDED, money=money)
    yield replace(first, state=ClaimState.REFUSED, answered_at=now, why="照片上看不出坏在哪里")
    yield from (replace(first, state=ClaimState.WITHDRAWN), replace(accepted, state=ClaimState.LAPSED))


def _page(audience: str, files: tuple[str, ...]) -> str:
    """Raises a 404 where the demo is refused."""
    if not settings().is_demo:
        abort(404)
    scheme = request.args.get("scheme", "")
    return render_template(
        f"storefront/parts/{audience}.html",
        files=files,
        s=_samples(),
        scheme=scheme if scheme in ("light", "dark") else "",
        colours=_colours(),
        named=named,
        made=SimpleNamespace,
    )


def _colours() -> list[str]:
    """The names of all colours, in the order of the sheet."""
    sheet = (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"--([a-z-]+): #", sheet)))


@blueprint.get("/")
@needs(Permission.ANYONE)
def buyers() -> str:
    """What buyers' pages are made of."""
    return _page("buyers", BUYERS)


@blueprint.get("/cooperatives")
@needs(Permission.ANYONE)
def cooperatives() -> str:
    """What cooperatives' pages are made of besides."""
    return _page("cooperatives", COOPERATIVES)


@blueprint.get("/staff")
@needs(Permission.ANYONE)
def staff() -> str:
    """What staff's pages are made of besides."""
    return _page("staff", STAFF)
