"""Calling a lot back: the same pages for a cooperative, for lots of its own, and for staff, for any. What it would do is shown before it is done.

An audience's `recalls` module makes a blueprint and asks for these addresses on it, with the permission they need and whose lots they show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, render_template
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.recall_lot import RecalledAlready, recall_lot
from shop.kit.clock import utc_now
from shop.kit.ids import CooperativeId, new_key
from shop.reports.cooperative_pages import own_cooperatives
from shop.reports.recall_page import BUYERS_SHOWN, RecallPage, recall_page
from shop.stock.models import RecallKind
from shop.web.cooperative.fields import is_key, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.storefront.addresses import code_in
from shop.web.typed import clean

RECALL_KINDS = {
    RecallKind.UNSAFE: lazy_gettext("可能吃了不安全"),
    RecallKind.SPOILT: lazy_gettext("变质、发霉、生虫"),
    RecallKind.LABEL: lazy_gettext("标签写错了"),
    RecallKind.OTHER: lazy_gettext("别的原因"),
}
LONGEST_WORDS = 200


@dataclass(frozen=True)
class RecallDesk:
    """Whose lots are called back, and at which addresses."""

    audience: str
    """`cooperative` or `staff`: its templates and endpoints."""
    permission: Permission
    scope: Callable[[], Sequence[CooperativeId] | None]
    """The cooperatives whose lots are shown; None for all."""


class RecallForm(Form):
    """What is wrong, in words for buyers, and that it is meant."""

    kind = RadioField(
        lazy_gettext("出了什么问题"),
        choices=[SelectChoice(kind.value, words) for kind, words in RECALL_KINDS.items()],
        validate_choice=False,
    )
    words = StringField(lazy_gettext("写给买家的话"))
    is_sure = BooleanField(lazy_gettext("我确定要召回；召回以后不能撤"))
    once = HiddenField()

    def validate(self, extra_validators: object = None) -> bool:
        """All of it."""
        is_good = bool(super().validate(extra_validators))
        self.words.data = clean(self.words.data, most=LONGEST_WORDS)
        if self.kind.data not in set(RecallKind):
            refuse(self.kind, gettext("选一样。"))
        if not self.words.data:
            refuse(self.words, gettext("写一句出了什么问题、怎么办，买家和大家都看得到。"))
        if not self.is_sure.data:
            refuse(self.is_sure, gettext("看过下面会发生什么，再勾上。"))
        if not is_key(self.once.data):
            refuse(self.words, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not any(field.errors for field in self)


def add_recall_pages(blueprint: Blueprint, desk: RecallDesk, at: str) -> None:
    """`<at>` shows what a recall would do, or has done; sending its form does it."""

    def draw(page: RecallPage, form: RecallForm) -> str:
        ids = desk.scope()
        house = {} if ids is None else {"cooperatives": own_cooperatives(ids)}
        return render_template(
            f"{desk.audience}/recalls/show.html",
            page=page,
            form=form,
            where=f"{desk.audience}.recalls",
            is_staff=ids is None,
            kinds=RECALL_KINDS,
            most=BUYERS_SHOWN,
            **house,
        )

    @blueprint.get(at)
    @needs(desk.permission)
    def show(code: str) -> str:
        """What is blocked, who bought of it, which letters go out."""
        form = RecallForm(formdata=None)
        form.once.data = new_key()
        return draw(recall_page(code_in(code), desk.scope()), form)

    @blueprint.post(at)
    @needs(desk.permission)
    def recall(code: str) -> Response | tuple[str, int]:
        """Call it back."""
        page, form = recall_page(code_in(code), desk.scope()), RecallForm()
        if not form.validate_on_submit():
            return draw(page, form), 422
        try:
            recall_lot(
                page.lot_id,
                RecallKind(form.kind.data),
                words=str(form.words.data),
                by=somebody().user_id,
                by_staff=desk.scope() is None,
                once=str(form.once.data),
                now=utc_now(),
            )
        except RecalledAlready:
            flash(gettext("这一批刚才已经召回了。"), "info")
        else:
            flash(gettext("召回了：%(code)s 已经停卖，信在寄出。", code=page.code), "success")
        return go(f"{desk.audience}.recalls.show", code=page.code)
