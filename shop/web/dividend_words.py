"""The words of costs and dividends, for every audience; files that are brought, and papers that are handed out."""

from collections.abc import Sequence

from flask import Blueprint, Response, request
from flask_babel import gettext, lazy_gettext, lazy_pgettext

from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId
from shop.kit.sheets import csv_file
from shop.ledger.dividends import RunState, published_count
from shop.ledger.models import CostKind, DividendBase, EntryKind
from shop.papers.attachments import MOST_BYTES, SUFFIXES, AttachmentId, get_attachment, read_bytes
from shop.papers.errors import CannotKeep, NoSuchAttachment, WhyNot
from shop.reports.dividend_pages import Behind, Statement, owner_of_paper
from shop.web.current import settings
from shop.web.filters import MINUS, percent_bp, yuan
from shop.web.storefront.words import named

COST_WORDS = {
    CostKind.INPUTS: lazy_gettext("投入品"),
    CostKind.LABOUR: lazy_gettext("人工"),
    CostKind.PACKING: lazy_gettext("包装"),
    CostKind.FREIGHT: lazy_pgettext("cost", "运费"),
}
BASE_WORDS = {
    DividendBase.GROSS: lazy_gettext("货款减退款"),
    DividendBase.NET: lazy_gettext("货款减退款，再减记下的成本"),
}
STATE_WORDS = {
    RunState.COMPUTED: (lazy_gettext("等第二个人批准"), "due"),
    RunState.APPROVED: (lazy_gettext("等合作社支付"), "warning"),
    RunState.NOTHING_DUE: (lazy_gettext("本期不付"), ""),
    RunState.PAID: (lazy_gettext("等村里确认"), "due"),
    RunState.DISPUTED: (lazy_gettext("村里有异议"), "wrong"),
    RunState.CONFIRMED: (lazy_gettext("村里已确认"), "done"),
    RunState.PUBLISHED: (lazy_gettext("已公示"), "done"),
}
"""What each state is called, and its badge."""
PART_WORDS = {
    "sales": lazy_pgettext("dividend", "货款"),
    "refunds": lazy_pgettext("dividend", "退款"),
    "corrections": lazy_pgettext("dividend", "更正"),
    "costs": lazy_pgettext("dividend", "成本"),
    "carried": lazy_gettext("上期结转"),
    "paid": lazy_gettext("这一版规则此前已付"),
}
ENTRY_WORDS = {
    EntryKind.SALE: lazy_pgettext("line", "卖出"),
    EntryKind.REFUND: lazy_pgettext("line", "退款"),
    EntryKind.REFUND_FAILED: lazy_pgettext("line", "退款没成，冲回"),
    EntryKind.CORRECTION: lazy_pgettext("line", "批次更正"),
    EntryKind.EDIT: lazy_pgettext("line", "改单"),
}
_WHY_NOT = {
    WhyNot.EMPTY: lazy_gettext("这个文件是空的。"),
    WhyNot.NOT_KNOWN: lazy_gettext("只收照片（JPEG、PNG、WebP）和 PDF；这个文件都不是，改名也没有用。"),
    WhyNot.TOO_MANY: lazy_gettext("最多十份。"),
}
MOST_PAPERS = 3
"""Files that one form takes."""
ACCEPTED = "image/jpeg,image/png,image/webp,application/pdf"


def entry_word(kind: EntryKind | None) -> str:
    """What made a line."""
    return str(ENTRY_WORDS.get(kind, gettext("其他"))) if kind else ""


def brought(name: str = "papers") -> list[bytes]:
    """The files of a form, at most `MOST_PAPERS` and one byte more of each than is allowed."""
    files = [file for file in request.files.getlist(name) if file.filename]
    return [file.stream.read(MOST_BYTES + 1) for file in files[:MOST_PAPERS]]


def why_not_kept(refusal: CannotKeep) -> str:
    """Why a file was not kept, for the person who brought it."""
    if refusal.why is WhyNot.TOO_LARGE:
        return str(gettext("文件太大：一份最多 %(most)s MB。", most=MOST_BYTES // 1024 // 1024))
    return str(_WHY_NOT[refusal.why])


def hand_out(attachment_id: int, cooperative_ids: Sequence[CooperativeId] | None) -> Response:
    """A paper of a cost, a rule or a payment, to members of its cooperative (None: to staff). Always as a file to keep, never as a page.

    Raises NoSuchAttachment, also when it is somebody else's.
    """
    found = owner_of_paper(attachment_id)
    if found is None or (cooperative_ids is not None and found[1] not in cooperative_ids):
        raise NoSuchAttachment
    paper = get_attachment(AttachmentId(attachment_id), subject_kind=found[0])
    name = f"{found[0].replace('_', '-')}-{paper.subject_id}-{paper.id}.{SUFFIXES[paper.media_type]}"
    return Response(
        read_bytes(paper, settings().instance_path),
        content_type=paper.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def statement_csv(statement: Statement, *, is_public: bool) -> Response:
    """The statement as a table: every figure in fen, with its words."""
    run = statement.run
    rows: list[tuple[str, str, int | None]] = [
        (gettext("合作社"), named(run.cooperative, run.cooperative_en), None),
        (gettext("村"), named(run.village, run.village_en), None),
        (gettext("规则"), f"{run.rule_name} v{run.rule_version}", None),
        (gettext("基数"), str(BASE_WORDS[run.base]), None),
        (gettext("从"), run.first_day.isoformat(), None),
        (gettext("到"), run.last_day.isoformat(), None),
        (gettext("状态"), str(STATE_WORDS[run.state][0]), None),
        (str(PART_WORDS["sales"]), "", run.sales_fen),
        (str(PART_WORDS["refunds"]), "", run.refunds_fen),
        (str(PART_WORDS["corrections"]), "", run.corrections_fen),
        (str(PART_WORDS["costs"]), "", -run.costs_fen),
        (gettext("本期基数"), "", run.base_fen),
        (str(PART_WORDS["carried"]), "", run.carried_in_fen),
        (gettext("本期应付"), "", run.payable_fen),
        (gettext("结转下期"), "", run.carried_out_fen),
    ]
    rows += [(share.word, percent_bp(share.basis_points), share.amount_fen) for share in statement.shares]
    if is_public:
        rows += [(gettext("%(word)s，户数", word=share.word), households_word(share.households), None) for share in statement.shares]
    if statement.payment:
        rows.append((gettext("付款日"), statement.payment.paid_on.isoformat(), None))
        if statement.payment.confirmed_at:
            rows.append((gettext("村里确认"), business_day(statement.payment.confirmed_at).isoformat(), None))
    return _file(f"dividend-{run.id}-{run.village_slug}.csv", (gettext("项目"), gettext("说明"), gettext("分")), rows)


def lines_csv(statement: Statement, behind: Behind) -> Response:
    """The lines behind a figure, one row each."""
    rows = [
        (row.day.isoformat(), row.subject, entry_word(row.entry_kind) or _cost_word(row.cost_kind), row.lot_code, row.amount_fen)
        for row in behind.rows
    ]
    head = (gettext("记账日"), gettext("单号"), gettext("事由"), gettext("批次"), gettext("分"))
    return _file(f"dividend-{statement.run.id}-{behind.part}.csv", head, rows)


def households_word(count: int | None) -> str:
    """A count as the public may see it."""
    if count is None:
        return str(gettext("没有统计"))
    shown = published_count(count)
    return str(gettext("%(count)s 户", count=shown)) if shown is not None else str(gettext("少于 5 户"))


def households_counted(count: int | None) -> str:
    """The count as it was told, for those who keep the books."""
    return "" if count is None else str(gettext("%(count)s 户", count=count))


def _cost_word(kind: CostKind | None) -> str:
    return str(COST_WORDS[kind]) if kind else ""


def _file(name: str, head: Sequence[str], rows: Sequence[Sequence[str | int | None]]) -> Response:
    content = csv_file(head, rows)
    return Response(content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def signed_yuan(fen: int) -> str:
    """With its sign, for the parts of a sum: `+ 1,234.00`, `− 56.00`."""
    if not fen:
        return yuan(fen)
    return f"{MINUS} {yuan(-fen)}" if fen < 0 else f"+ {yuan(fen)}"


def register(blueprint: Blueprint) -> None:
    """Let every template say these."""
    for word in (entry_word, households_word, households_counted, signed_yuan):
        blueprint.add_app_template_filter(word)
    words = {"COST_WORDS": COST_WORDS, "BASE_WORDS": BASE_WORDS, "STATE_WORDS": STATE_WORDS, "PART_WORDS": PART_WORDS, "ACCEPTED": ACCEPTED}
    blueprint.record_once(lambda state: state.app.jinja_env.globals.update(words))
