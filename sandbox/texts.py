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
    "买家、银行、持卡人、支付公司和网络会做的事，都能在这里按一下来演。": (
        "Whatever buyer, bank, cardholder, payment company and network can do is played here at the press of a button."
    ),
    "沙箱时间 %(now)s。": "Sandbox time %(now)s.",
    "与本机一致。": "The same as this machine's.",
    "本页各段": "Parts of this page",
    "只有在本机打开这一页才能按按钮。": "Buttons appear only when this page is opened on the machine itself.",
    "没做成。什么也没变。": "Refused. Nothing has changed.",
    "做好了。": "Done.",
    "最近 %(count)s 条": "latest %(count)s",
    "争议": "Disputes",
    "打款": "Payouts",
    "流水": "Balance transactions",
    "坏天气": "Faults",
    "时间与行为": "Time and behaviour",
    "在店里下一单，去付款，会话就出现在这里。": " Place an order in the shop and go to pay: its session appears here.",
    "付成或没付成，都记在这里。": " Payments appear here, succeeded or failed.",
    "店里退的和支付公司后台退的都在这里。": " Refunds appear here, the shop's and those of the payment company's dashboard.",
    "用银行卡付的款可以提出争议；支付宝和微信支付没有争议。": " Payments by card can be disputed; Alipay and WeChat Pay know no disputes.",
    "有了余额就能打款。": " Once there is a balance it can be paid out.",
    "付款、退款、争议和打款都会在这里记账。": " Payments, refunds, disputes and payouts are booked here.",
    "发生的每件事都会在这里，连同发给店里的通知。": " Whatever happens appears here, with the notices sent to the shop.",
    "天气晴好：请求和通知都不出错。": "Fair weather: no request and no notice goes wrong.",
    "替买家做": "Do it for the buyer",
    "让它过期": "Let it expire",
    "钱到了": "The money arrives",
    "银行不肯": "The bank refuses",
    "有争议": "disputed",
    "退多少": "Sum to refund",
    "在支付公司后台退款": "Refund in the dashboard",
    "理由": "Reason",
    "只是查询": "only an inquiry",
    "持卡人提出争议": "Cardholder disputes",
    "支付公司后台退的": "Made in the dashboard",
    "退到了": "It arrives",
    "银行退不进去": "The bank sends it back",
    "银行判店里有理": "The shop wins",
    "银行判买家有理": "The buyer wins",
    "升级成争议": "Escalate",
    "查询结束": "Close the inquiry",
    "余额": "Available",
    "未到期": "pending",
    "币种": "Currency",
    "连未到期的一起": "even what is pending",
    "马上到账": "arrives at once",
    "打款到银行": "Pay out",
    "到账": "It arrives",
    "银行退回": "The bank sends it back",
    "手续费": "Fee",
    "净额": "Net",
    "已打出": "paid out",
    "记一笔没人要过的": "Enter by hand",
    "把等着的现在就发": "Send now what is waiting",
    "再发一遍": "Send again",
    "再发两遍": "Send twice more",
    "丢掉": "Drop",
    "还有 %(count)s 次": "%(count)s more",
    "全部取消": "Cancel all",
    "店里的请求": "The shop's requests",
    "发给店里的通知": "Notices to the shop",
    "哪里": "Where",
    "怎样": "How",
    "秒数或份数": "Seconds or copies",
    "几次": "How often",
    "让它出错": "Let it go wrong",
    "往后拨": "Advance the clock",
    "拨回本机时间": "Back to this machine's time",
    "店里的钟没有跟着走：拨回来之前，新开的付款页会因为有效期不到 30 分钟被拒。": (
        "The shop's clock has not moved along: until this one is set back, new pay pages are refused as valid for less than 30 minutes."
    ),
    "支付公司的做法": "How the payment company behaves",
    "马上退到": "at once",
    "慢慢退，等我来定": "slowly, as I decide",
    "结算币种": "Settles in",
    "付什么就结什么": "the currency paid",
    "汇率": "Rate",
    "就这样做": "Behave so",
    "31 分钟（付款页过期）": "31 minutes (pay pages expire)",
    "1 小时": "1 hour",
    "1 天（幂等键过期）": "1 day (idempotency keys expire)",
    "8 天（款项可打出）": "8 days (money can be paid out)",
    "31 天（事件查不到了）": "31 days (events are gone)",
    "91 天（支付宝不能再退）": "91 days (no more Alipay refunds)",
    "181 天（微信不能再退）": "181 days (no more WeChat refunds)",
    "开付款页": "opening a pay page",
    "查付款": "asking about a payment",
    "关付款页": "closing a pay page",
    "查退款": "asking about a refund",
    "查流水": "reading the balance",
    "查事件": "reading events",
    "任何请求": "any request",
    "连不上（什么也没做）": "connection refused (nothing done)",
    "做完就断线": "acts, then the connection breaks",
    "报错 500（什么也没做）": "error 500 (nothing done)",
    "做完报错 500": "acts, then error 500",
    "做完报错 500，同一个键总是这样": "acts, then error 500 for that key, always",
    "做完不吭声": "acts, then silence",
    "拖延": "delay",
    "嫌太频繁 429": "too many requests, 429",
    "发多遍": "several copies",
    "让后一个先到": "lets the next one pass",
    "签名不对": "wrong signature",
    "时间戳过旧": "stale timestamp",
    "办完了，银行还要几天": "Done, but the bank takes days",
    "银行还在办": "The bank is still at work",
    "你这边都办完了，钱几天后才到，也可能到不了。": "You have done everything. The money arrives in some days, or not at all.",
    "会话": "Sessions",
    "付款": "Payments",
    "退款": "Refunds",
    "事件与通知": "Events and notices",
    "还没有。": "Nothing yet.",
    "订单": "Order",
    "金额": "Amount",
    "状态": "State",
    "时间": "Time",
    "已退": "Refunded",
    "类型": "Type",
    "去付款": "Pay",
    "没有设通知地址，事件只记不发。": "No webhook address is set: events are kept, not sent.",
    "通知发到 %(address)s。": "Notices go to %(address)s.",
    "未登记": "not owed",
    "第 %(count)s 次": "attempt %(count)s",
}

_STATES = {
    "session": {"open": "待付", "complete": "已付", "expired": "已过期"},
    "intent": {"processing": "银行在办"},
    "charge": {"succeeded": "成功", "failed": "没成", "pending": "银行在办"},
    "refund": {"succeeded": "已退到", "pending": "在退", "failed": "退不进去", "canceled": "已取消"},
    "dispute": {
        "needs_response": "等店里答复",
        "under_review": "银行在审",
        "won": "店里赢了",
        "lost": "店里输了",
        "warning_needs_response": "银行来查询",
        "warning_under_review": "查询在审",
        "warning_closed": "查询已结束",
    },
    "payout": {"in_transit": "在路上", "paid": "已到账", "failed": "被退回"},
    "balance": {"available": "可打出", "pending": "未到期"},
    "delivery": {"pending": "待发", "sending": "在路上", "delivered": "已送达", "failed": "放弃了", "dropped": "有意丢弃"},
    "reason": {
        "product_not_received": "没收到货",
        "fraudulent": "盗刷",
        "product_unacceptable": "货不对",
        "duplicate": "扣了两次",
        "credit_not_processed": "该退没退",
        "general": "其他",
        "unrecognized": "不认得这笔",
    },
    "failure": {
        "lost_or_stolen_card": "卡挂失了",
        "expired_or_canceled_card": "卡销了",
        "charge_for_pending_refund_disputed": "先提了争议",
        "declined": "被拒",
        "merchant_request": "商家要求",
        "unknown": "不知道",
    },
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


def state_namer(language: str) -> Callable[[str, str], str]:
    """A function that names a state of a kind of thing for a reader; English readers get Stripe's own words."""
    return lambda kind, state: state.replace("_", " ") if language == "en" else _STATES[kind].get(state, state)
