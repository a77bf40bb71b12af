"""The sandbox's words in Chinese and English. Templates ask for them by their Chinese text, as the shop's do."""

from __future__ import annotations

from collections.abc import Callable

from flask import Request

ENGLISH = {
    "演示支付 · 不会扣款": "Demo payment · no money moves",
    "山海集": "Shanhai Market",
    "付给 %(name)s": "Pay %(name)s",
    "合计": "Total",
    "%(time)s 前有效": "valid until %(time)s",
    "选一种付法": "Choose how to pay",
    "付法": "Method",
    "支付宝": "Alipay",
    "微信支付": "WeChat Pay",
    "银行卡": "Bank card",
    "演示什么结果": "What should happen",
    "结果": "Outcome",
    "付成了": "Paid",
    "付成了，但通知晚到": "Paid, but the notice comes late",
    "付成了，通知来两遍": "Paid, and the notice comes twice",
    "没付成：余额不足": "Declined: insufficient funds",
    "付到一半走开": "Walk away half-way",
    "过期后才付成": "Paid only after the session expired",
    "付 %(sum)s（演示）": "Pay %(sum)s (demo)",
    "不付了，回%(name)s": "Do not pay, back to %(name)s",
    "不付了，关上这一页就好": "To give up, close this page",
    "这一页扮演支付公司，只在演示和测试里出现。不收任何卡号，不动任何钱。": (
        "This page plays the payment company, in demonstrations and tests only. It takes no card number and moves no money."
    ),
    "没付成：余额不足。": "Declined: insufficient funds.",
    "一分钱也没动。换一种付法，或再试一次。": "Nothing was charged. Choose another method, or try again.",
    "你付到一半走开了。": "You left half-way through paying.",
    "付款停在这里，没有扣钱。%(time)s 前还可以接着付。": "The payment stops here and nothing was charged. You can go on until %(time)s.",
    "请选一种付法和一种结果。": "Please choose a method and an outcome.",
    "这次付款过期了": "This payment has expired",
    "有效期到 %(time)s，已经过了。请回到店里重新付款。": "It was valid until %(time)s. Please go back to the shop and pay again.",
    "店里已经收回这次付款。请回到店里重新付款。": "The shop has withdrawn this payment. Please go back to the shop and pay again.",
    "银行偏偏这时才答复：付成了": "The bank answers only now: paid",
    "看看店里怎样处理迟到的钱：款到了，库存可能已经放掉。": "See what the shop does with late money: it arrives when the goods may be gone.",
    "已经付过了": "Already paid",
    "这笔钱已经付成，不会再扣一次。": "This payment went through and will not be taken twice.",
    "回%(name)s": "Back to %(name)s",
    "没有这次付款": "No such payment",
    "地址不全，或者沙箱的记录已经清空。": "The address is incomplete, or the sandbox's records were emptied.",
    "演示支付的后台": "Behind the demo payments",
    "最近的会话、付款、退款，以及发给店里的通知。": "The latest sessions, payments and refunds, and the notices sent to the shop.",
    "会话": "Sessions",
    "付款": "Payments",
    "退款": "Refunds",
    "事件与通知": "Events and notices",
    "还没有。": "Nothing yet.",
    "编号": "ID",
    "订单": "Order",
    "金额": "Amount",
    "状态": "State",
    "时间": "Time",
    "原因": "Reason",
    "已退": "Refunded",
    "类型": "Type",
    "通知": "Notice",
    "去付款": "Pay",
    "没有设通知地址，事件只记不发。": "No webhook address is set: events are kept, not sent.",
    "通知发到 %(address)s。": "Notices go to %(address)s.",
    "未登记": "not owed",
    "第 %(count)s 次": "attempt %(count)s",
}

_STATES = {
    "open": "待付",
    "complete": "已付",
    "expired": "已过期",
    "succeeded": "成功",
    "failed": "没成",
    "canceled": "已取消",
    "requires_payment_method": "待重付",
    "requires_action": "停在半路",
    "pending": "待发",
    "sending": "在路上",
    "delivered": "已送达",
    "dropped": "有意丢弃",
}

Translate = Callable[..., str]


def language_of(request: Request, wanted: str | None = None) -> str:
    """`zh-Hans` or `en`: as the session's `locale` says, else as the browser likes best; Chinese when neither says."""
    if wanted and wanted != "auto":
        return "zh-Hans" if wanted.startswith("zh") else "en"
    best = request.accept_languages.best_match(["zh-Hans", "zh-CN", "zh", "en"], default="zh-Hans")
    return "en" if best == "en" else "zh-Hans"


def translator(language: str) -> Translate:
    """A function that gives a text in the language, its named places filled."""

    def translate(text: str, **places: object) -> str:
        words = ENGLISH[text] if language == "en" else text
        return words % places if places else words

    return translate


def state_namer(language: str) -> Callable[[str], str]:
    """A function that names Stripe's states for a reader; English readers get Stripe's own words."""
    return lambda state: state.replace("_", " ") if language == "en" else _STATES.get(state, state)
