"""How a cooperative's pages speak of stock: how old a figure is and whose, what changed it, when somebody should look.

Law: words only; whatever a sentence says stands in the row it is given.
"""

from datetime import date, datetime, timedelta

from flask_babel import gettext, lazy_gettext, ngettext

from shop.kit.clock import SHANGHAI, business_day
from shop.kit.ids import UserId
from shop.reports.cooperative_pages import MovementRow, StockRow
from shop.stock.models import MovementKind
from shop.stock.service import Reason
from shop.web.filters import chinese, filled, short_day

WRITE_OFF_WORDS = {
    Reason.DAMAGED.value: lazy_gettext("破损"),
    Reason.SPOILT.value: lazy_gettext("变质"),
    Reason.SAMPLED.value: lazy_gettext("送检、试吃"),
    Reason.LOST.value: lazy_gettext("丢失"),
    Reason.DESTROYED.value: lazy_gettext("销毁"),
}
"""Why units are written off."""
_JUST_NOW = timedelta(minutes=1)
_MINUTES = timedelta(hours=1)
_NOON = 12
_MOST_DAYS = 30


def ago(when: datetime, now: datetime) -> str:
    """How long ago, as people say it: `3 分钟前`, `今早 7:20`, `昨天 14:05`, `9 天前`, `10 月 9 日`."""
    local = when.astimezone(SHANGHAI)
    clock = f"{local.hour}:{local.minute:02d}"
    days = (business_day(now) - business_day(when)).days
    if now - when < _JUST_NOW:
        return str(gettext("刚刚"))
    if now - when < _MINUTES:
        return str(gettext("%(minutes)s 分钟前", minutes=int((now - when).total_seconds() // 60)))
    if days == 0:
        return str(gettext("今早 %(clock)s", clock=clock) if local.hour < _NOON else gettext("今天 %(clock)s", clock=clock))
    if days == 1:
        return str(gettext("昨天 %(clock)s", clock=clock))
    return str(gettext("%(days)s 天前", days=days)) if days <= _MOST_DAYS else short_day(when)


def by_whom(by_id: UserId | None, by: str | None, me: UserId) -> str:
    """Who it was: yourself, a name, or nobody by name."""
    if by_id is None:
        return str(gettext("系统"))
    if by_id == me:
        return str(gettext("你"))
    return by or str(gettext("有人"))


def age(row: StockRow, now: datetime, me: UserId) -> str:
    """How old a row's figure is: `今早 7:20，小吴点的`."""
    if row.touched_at is None or row.touched_kind is None:
        return str(gettext("还没点过"))
    when, who = ago(row.touched_at, now), by_whom(row.touched_by_id, row.touched_by, me)
    if row.touched_kind is MovementKind.PACKED:
        return filled(gettext("%(when)s，%(who)s装的"), when=when, who=chinese(who))
    if row.touched_kind is MovementKind.WRITTEN_OFF:
        return filled(gettext("%(when)s，%(who)s记的破损"), when=when, who=chinese(who))
    return filled(gettext("%(when)s，%(who)s点的"), when=when, who=chinese(who))


def attention(row: StockRow, now: datetime) -> str:
    """What somebody should see about a row before its age; nothing when all is well."""
    today = business_day(now)
    days = row.days_left(today)
    if row.recalled_at is not None:
        return str(gettext("已召回，不再卖"))
    if row.is_expired(today):
        return str(ngettext("过期 %(num)s 天，已自动下架", "过期 %(num)s 天，已自动下架", -days))
    if row.is_near_expiry(today):
        if days == 0:
            return str(gettext("今天到期，明天自动下架"))
        return str(ngettext("剩 %(num)s 天到期，到期自动下架", "剩 %(num)s 天到期，到期自动下架", days))
    if row.is_long_uncounted(now):
        counted = row.uncounted_days(now)
        if counted is None:
            return str(gettext("装好还没点过，请点一次数"))
        return str(gettext("%(days)s 天没点过，请点一次数", days=counted))
    return ""


def attention_state(row: StockRow, now: datetime) -> str:
    """The colour of that: 'low' for goods that are or will soon be off the shelf, 'old' for a figure that is."""
    today = business_day(now)
    if row.recalled_at is not None or row.is_expired(today) or row.is_near_expiry(today):
        return "low"
    return "old" if row.is_long_uncounted(now) else ""


def what_happened(movement: MovementRow) -> str:
    """A movement in words: `新装袋`, `破损`, `订单 SH-… 占用`."""
    order = movement.order_number
    words = {
        MovementKind.PACKED: gettext("新装袋"),
        MovementKind.RECOUNTED: gettext("点数"),
        MovementKind.WRITTEN_OFF: str(WRITE_OFF_WORDS.get(movement.reason, gettext("破损"))),
        MovementKind.HELD: gettext("订单 %(number)s 占用", number=order) if order else gettext("占用"),
        MovementKind.RELEASED: gettext("订单 %(number)s 没付款，放回", number=order) if order else gettext("放回"),
        MovementKind.SOLD: gettext("订单 %(number)s 卖出", number=order) if order else gettext("卖出"),
        MovementKind.RETURNED: gettext("订单 %(number)s 退回，再卖", number=order) if order else gettext("退回，再卖"),
        MovementKind.RETURNED_SPOILT: gettext("订单 %(number)s 退款，不再卖", number=order) if order else gettext("退款，不再卖"),
    }
    return str(words[movement.kind])


def whose(movement: MovementRow, me: UserId) -> str:
    """Who caused a movement: a buyer's order has no hand of ours in it."""
    if movement.by_id is None and movement.kind in (MovementKind.HELD, MovementKind.SOLD):
        return str(gettext("买家"))
    return by_whom(movement.by_id, movement.by, me)


def why(movement: MovementRow) -> str:
    """The reason behind it, where it says more than the kind does."""
    if movement.kind is MovementKind.RECOUNTED:
        if movement.packed_change == movement.written_off_change == 0:
            return str(gettext("点过，一样"))
        known = {Reason.PACKED: gettext("新装袋"), Reason.RECOUNTED: gettext("点数更正"), Reason.DAMAGED: gettext("破损")}
        return str(known[Reason(movement.reason)]) if movement.reason in set(Reason) else movement.reason
    return "" if movement.reason in set(Reason) else movement.reason


def signed(change: int) -> str:
    """`+10`, `−5`, `0`, with a true minus sign."""
    return f"+{change}" if change > 0 else f"\N{MINUS SIGN}{-change}" if change < 0 else "0"


def weekday(day: date) -> str:
    """`星期一`, in English `Monday`."""
    names = (
        gettext("星期一"),
        gettext("星期二"),
        gettext("星期三"),
        gettext("星期四"),
        gettext("星期五"),
        gettext("星期六"),
        gettext("星期日"),
    )
    return str(names[day.weekday()])
