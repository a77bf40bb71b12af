"""What claims are called: kinds, states, reasons, and the one next step of whoever reads."""

from flask import Blueprint
from flask_babel import gettext, lazy_gettext

from shop.orders.claim_states import ClaimKind, ClaimReason, ClaimState
from shop.payments.models import RefundState
from shop.reports.claims import ClaimMoney, ClaimStory

KIND_WORDS = {ClaimKind.CANCEL: lazy_gettext("取消"), ClaimKind.RETURN: lazy_gettext("退货")}
REASON_WORDS = {
    ClaimReason.NOT_WANTED: lazy_gettext("不想要了"),
    ClaimReason.MISTAKE: lazy_gettext("拍错了，或者地址错了"),
    ClaimReason.TOO_SLOW: lazy_gettext("等得太久"),
    ClaimReason.SEVEN_DAYS: lazy_gettext("七天无理由"),
    ClaimReason.DAMAGED: lazy_gettext("破了、漏了、压坏了"),
    ClaimReason.SPOILT: lazy_gettext("霉了、坏了、生虫"),
    ClaimReason.SHORT: lazy_gettext("少了件，或分量不足"),
    ClaimReason.WRONG: lazy_gettext("发错了"),
    ClaimReason.RECALLED: lazy_gettext("这一批被召回"),
}
STATE_WORDS = {
    ClaimState.ASKED: (lazy_gettext("等答复"), "due"),
    ClaimState.ACCEPTED: (lazy_gettext("同意了，等寄回"), "due"),
    ClaimState.SENT: (lazy_gettext("寄回途中"), "due"),
    ClaimState.DUE: (lazy_gettext("等退款"), "warning"),
    ClaimState.REFUNDED: (lazy_gettext("退款已记账"), "done"),
    ClaimState.REFUSED: (lazy_gettext("没有同意"), "wrong"),
    ClaimState.WITHDRAWN: (lazy_gettext("买家收回了"), ""),
    ClaimState.LAPSED: (lazy_gettext("没有寄回，作废"), ""),
}
_MONEY_WORDS = {
    RefundState.ASKED: lazy_gettext("已记账，正在交给支付方"),
    RefundState.PENDING: lazy_gettext("支付方在办，一般 3–10 个工作日到账"),
    RefundState.SUCCEEDED: lazy_gettext("支付方已退，原路退回；银行入账一般要 3–10 个工作日"),
    RefundState.FAILED: lazy_gettext("支付方没有退成，会有人联系你，改从银行转"),
}
_TRANSFER_WORDS = {
    RefundState.ASKED: lazy_gettext("已记账，等我们从银行转给你"),
    RefundState.PENDING: lazy_gettext("已转出，正在核对银行流水"),
    RefundState.SUCCEEDED: lazy_gettext("已转到你的账户"),
    RefundState.FAILED: lazy_gettext("没有转成，会有人联系你"),
}


def money_words(state: RefundState, *, by_transfer: bool) -> str:
    """How far money on its way back is, for its buyer."""
    return str((_TRANSFER_WORDS if by_transfer else _MONEY_WORDS)[state])


def claim_money_words(money: ClaimMoney) -> str:
    """The same of the refund of a claim."""
    return money_words(money.state, by_transfer=money.by_transfer)


def claim_steps(claim: ClaimStory) -> tuple[tuple[str, ...], int]:
    """The way of a claim as far as it is known, and where it is; counting from one."""
    begin, answer, money = gettext("提出"), gettext("答复"), gettext("退钱")
    if claim.state in (ClaimState.REFUSED, ClaimState.WITHDRAWN, ClaimState.LAPSED):
        return (), 0
    rows: tuple[str, ...]
    if claim.must_send_back or (claim.must_send_back is None and claim.kind is ClaimKind.RETURN and not claim.wants_to_keep):
        rows = (begin, answer, gettext("寄回"), gettext("收到"), money)
        places = {ClaimState.ASKED: 2, ClaimState.ACCEPTED: 3, ClaimState.SENT: 4, ClaimState.DUE: 5, ClaimState.REFUNDED: 6}
    else:
        rows = (begin, answer, money)
        places = {ClaimState.ASKED: 2, ClaimState.DUE: 3, ClaimState.REFUNDED: 4}
    return tuple(str(row) for row in rows), places[claim.state]


def register(blueprint: Blueprint) -> None:
    """Let the templates of every audience speak of claims."""
    words: dict[str, object] = {
        "CLAIM_KINDS": KIND_WORDS,
        "CLAIM_REASONS": REASON_WORDS,
        "CLAIM_STATES": STATE_WORDS,
        "claim_steps": claim_steps,
        "claim_money_words": claim_money_words,
    }
    blueprint.record_once(lambda state: state.app.jinja_env.globals.update(words))
