"""What the desk's piles are called, what each says, and where one works through it."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext, ngettext

from shop.accounts.roles import Permission
from shop.reports.desk_piles import Pile, PileKind
from shop.web.current import somebody
from shop.web.filters import short_day


@dataclass(frozen=True)
class ShownPile:
    """One pile in words."""

    badge: str
    title: str
    note: str
    href: str
    action: str


def shown_pile(pile: Pile) -> ShownPile:
    """A pile as the desk says it."""
    count, since = pile.count, short_day(pile.since) if pile.since else ""
    if pile.kind is PileKind.FAPIAO:
        return ShownPile(
            gettext("要发票"),
            ngettext("%(num)s 单付了款，等开发票", "%(num)s 单付了款，等开发票", count),
            gettext("开好了写上号码，买家会收到通知。"),
            url_for("staff.fapiao.index") if somebody().may(Permission.READ_FAPIAO) else url_for("staff.orders.index", fapiao="asked"),
            gettext("去开"),
        )
    if pile.kind is PileKind.RED:
        return ShownPile(
            gettext("红字"),
            ngettext("%(num)s 张发票退过款，要开红字", "%(num)s 张发票退过款，要开红字", count),
            gettext("开过发票以后退了钱的。"),
            url_for("staff.fapiao.index", pile="red")
            if somebody().may(Permission.READ_FAPIAO)
            else url_for("staff.orders.index", fapiao="issued"),
            gettext("去开"),
        )
    if pile.kind is PileKind.VOUCHERS:
        return ShownPile(
            gettext("优惠码"),
            ngettext("%(num)s 个优惠码快到期，或已经用完", "%(num)s 个优惠码快到期，或已经用完", count),
            gettext("最早的 %(day)s 到期。要接着办，就另做一个。", day=since),
            url_for("staff.vouchers.index") if somebody().may(Permission.READ_VOUCHERS) else url_for("staff.orders.index"),
            gettext("看优惠码"),
        )
    if pile.kind is PileKind.CLAIMS:
        return ShownPile(
            gettext("退换"),
            ngettext("%(num)s 个取消、退货的申请等我们", "%(num)s 个取消、退货的申请等我们", count),
            gettext("最早的 %(day)s 提的。合作社三天里答复。", day=since),
            url_for("staff.claims.index"),
            gettext("去看"),
        )
    if pile.kind is PileKind.LATE_CLAIMS:
        return ShownPile(
            gettext("退换"),
            ngettext("%(num)s 个取消、退货的申请等得太久了", "%(num)s 个取消、退货的申请等得太久了", count),
            gettext("没有答复，或者没有收货、退款。催合作社，或者替它办。"),
            url_for("staff.claims.index"),
            gettext("去办"),
        )
    if pile.kind is PileKind.REVIEWS:
        return ShownPile(
            gettext("买家的话"),
            ngettext("%(num)s 条评价等着看", "%(num)s 条评价等着看", count),
            gettext("最早的 %(day)s 写的。看过才给大家看。", day=since),
            url_for("staff.reviews.index") if somebody().may(Permission.MODERATE) else url_for("staff.orders.index"),
            gettext("去看"),
        )
    if pile.kind is PileKind.PERMITS:
        return ShownPile(
            gettext("证照"),
            ngettext("合作社的 %(num)s 张证照快到期或过期了", "合作社的 %(num)s 张证照快到期或过期了", count),
            gettext("最早的 %(day)s 到期。请合作社换了新的交来。", day=since),
            url_for("staff.places.index") if somebody().may(Permission.GOODS) else url_for("staff.orders.index"),
            gettext("看证照"),
        )
    if pile.kind is PileKind.PRODUCTS:
        return ShownPile(
            gettext("商品"),
            ngettext("%(num)s 样商品等着定", "%(num)s 样商品等着定", count),
            gettext("最早的 %(day)s 提交。另一个人同意才能上架。", day=since),
            url_for("staff.approvals.index"),
            gettext("去定"),
        )
    return ShownPile(
        gettext("没关账"),
        ngettext("%(num)s 个月过完了，还没有关账", "%(num)s 个月过完了，还没有关账", count),
        gettext("从 %(month)s 起。关了账，数字不再变，分红才能批。", month=f"{pile.since:%Y-%m}"),
        url_for("staff.months.index"),
        gettext("去关账"),
    )
