"""Requests for fapiao: those to be issued, those whose money went back, all of them; what was done is written down here."""

import re

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import FapiaoId
from shop.kit.text import fold
from shop.papers import fapiao as papers
from shop.papers.fapiao import AlreadyDecided, BeforeIssue, NoSuchFapiao, NothingRed
from shop.reports.fapiao import FapiaoStory, Pile, find_request, list_fapiao
from shop.web.cooperative.fields import DayField
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.storefront.addresses import page_asked
from shop.web.typed import clean

blueprint = Blueprint("fapiao", __name__, url_prefix="/fapiao")

_ID = "int(max=9223372036854775807)"
_NUMBER = re.compile(r"[0-9A-Z]{8,30}", re.ASCII)


@blueprint.get("/")
@needs(Permission.READ_FAPIAO)
def index() -> str:
    """The pile that was asked for."""
    return _page()


@blueprint.post(f"/<{_ID}:fapiao_id>/issued")
@needs(Permission.FAPIAO)
def issued(fapiao_id: int) -> Response | tuple[str, int]:
    """It was issued under this number on this day."""
    story, wrong = _story(fapiao_id), _Typed()
    if wrong.errors:
        return _page(fapiao_id, wrong), 422
    try:
        if not story.is_waiting:
            raise AlreadyDecided
        papers.issue(
            story.id,
            number=wrong.number,
            amount_fen=story.net_paid_fen,
            issued_on=wrong.on,
            today=business_day(utc_now()),
            by=somebody().user_id,
            now=utc_now(),
        )
        flash(
            gettext("记下了：%(sum)s，%(number)s。买家在订单页看得到。", sum=yuan_sign(story.net_paid_fen), number=wrong.number), "success"
        )
    except AlreadyDecided:
        flash(gettext("这一张刚才已经处理过了。"), "warning")
    except BeforeIssue:
        wrong.errors["on"] = gettext("不能是以后的日子。")
        return _page(fapiao_id, wrong), 422
    return go("staff.fapiao.index", pile=_pile())


@blueprint.post(f"/<{_ID}:fapiao_id>/refused")
@needs(Permission.FAPIAO)
def refused(fapiao_id: int) -> Response | tuple[str, int]:
    """It is not issued, and why."""
    story = _story(fapiao_id)
    why = clean(request.form.get("why"), most=120)
    if not why:
        wrong = _Typed()
        wrong.errors = {"why": gettext("写一句为什么，买家会看到。")}
        return _page(fapiao_id, wrong), 422
    try:
        papers.refuse(story.id, why=why, by=somebody().user_id, now=utc_now())
        flash(gettext("记下了，买家在订单页看得到原因，可以改了再要。"), "success")
    except AlreadyDecided:
        flash(gettext("这一张刚才已经处理过了。"), "warning")
    return go("staff.fapiao.index", pile=_pile())


@blueprint.post(f"/<{_ID}:fapiao_id>/red")
@needs(Permission.FAPIAO)
def red(fapiao_id: int) -> Response | tuple[str, int]:
    """A red-letter fapiao was issued for what went back since."""
    story, wrong = _story(fapiao_id), _Typed()
    if wrong.errors:
        return _page(fapiao_id, wrong), 422
    today, now = business_day(utc_now()), utc_now()
    try:
        papers.take_back(story.id, due_fen=story.red_due_fen, number=wrong.number, on=wrong.on, today=today, by=somebody().user_id, now=now)
        flash(gettext("记下了：红字 %(sum)s，%(number)s。", sum=yuan_sign(story.red_due_fen), number=wrong.number), "success")
    except NothingRed:
        flash(gettext("没有要冲的：没有退过款，或者已经冲过了。"), "warning")
    except BeforeIssue:
        wrong.errors["on"] = gettext("要在原来那张之后，不能是以后的日子。")
        return _page(fapiao_id, wrong), 422
    return go("staff.fapiao.index", pile=_pile())


class _Typed:
    """A number and a day as they were typed, and what is wrong with them."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}
        self.number = re.sub(r"[\s\-]+", "", fold(request.form.get("number", ""))).upper()
        self.on = business_day(utc_now())
        self.typed = dict(request.form.items())
        if not _NUMBER.fullmatch(self.number):
            self.errors["number"] = gettext("写发票号码：数电票是 20 位数字。")
        try:
            self.on = DayField.read_day(request.form.get("on", ""))
        except ValueError as error:
            self.errors["on"] = str(error)


def _story(fapiao_id: int) -> FapiaoStory:
    story = find_request(FapiaoId(fapiao_id))
    if story is None:
        raise NoSuchFapiao
    return story


def _pile() -> Pile:
    return next((pile for pile in Pile if pile == request.values.get("pile")), Pile.WAITING)


def _page(wrong_id: int = 0, wrong: _Typed | None = None) -> str:
    pile = _pile()
    return render_template(
        "staff/fapiao/index.html",
        pile=pile,
        found=list_fapiao(pile, page=page_asked()),
        today=business_day(utc_now()),
        may=somebody().may(Permission.FAPIAO),
        wrong_id=wrong_id,
        errors=wrong.errors if wrong else {},
        typed=wrong.typed if wrong else {},
    )
