"""What staff call the states, happenings and accounts of an order.

Law: words only; what is not known here is shown by its code, never left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext, lazy_gettext, lazy_pgettext

from shop.kit.ids import EntryId, UserId
from shop.ledger.models import AccountKind, EntryKind
from shop.orders.states import OrderState
from shop.payments.models import PaymentState, RefundState
from shop.reports.order_story import EventStory, OrderStory, ShipmentStory
from shop.reports.order_trail import Doer, MovedGoods, NoteStory
from shop.reports.staff_orders import AuditStory, Behind, EntryStory, LetterStory, PostingStory
from shop.shipping.states import ShipmentState
from shop.stock.models import MovementKind
from shop.web.filters import chinese, filled, yuan_sign
from shop.web.role_words import ROLE_WORDS
from shop.web.storefront.words import said, units

ORDER_WORDS = {
    OrderState.AWAITING_PAYMENT: (lazy_gettext("等付款"), "due"),
    OrderState.PAID: (lazy_gettext("已付，待发"), "done"),
    OrderState.PACKING: (lazy_gettext("部分发出"), "due"),
    OrderState.SHIPPED: (lazy_gettext("在路上"), "due"),
    OrderState.DELIVERED: (lazy_gettext("已签收"), "done"),
    OrderState.COMPLETED: (lazy_gettext("完成"), "done"),
    OrderState.LAPSED: (lazy_gettext("过时作废"), ""),
    OrderState.CANCELLED: (lazy_gettext("买家取消"), ""),
}
"""State → word and badge."""
PARCEL_WORDS = {
    ShipmentState.WAITING: (lazy_gettext("等付款"), ""),
    ShipmentState.TO_PACK: (lazy_gettext("装箱中"), ""),
    ShipmentState.SHIPPED: (lazy_gettext("在路上"), "due"),
    ShipmentState.DELIVERED: (lazy_gettext("已签收"), "done"),
    ShipmentState.CANCELLED: (lazy_gettext("不寄了"), "warning"),
}
PAYMENT_WORDS = {
    PaymentState.STARTING: (lazy_gettext("正在开支付页"), ""),
    PaymentState.OPEN: (lazy_gettext("等买家付"), "due"),
    PaymentState.FAILED: (lazy_gettext("没开成"), "warning"),
    PaymentState.EXPIRED: (lazy_gettext("过期"), ""),
    PaymentState.PAID: (lazy_gettext("已付"), "done"),
    PaymentState.MISMATCH: (lazy_gettext("金额不对"), "wrong"),
}
REFUND_WORDS = {
    RefundState.ASKED: (lazy_gettext("已记账，正在交给支付方"), "due"),
    RefundState.PENDING: (lazy_gettext("支付方在办"), "due"),
    RefundState.SUCCEEDED: (lazy_gettext("已退到账"), "done"),
    RefundState.FAILED: (lazy_gettext("没有退成，已冲回"), "wrong"),
}
METHODS = {
    "card": lazy_gettext("银行卡"),
    "alipay": lazy_gettext("支付宝"),
    "wechat_pay": lazy_gettext("微信支付"),
    "transfer": lazy_gettext("银行转账"),
}
ENTRY_WORDS = {
    EntryKind.SALE: lazy_gettext("收款"),
    EntryKind.REFUND: lazy_pgettext("one", "退款"),
    EntryKind.REFUND_FAILED: lazy_gettext("退款没成，冲回"),
    EntryKind.RECEIPT: lazy_gettext("收到没有订单可记的钱"),
    EntryKind.RECEIPT_RETURNED: lazy_gettext("把它退回去"),
    EntryKind.CORRECTION: lazy_gettext("村的更正"),
    EntryKind.EDIT: lazy_gettext("装箱前改单"),
    EntryKind.SETTLEMENT: lazy_gettext("与合作社结算"),
    EntryKind.SETTLEMENT_PAID: lazy_gettext("结算款付出"),
    EntryKind.CLEARED: lazy_gettext("支付方到账"),
    EntryKind.FEE: lazy_gettext("支付手续费"),
    EntryKind.EXCHANGE: lazy_gettext("支付方到账，换汇"),
    EntryKind.PAYOUT: lazy_gettext("支付方打款到银行"),
    EntryKind.DISPUTE: lazy_gettext("拒付，暂扣"),
    EntryKind.DISPUTE_WON: lazy_gettext("拒付胜诉，归还"),
    EntryKind.DISPUTE_LOST: lazy_gettext("拒付败诉，冲回"),
    EntryKind.SUSPENSE: lazy_gettext("来由不明的变动"),
    EntryKind.SUSPENSE_CLEARED: lazy_gettext("来由已查明"),
}
AUDIT_WORDS = {
    "claim.accepted": lazy_gettext("同意了取消或退货"),
    "claim.asked": lazy_gettext("买家要取消或退货"),
    "claim.lapsed": lazy_gettext("没有寄回，申请作废"),
    "claim.received": lazy_gettext("收到退回的货"),
    "claim.refused": lazy_gettext("没有同意取消或退货"),
    "claim.sent": lazy_gettext("买家寄回了货"),
    "claim.withdrawn": lazy_gettext("买家收回了申请"),
    "order.edited": lazy_gettext("装箱前改了单"),
    "payment.mismatch_returned": lazy_gettext("把不对的钱退回去"),
    "refund.approved": lazy_gettext("同意了这笔退款"),
    "refund.by_transfer": lazy_gettext("改从银行转账退"),
    "refund.rejected": lazy_gettext("没有同意这笔退款"),
    "refund.requested": lazy_gettext("提了一笔退款，等另一个人同意"),
    "remittance.confirmed": lazy_gettext("在银行流水里核对了转回的钱"),
    "remittance.not_sent": lazy_gettext("记下：没有转成"),
    "remittance.payee_named": lazy_gettext("写了收款账户"),
    "remittance.sent": lazy_gettext("从银行转回了"),
    "transfer.matched": lazy_gettext("把银行流水认给这一单"),
}
"""What somebody decided about an order, by the name of its audit row."""
LETTER_WORDS = {
    "report_due": lazy_gettext("存下的报表"),
    "back_in_stock": lazy_gettext("到货提醒"),
    "order_received": lazy_gettext("订单收到了"),
    "order_paid": lazy_gettext("收到你的钱了"),
    "payment_returned": lazy_gettext("钱在退回"),
    "parcel_shipped": lazy_gettext("寄出了"),
    "refund_made": lazy_gettext("已退款"),
    "transfer_instructions": lazy_gettext("怎么转账"),
    "transfer_reminder": lazy_gettext("提醒转账"),
    "transfer_lapsed": lazy_gettext("没等到转账"),
    "transfer_short": lazy_gettext("转账还差多少"),
    "owed_back": lazy_gettext("钱转回给你"),
    "refund_by_transfer": lazy_gettext("用银行转账退款"),
    "refund_failed": lazy_gettext("退款没成"),
    "order_edited": lazy_gettext("订单改了"),
    "lot_recalled": lazy_gettext("召回了买过的一批"),
    "message_to_buyer": lazy_gettext("给买家写了话"),
    "message_to_cooperative": lazy_gettext("有人给合作社写了话"),
    "claim_to_buyer": lazy_gettext("取消、退货办到哪了"),
    "claim_to_cooperative": lazy_gettext("买家要取消、退货"),
    "forget_asked": lazy_gettext("要删个人信息"),
    "account_changed": lazy_gettext("登录方式改了"),
    "password_reset": lazy_gettext("设新密码的链接"),
    "invite": lazy_gettext("邀请"),
    "sign_up": lazy_gettext("打开账户的链接"),
    "email_confirm": lazy_gettext("确认新邮箱"),
}
REASON_WORDS = {
    "surplus": lazy_gettext("转多了"),
    "twice": lazy_gettext("转了两次"),
    "cancelled": lazy_gettext("订单已取消"),
    "late": lazy_gettext("过期没有补齐"),
    "goods_gone": lazy_gettext("付晚了，货已卖完"),
    "mismatch": lazy_gettext("金额不对，原样退回"),
    "made_at_provider": lazy_gettext("在支付方后台退的"),
}
"""Why money goes back, where no person wrote it."""
WHY_SHOWN = {
    "delivery": lazy_gettext("承运方找不到人"),
    "buyer_asked": lazy_gettext("买家来电核对"),
    "refund": lazy_gettext("退款要联系"),
    "late_money": lazy_gettext("付晚了，要告诉买家"),
}
"""Why somebody looks at a whole telephone number; the code is kept in the audit."""
FAPIAO_WORDS = {
    "asked": lazy_gettext("要了，还没开"),
    "issued": lazy_gettext("开了"),
    "refused": lazy_gettext("没有开"),
    "none": lazy_gettext("没有要"),
}
CURRENCIES = {"CNY": lazy_gettext("人民币"), "HKD": lazy_gettext("港币")}


def word_of(words: Mapping[str, object], code: str) -> str:
    """What a code is called; itself if nobody has a word for it."""
    return str(words.get(code, code))


def account_name(posting: PostingStory) -> str:
    """An account as a bookkeeper would say it."""
    village = said(posting.village or "", posting.village_en or "")
    cooperative = said(posting.cooperative or "", posting.cooperative_en or "")
    if posting.kind is AccountKind.PROCEEDS:
        return str(gettext("%(village)s，经%(cooperative)s", village=village, cooperative=cooperative))
    if posting.kind is AccountKind.HOLD:
        return str(gettext("%(village)s，经%(cooperative)s，拒付中暂扣", village=village, cooperative=cooperative))
    names = {
        AccountKind.CLEARING: gettext("支付方待结"),
        AccountKind.CASH: gettext("线下现金"),
        AccountKind.CARRIAGE: gettext("代收运费，不属于村"),
        AccountKind.UNALLOCATED: gettext("还没有归属的钱"),
        AccountKind.PAYABLE: gettext("应付合作社"),
        AccountKind.BANK: gettext("银行存款"),
        AccountKind.FEES: gettext("支付手续费"),
        AccountKind.EXCHANGE: gettext("换汇"),
        AccountKind.DISPUTED: gettext("拒付中的钱"),
        AccountKind.SUSPENSE: gettext("来由不明的变动"),
    }
    name = str(names.get(posting.kind, posting.account))
    if posting.account.startswith("balance/"):
        name = str(gettext("支付方账上"))
    currency = CURRENCIES.get(posting.currency, posting.currency)
    return name if posting.currency == "CNY" else str(gettext("%(account)s，%(currency)s", account=name, currency=currency))


# ── The trail ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class TrailRow:
    """One thing that happened."""

    at: datetime
    kind: str
    badge: str
    text: str
    who: str
    proof: str


def trail_of(story: OrderStory, behind: Behind) -> list[TrailRow]:
    """Everything that happened to an order, the latest first: events, entries, letters, and who looked."""
    doers = Doers(story.buyer_id, behind.doers)
    rows = [_event(event, story, doers) for event in story.events]
    rows += [_entry(entry) for entry in behind.entries]
    rows += [_letter(letter) for letter in behind.letters]
    rows += [_audit(audit, doers) for audit in behind.audit]
    rows += [_move(move, doers) for move in behind.moves]
    rows += [_note(note, doers) for note in behind.notes]
    return sorted(rows, key=lambda row: row.at)[::-1]  # of one moment, what was caused stands above its cause


_GOODS, _MONEY, _BOOKS = lazy_gettext("货"), lazy_gettext("钱"), lazy_gettext("账")
_LETTER, _LOOK, _DECISION, _NOTE = lazy_pgettext("letter", "信"), lazy_gettext("查看"), lazy_gettext("人定"), lazy_gettext("备注")


@dataclass(frozen=True)
class Doers:
    """What those who did something about an order are called: by what they are, never by their names."""

    buyer_id: UserId | None
    known: Mapping[UserId, Doer]

    def name(self, user_id: UserId | None) -> str:
        """One of them; nobody is the system."""
        if user_id is None:
            return str(gettext("系统"))
        doer = self.known.get(user_id, Doer())
        names = [str(gettext("买家"))] if user_id == self.buyer_id else []
        names += [str(ROLE_WORDS[role]) for role in doer.roles]
        names += [said(name, name_en) for name, name_en in doer.cooperatives]
        return gettext("、").join(names) or str(gettext("以前的人员"))


def _event(event: EventStory, story: OrderStory, doers: Doers) -> TrailRow:
    kind, badge, text = _event_words(event, story)
    return TrailRow(event.at, str(kind), badge, text, doers.name(event.by_user_id), _tracking(event))


def _event_words(event: EventStory, story: OrderStory) -> tuple[object, str, str]:
    facts = event.facts
    if event.kind == "placed":
        return _GOODS, "", gettext("下单，%(sum)s，货留着", sum=_sum(facts, "total_fen"))
    if event.kind == "payment_started":
        return _MONEY, "", gettext("第 %(attempt)s 次去支付", attempt=facts.get("attempt", ""))
    if event.kind == OrderState.PAID:
        return _MONEY, "done", gettext("向支付方查实：已付 %(sum)s，货转为卖出", sum=_sum(facts, "amount_fen"))
    if event.kind == "payment_mismatch":
        received, asked = _sum(facts, "received_fen"), _sum(facts, "asked_fen")
        return _MONEY, "wrong", gettext("收到 %(received)s，要的是 %(asked)s：货没动，账没记", received=received, asked=asked)
    if event.kind == "payment_returned":
        return _MONEY, "wrong", gettext("付晚了，货已卖完：%(sum)s 全部退回", sum=_sum(facts, "amount_fen"))
    if event.kind == "refund_asked":
        return (
            _MONEY,
            "due",
            filled(
                gettext("退款 %(sum)s，%(reason)s"),
                sum=_sum(facts, "goods_fen", "shipping_fen"),
                reason=chinese(str(facts.get("reason", ""))),
            ),
        )
    if event.kind == "refunded":
        return _MONEY, "done", gettext("支付方已退 %(sum)s", sum=_sum(facts, "amount_fen"))
    if event.kind == "edited":
        text = (
            gettext("装箱前改了单，退 %(sum)s", sum=_sum(facts, "refund_fen"))
            if facts.get("refund_fen")
            else gettext("装箱前改了单，没有退钱")
        )
        return _GOODS, "warning", gettext("%(text)s；换了收货信息", text=text) if facts.get("address") else text
    if event.kind == "refund_failed":
        return _MONEY, "wrong", gettext("支付方没有退成，%(sum)s 已记回各村", sum=_sum(facts, "goods_fen", "shipping_fen"))
    if event.kind in ("parcel_shipped", "parcel_delivered"):
        words = gettext("%(parcel)s交寄，%(carrier)s") if event.kind == "parcel_shipped" else gettext("%(parcel)s签收")
        return _GOODS, "", filled(words, parcel=_parcel(facts, story), carrier=chinese(str(facts.get("carrier", ""))))
    if event.kind in _BANK_WORDS:
        state, words = _BANK_WORDS[event.kind]
        return _MONEY, state, filled(str(words), sum=_sum(facts, "amount_fen", "total_fen"), reason=chinese(str(facts.get("reason", ""))))
    if event.kind in _CLAIM_WORDS:
        state, words = _CLAIM_WORDS[event.kind]
        return _GOODS, state, str(words)
    if event.kind == "fapiao_asked":
        return _DECISION, "", gettext("买家要发票，开给单位") if facts.get("kind") == "firm" else gettext("买家要发票，开给个人")
    if event.kind == "slip_brought":
        return _MONEY, "", gettext("买家传了银行回单")
    moved = {state.value: word for state, (word, _badge) in ORDER_WORDS.items()}
    return _GOODS, "", gettext("订单：%(state)s", state=word_of(moved, event.kind))


_CLAIM_WORDS = {
    "claim_asked": ("due", lazy_gettext("买家要取消或退货")),
    "claim_accepted": ("", lazy_gettext("同意退货，等买家寄回")),
    "claim_sent": ("", lazy_gettext("买家说寄回了")),
    "claim_due": ("due", lazy_gettext("取消或退货：该退款了")),
    "claim_refunded": ("done", lazy_gettext("取消或退货：退款记了账")),
    "claim_refused": ("warning", lazy_gettext("没有同意取消或退货")),
    "claim_withdrawn": ("", lazy_gettext("买家收回了申请")),
    "claim_lapsed": ("", lazy_gettext("没有等到寄回，申请作废")),
}
_BANK_WORDS = {
    "dispute_inquiry": ("warning", lazy_gettext("买家的银行来问 %(sum)s，钱没动")),
    "dispute_needs_response": ("wrong", lazy_gettext("拒付 %(sum)s：村里的份暂扣，等我们举证")),
    "dispute_under_review": ("due", lazy_gettext("拒付 %(sum)s：证据交了，银行在看")),
    "dispute_closed": ("done", lazy_gettext("银行问完了 %(sum)s，没有拒付")),
    "dispute_won": ("done", lazy_gettext("拒付 %(sum)s 判给我们：村里的份还回去了")),
    "dispute_lost": ("wrong", lazy_gettext("拒付 %(sum)s 判给买家：按退款从村里冲回")),
    "transfer_received": ("done", lazy_gettext("认了一笔银行转账 %(sum)s")),
    "owed_back": ("wrong", lazy_gettext("%(sum)s 要转回给买家")),
    "remitted": ("done", lazy_gettext("%(sum)s 已从银行转回，核对过")),
    "refund_unbooked": ("wrong", lazy_gettext("在支付方后台退的 %(sum)s，这一单记不下，挂着等人查明")),
    "refund_found": ("warning", lazy_gettext("在支付方后台退的 %(sum)s，找到了，已入账")),
    "refund_requested": ("due", lazy_gettext("提了退款 %(sum)s，等另一个人同意：%(reason)s")),
    "refund_approved": ("done", lazy_gettext("退款 %(sum)s，另一个人同意了")),
    "refund_rejected": ("wrong", lazy_gettext("退款 %(sum)s，没有同意：%(reason)s")),
    "mismatch_returned": ("warning", lazy_gettext("金额不对的 %(sum)s，原样退回")),
}


def _sum(facts: Mapping[str, object], *names: str) -> str:
    return yuan_sign(sum(int(str(facts.get(name, 0))) for name in names))


def _parcel(facts: Mapping[str, object], story: OrderStory) -> str:
    for place, shipment in enumerate(story.shipments, start=1):
        if shipment.shipment_id == facts.get("shipment_id"):
            return parcel_name(place, shipment)
    return str(gettext("包裹"))


def parcel_name(place: int, shipment: ShipmentStory) -> str:
    """第 1 包（白水大米）"""
    return str(
        gettext("第 %(place)s 包（%(name)s）", place=place, name=said(shipment.cooperative_short_name, shipment.cooperative_name_en))
    )


def _tracking(event: EventStory) -> str:
    return str(event.facts.get("tracking_number", ""))


def entry_name(entry_id: EntryId) -> str:
    """An entry's number as it is said: the last nine digits of the 63 bits; the whole number stands beside it in the books."""
    return f"…{str(entry_id)[-9:]}"


def _entry(entry: EntryStory) -> TrailRow:
    text = gettext(
        "%(kind)s %(sum)s，记到 %(count)s 个账户", kind=ENTRY_WORDS[entry.kind], sum=yuan_sign(entry.debit_fen), count=len(entry.postings)
    )
    return TrailRow(entry.posted_at, str(_BOOKS), "done", text, gettext("系统"), gettext("分录 %(id)s", id=entry_name(entry.id)))


def _letter(letter: LetterStory) -> TrailRow:
    name = word_of(LETTER_WORDS, letter.kind)
    if letter.sent_at:
        at, badge, text = letter.sent_at, "", gettext("「%(name)s」已寄出", name=name)
    elif letter.given_up_at:
        at, badge = letter.given_up_at, "wrong"
        text = gettext("「%(name)s」寄不到，不再试：%(trouble)s", name=name, trouble=letter.trouble or "")
    else:
        at, badge, text = letter.created_at, "", gettext("「%(name)s」等着寄出", name=name)
    return TrailRow(at, str(_LETTER), badge, text, gettext("系统"), _letter_number(letter))


def _letter_number(letter: LetterStory) -> str:
    return str(gettext("信 %(id)s", id=letter.id))


def _audit(audit: AuditStory, doers: Doers) -> TrailRow:
    who = doers.name(audit.by_user_id)
    if audit.action == "order.phone_shown":
        text = gettext("看了买家的完整号码：%(why)s", why=word_of(WHY_SHOWN, str(audit.facts.get("why", ""))))
        return TrailRow(audit.at, str(_LOOK), "warning", text, who, "")
    return TrailRow(audit.at, str(_DECISION), "", word_of(AUDIT_WORDS, audit.action), who, "")


_MOVED = {
    MovementKind.HELD: lazy_gettext("留货：%(goods)s"),
    MovementKind.RELEASED: lazy_gettext("放回架上：%(goods)s"),
    MovementKind.SOLD: lazy_gettext("拣货卖出：%(goods)s"),
    MovementKind.RETURNED: lazy_gettext("退回，再卖：%(goods)s"),
    MovementKind.RETURNED_SPOILT: lazy_gettext("退回，报损：%(goods)s"),
}


def _move(move: MovedGoods, doers: Doers) -> TrailRow:
    name, many = said(move.product_name, move.product_name_en), units(move.units, move.unit_word)
    goods = filled(gettext("%(name)s %(units)s"), name=name, units=many)
    is_split = len(move.lots) > 1
    lots = gettext("、").join(f"{code} × {count}" if is_split else code for code, count in move.lots)
    text = filled(str(_MOVED.get(move.kind, move.kind)), goods=goods)
    return TrailRow(move.at, str(_GOODS), "", text, doers.name(move.by_user_id), str(gettext("批次 %(code)s", code=lots)))


def _note(note: NoteStory, doers: Doers) -> TrailRow:
    words = chinese(note.words) if note.words else gettext("（买家要求删去个人信息，内容已清空）")
    return TrailRow(note.at, str(_NOTE), "warning", words, doers.name(note.by_user_id), "")
