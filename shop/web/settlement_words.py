"""The words of settlements and months, for the staff and for cooperatives; statements and the bank's batch as files."""

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Response
from flask_babel import gettext, lazy_gettext, lazy_pgettext

from shop.acts.close_month import Matter
from shop.kit.sheets import csv_file
from shop.ledger.models import AccountKind, EntryKind, SettlementState
from shop.ledger.settlements import ToPay
from shop.reports.settlement_pages import Lines, Owed, Statement
from shop.web.storefront.words import named

STATE_WORDS = {
    SettlementState.DRAFT: (lazy_gettext("等另一个人批准"), "due"),
    SettlementState.APPROVED: (lazy_gettext("等付款"), "warning"),
    SettlementState.PAID: (lazy_gettext("已付"), "done"),
    SettlementState.CANCELLED: (lazy_gettext("作废"), ""),
}
"""What each state is called, and its badge."""
OWED_WORDS = {
    Owed.READY: lazy_gettext("可以结算"),
    Owed.WAITING: lazy_gettext("等退货期过"),
    Owed.DISPUTED: lazy_gettext("有争议，先挂着"),
    Owed.DRAFTED: lazy_gettext("已列进结算单，等批准"),
}
_LINE_WORDS = {
    EntryKind.SALE: lazy_pgettext("line", "卖出"),
    EntryKind.REFUND: lazy_pgettext("line", "退款"),
    EntryKind.REFUND_FAILED: lazy_pgettext("line", "退款没成，冲回"),
    EntryKind.CORRECTION: lazy_pgettext("line", "批次更正"),
    EntryKind.EDIT: lazy_pgettext("line", "改单"),
    EntryKind.DISPUTE_LOST: lazy_pgettext("line", "争议，退给买家"),
}
MATTER_WORDS = {
    Matter.UNFOLDED: lazy_gettext("还没汇总进报表的分录"),
    Matter.EVENTS: lazy_gettext("支付方发来、还没处理的消息"),
    Matter.REFUNDS_ASKED: lazy_gettext("支付方还没接下的退款"),
    Matter.REFUNDS_PENDING: lazy_gettext("支付方正在办的退款（办不成会记在那时的月份）"),
    Matter.MISMATCHES: lazy_gettext("金额或币种不对、还没入账的收款"),
    Matter.UNALLOCATED: lazy_gettext("有余额的待查收款账户"),
    Matter.SUSPENSE: lazy_gettext("有余额的暂记账户"),
    Matter.DISPUTES: lazy_gettext("有争议款挂着的村"),
    Matter.DRAFTS: lazy_gettext("等批准的结算单"),
}
ACCOUNT_WORDS = {
    AccountKind.CLEARING: lazy_gettext("支付方在途"),
    AccountKind.CASH: lazy_gettext("线下收款"),
    AccountKind.PROCEEDS: lazy_gettext("各村货款"),
    AccountKind.CARRIAGE: lazy_gettext("代收运费"),
    AccountKind.UNALLOCATED: lazy_gettext("待查收款"),
    AccountKind.HOLD: lazy_gettext("争议挂账"),
    AccountKind.PAYABLE: lazy_gettext("应付合作社"),
    AccountKind.BANK: lazy_gettext("银行存款"),
    AccountKind.FEES: lazy_gettext("支付手续费"),
    AccountKind.EXCHANGE: lazy_gettext("货币兑换"),
    AccountKind.DISPUTED: lazy_gettext("争议扣款"),
    AccountKind.SUSPENSE: lazy_gettext("暂记"),
}


def line_word(kind: EntryKind) -> str:
    """What made a line of a statement."""
    return str(_LINE_WORDS.get(kind, gettext("其他")))


def account_word(kind: AccountKind) -> str:
    """What a kind of account is called."""
    return str(ACCOUNT_WORDS.get(kind, kind.value))


def plain_yuan(fen: int) -> str:
    """Fen as a bank and a spreadsheet read yuan: `113333` → `1133.33`, `-6667` → `-66.67`."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

BATCH_COLUMNS: Mapping[str, tuple[str, Callable[[ToPay, str], str]]] = {
    "payee": ("收款人户名", lambda row, _: row.payee),
    "account": ("收款账号", lambda row, _: row.account),
    "bank": ("开户行", lambda row, _: row.bank),
    "amount": ("金额(元)", lambda row, _: plain_yuan(row.total_fen)),
    "purpose": ("用途/备注", lambda row, purpose: f"{purpose} {row.number}".strip()),
    "bank_code": ("收款行联行号", lambda row, _: row.bank_code),
    "number": ("结算单号", lambda row, _: row.number),
    "currency": ("币种", lambda _row, _: "CNY"),
}
"""What a file for the bank may hold, in the order in which banks want it. Their programs read Chinese heads, whatever the reader's language."""
USUAL_COLUMNS = ("payee", "account", "bank", "amount", "purpose")


def batch_csv(rows: Sequence[ToPay], columns: Sequence[str], purpose: str) -> bytes:
    """The file for the bank's batch upload."""
    heads = [BATCH_COLUMNS[name][0] for name in columns]
    return csv_file(heads, [[BATCH_COLUMNS[name][1](row, purpose) for name in columns] for row in rows])


def statement_csv(statement: Statement, lines: Lines) -> Response:
    """A statement, one row for each order line and village, then how they come to what is paid; in fen."""
    facts = statement.facts
    rows: list[tuple[str | int | None, ...]] = [
        (
            line.booked_on.isoformat(),
            line.order_number,
            line_word(line.kind),
            named(line.product, line.product_en),
            named(line.pack, line.pack_en),
            named(line.village, line.village_en),
            line.sold_on.isoformat(),
            line.amount_fen,
        )
        for line in lines.rows
    ]
    rows += [
        (None, facts.number, word, None, None, None, None, fen)
        for word, fen in (
            (gettext("上期结转"), facts.carried_in_fen),
            (gettext("本期结算"), facts.total_fen),
            (gettext("结转下期"), facts.carried_out_fen),
        )
    ]
    heads = (
        gettext("记账日"),
        gettext("订单号"),
        gettext("事由"),
        gettext("商品"),
        gettext("规格"),
        gettext("村"),
        gettext("销售日"),
        gettext("分"),
    )
    return as_file(f"settlement-{facts.number}.csv", csv_file(heads, rows))


def as_file(name: str, content: bytes) -> Response:
    """A CSV file to keep."""
    return Response(content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def register(blueprint: Blueprint) -> None:
    """Let every template say these."""
    blueprint.add_app_template_filter(line_word)
    blueprint.add_app_template_filter(account_word)
    words = {"SETTLEMENT_WORDS": STATE_WORDS, "OWED_WORDS": OWED_WORDS, "MATTER_WORDS": MATTER_WORDS}
    blueprint.record_once(lambda state: state.app.jinja_env.globals.update(words))
