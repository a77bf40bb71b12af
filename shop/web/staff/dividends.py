"""Dividends as the staff see them: rules to decide on, sheets to compute and approve, runs to follow until they are public."""

import re
from datetime import date

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CooperativeId, RuleId, RunId, SheetId, new_key
from shop.ledger.dividends import RunState
from shop.ledger.dividing import approve, compute, decide_rule, open_months, publish
from shop.ledger.errors import (
    AlreadyDecided,
    FiguresMoved,
    MonthsOpen,
    NoReason,
    NoSuchRun,
    NothingToDivide,
    NotInThisState,
    PeriodNotOver,
    SamePerson,
    SheetReplaced,
    StartsTooEarly,
)
from shop.ledger.models import RuleDecision
from shop.reports.dividend_pages import computable, get_rule, get_statement, read_behind, rule_rows, run_rows, try_rule
from shop.web.cooperative.dividends import receipt_link
from shop.web.cooperative.fields import is_key
from shop.web.current import needs, somebody
from shop.web.dividend_words import STATE_WORDS, hand_out, lines_csv, statement_csv
from shop.web.errors import go
from shop.web.filters import day
from shop.web.typed import clean

blueprint = Blueprint("dividends", __name__, url_prefix="/dividends")

_LONGEST_REASON = 120
_CHOICE = re.compile(r"([0-9]{1,18}):([0-9]{4}-[0-9]{2}-[0-9]{2})")


@blueprint.get("/")
@needs(Permission.READ_DIVIDENDS)
def index() -> str:
    """Rules that wait, what can be computed, and every run by where it stands."""
    return _list_page()


def _list_page(error: str = "") -> str:
    runs = run_rows()
    chosen = request.args.get("state", "")
    states = {state: sum(run.state is state for run in runs) for state in RunState}
    return render_template(
        "staff/dividends/index.html",
        rules=rule_rows(None),
        choices=computable(today=business_day(utc_now())),
        runs=[run for run in runs if not chosen or run.state == chosen],
        states=states,
        chosen=chosen if chosen in STATE_WORDS else "",
        count=len(runs),
        once=new_key(),
        error=error,
    )


@blueprint.post("/compute")
@needs(Permission.DIVIDE)
def compute_sheet() -> Response | tuple[str, int]:
    """Compute the runs of a cooperative up to the end of a month."""
    chosen, once = _CHOICE.fullmatch(request.form.get("choice", "")), request.form.get("once", "")
    if chosen is None or not is_key(once):
        return _list_page(gettext("选一家合作社和核算到哪个月。")), 422
    try:
        last_day = date.fromisoformat(chosen[2])
        sheet_id = compute(CooperativeId(int(chosen[1])), last_day, by=somebody().user_id, once=f"form:{once}", now=utc_now())
    except (PeriodNotOver, ValueError):
        return _list_page(gettext("这个月还没有过完，或者已经核算批准过。")), 422
    except NothingToDivide:
        return _list_page(gettext("这段日子没有规则，或者没有记到村的钱、成本和结转。")), 422
    flash(gettext("算好了，等第二个人批准。"), "success")
    return go("staff.dividends.sheet", sheet_id=sheet_id)


# ── A rule ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/rules/<int(max=9223372036854775807):rule_id>")
@needs(Permission.READ_DIVIDENDS)
def rule(rule_id: int) -> str:
    """One version with its resolution, tried on last year's figures."""
    return _rule_page(rule_id)


@blueprint.post("/rules/<int(max=9223372036854775807):rule_id>")
@needs(Permission.DIVIDE)
def decide(rule_id: int) -> Response | tuple[str, int]:
    """Approve it, or refuse it with a reason."""
    found = get_rule(RuleId(rule_id), None)
    decision = RuleDecision.APPROVED if request.form.get("do") == "approve" else RuleDecision.REFUSED
    reason = clean(request.form.get("reason"), most=_LONGEST_REASON)
    try:
        decide_rule(found.id, decision, reason=reason, by=somebody().user_id, now=utc_now())
    except NoReason:
        return _rule_page(rule_id, gettext("不批要写一句为什么，合作社才知道改什么。")), 422
    except SamePerson:
        flash(gettext("这条规则是你提交的，要由另一个人批。"), "error")
    except AlreadyDecided:
        flash(gettext("刚才已经有人定了，没有再记。"), "warning")
    except StartsTooEarly as refusal:
        flash(gettext("批不了：%(day)s 以前已经有规则或已经核算。请合作社换个日子重新提交。", day=day(refusal.earliest)), "error")
    else:
        flash(gettext("批准了。") if decision is RuleDecision.APPROVED else gettext("没有批准，原因记下了。"), "success")
    return go("staff.dividends.rule", rule_id=rule_id)


def _rule_page(rule_id: int, error: str = "") -> str:
    found = get_rule(RuleId(rule_id), None)
    trial = try_rule(found.cooperative_id, found.base, found.buckets, today=business_day(utc_now()))
    return render_template("staff/dividends/rule.html", rule=found, trial=trial, error=error)


# ── A sheet and its runs ──────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/sheets/<int(max=9223372036854775807):sheet_id>")
@needs(Permission.READ_DIVIDENDS)
def sheet(sheet_id: int) -> str:
    """All runs that were computed together, to be approved together."""
    runs = run_rows(sheet_id=SheetId(sheet_id))
    if not runs:
        raise NoSuchRun
    first, last = min(run.first_day for run in runs), max(run.last_day for run in runs)
    return render_template(
        "staff/dividends/sheet.html",
        sheet_id=sheet_id,
        runs=runs,
        first_day=first,
        last_day=last,
        months=() if runs[0].approved_at else open_months(first, last),
        is_own=runs[0].computed_by_id == somebody().user_id,
    )


@blueprint.post("/sheets/<int(max=9223372036854775807):sheet_id>/approve")
@needs(Permission.DIVIDE)
def approve_sheet(sheet_id: int) -> Response:
    """The second person's word."""
    try:
        approve(SheetId(sheet_id), by=somebody().user_id, now=utc_now())
    except SamePerson:
        flash(gettext("这一次是你算的，要由另一个人批。"), "error")
    except AlreadyDecided:
        flash(gettext("刚才已经有人批准了，没有再记。"), "warning")
    except MonthsOpen as refusal:
        flash(gettext("%(months)s 还没有关账，关了才能批：关账以后数字不再变。", months=gettext("、").join(refusal.months)), "error")
    except FiguresMoved:
        flash(gettext("算完以后又有新的记账，数字变了。请重新算一次。"), "error")
    except SheetReplaced:
        flash(gettext("后来又算过一次，这一份作废了。"), "error")
        return go("staff.dividends.index")
    else:
        flash(gettext("批准了。合作社看得到要付多少了。"), "success")
    return go("staff.dividends.sheet", sheet_id=sheet_id)


@blueprint.get("/runs/<int(max=9223372036854775807):run_id>")
@needs(Permission.READ_DIVIDENDS)
def show(run_id: int) -> str | Response:
    """The statement of one village."""
    statement = get_statement(RunId(run_id))
    if request.args.get("format") == "csv":
        return statement_csv(statement, is_public=False)
    return render_template(
        "staff/dividends/show.html",
        statement=statement,
        can_publish=statement.run.state in (RunState.CONFIRMED, RunState.NOTHING_DUE),
        link=receipt_link(statement.payment) if statement.payment else "",
    )


@blueprint.post("/runs/<int(max=9223372036854775807):run_id>/publish")
@needs(Permission.DIVIDE)
def publish_run(run_id: int) -> Response:
    """Make it public."""
    statement = get_statement(RunId(run_id))
    try:
        publish(statement.run.id, by=somebody().user_id, now=utc_now())
    except NotInThisState:
        flash(gettext("还不能公示：付了款、村里确认了才行。"), "warning")
    else:
        flash(gettext("公示了，村的页面上看得到。"), "success")
    return go("staff.dividends.show", run_id=run_id)


@blueprint.get("/runs/<int(max=9223372036854775807):run_id>/<part>")
@needs(Permission.READ_DIVIDENDS)
def lines(run_id: int, part: str) -> str | Response:
    """What a figure of the statement was added up from."""
    statement = get_statement(RunId(run_id))
    is_file = request.args.get("format") == "csv"
    behind = read_behind(statement.run, part, page=None if is_file else request.args.get("page", 1, type=int))
    if is_file:
        return lines_csv(statement, behind)
    return render_template("staff/dividends/lines.html", statement=statement, behind=behind)


@blueprint.get("/papers/<int(max=9223372036854775807):paper_id>")
@needs(Permission.READ_DIVIDENDS)
def paper(paper_id: int) -> Response:
    """A paper of a cost, a rule or a payment."""
    return hand_out(paper_id, None)
