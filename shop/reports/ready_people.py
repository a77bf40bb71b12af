"""Ready-made reports of those who sell, buy and are paired: a cooperative's scorecard, the pairings, the buyers' regions."""

from datetime import datetime, timedelta

from flask_babel import gettext
from sqlalchemy import select

from shop.extensions import db
from shop.kit.errors import NotFound
from shop.kit.workbooks import Cell, Kind
from shop.orders.models import Order
from shop.origin.models import Cooperative, EasternUnit, Pairing, Town, Village
from shop.reports.dimensions import DIMENSIONS, NONE
from shop.reports.documents import Column, Document, Line, Part, days_fact, measure_cells, measure_columns, said, sales_part
from shop.reports.pairing_pages import kind_words, targets_of
from shop.reports.periods import Period, period_before
from shop.reports.sales import NO_SALES, Measures, sales
from shop.shipping.models import Shipment

QUICK = timedelta(hours=48)
"""Sent within so long after payment is in time."""


# ── A cooperative ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read_scorecard(period: Period, subject: str, now: datetime) -> Document:
    """What a cooperative sold beside the period before, of which villages and products, and how quickly it sent. Raises NotFound, ValueError."""
    key = DIMENSIONS["cooperative"].key_of(subject)
    row = db.session.execute(select(Cooperative.name, Cooperative.name_en, Cooperative.slug).where(Cooperative.id == key)).one_or_none()
    if row is None:
        raise NotFound
    only, was = {"cooperative": subject}, period_before(period)
    here = sales([], period.since, period.until, only=only, with_counts=True)
    before = sales([], was.since, was.until, only=only, with_counts=True)
    name = said(row.name, row.name_en)
    assert here.counts and before.counts
    points = [
        (gettext("净额（元）"), Kind.MONEY, here.total.net_fen, before.total.net_fen),
        (gettext("销售额（元）"), Kind.MONEY, here.total.gross_fen, before.total.gross_fen),
        (gettext("退款（元）"), Kind.MONEY, here.total.refunds_fen, before.total.refunds_fen),
        (gettext("退款占销售额"), Kind.SHARE, _share(here.total), _share(before.total)),
        (gettext("订单"), Kind.COUNT, here.counts.orders, before.counts.orders),
        (gettext("买家"), Kind.COUNT, here.counts.buyers, before.counts.buyers),
        (gettext("重量（kg）"), Kind.WEIGHT, here.total.weight_grams, before.total.weight_grams),
        *_sending(int(str(key)), period, was),
    ]
    parts = [
        Part(
            "points",
            gettext("要点"),
            (
                Column("point", gettext("项")),
                Column("now", gettext("本期")),
                Column("before", gettext("上一期（%(since)s 至 %(until)s）", since=was.since, until=was.until)),
            ),
            tuple(Line((words, _drawn(kind, now_), _drawn(kind, then))) for words, kind, now_, then in points),
            note=gettext("发货按付款到交给承运方算，48 小时以内算及时；还没发的不算。"),
        ),
        *(
            sales_part(by, title, sales([by], period.since, period.until, only=only), held=only)
            for by, title in (("village", gettext("各村")), ("product", gettext("各商品")), ("month", gettext("逐月")))
        ),
    ]
    return Document(
        name=f"cooperative-{row.slug}",
        title=gettext("%(name)s成绩单", name=name),
        period=period,
        facts=((gettext("合作社"), name), days_fact(period)),
        parts=tuple(parts),
        made_at=now,
        is_upright=True,
    )


def _share(measures: Measures) -> int | None:
    return (measures.refunds_fen * 20_000 + measures.gross_fen) // (2 * measures.gross_fen) if measures.gross_fen else None


def _drawn(kind: Kind, figure: int | None) -> str:
    """A figure in a column that holds several kinds of them."""
    if figure is None:
        return "—"
    if kind is Kind.MONEY:
        return f"{figure / 100:,.2f}"
    if kind is Kind.WEIGHT:
        return f"{figure / 1000:,.3f}".rstrip("0").rstrip(".")
    return f"{figure / 100:.1f}%" if kind is Kind.SHARE else f"{figure:,}"


def _sending(cooperative_id: int, period: Period, was: Period) -> list[tuple[str, Kind, int | None, int | None]]:
    """Parcels sent of orders sold in each period, and how many of them in time."""
    figures: list[tuple[int, int | None]] = []
    for days in (period, was):
        query = (
            select(Order.paid_at, Shipment.shipped_at)
            .join(Order, Order.id == Shipment.order_id)
            .where(
                Shipment.cooperative_id == cooperative_id,
                Shipment.shipped_at.is_not(None),
                Order.paid_at.is_not(None),
                Order.sold_on.between(days.since, days.until),
            )
        )
        took = [sent - paid for paid, sent in db.session.execute(query) if paid and sent]
        in_time = sum(time <= QUICK for time in took)
        figures.append((len(took), in_time * 10_000 // len(took) if took else None))
    (sent, share), (sent_before, share_before) = figures
    return [
        (gettext("发出的包裹"), Kind.COUNT, sent, sent_before),
        (gettext("48 小时内发出"), Kind.SHARE, share, share_before),
    ]


# ── Pairings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_pairings(period: Period, subject: str, now: datetime) -> Document:
    """Each pairing with what was credited to it, nothing too; and each eastern unit × each western village that bought and sold."""
    assert not subject
    by_pairing = {row.keys[0]: row.measures for row in sales(["pairing"], period.since, period.until).rows}
    matrix = sales(["eastern_unit", "village"], period.since, period.until, only={})
    kinds = kind_words()
    is_of_a_year = period.since.year == period.until.year
    targets = targets_of(period.since.year) if is_of_a_year else {}
    query = (
        select(
            Pairing.id, EasternUnit.name, Pairing.western_name, Pairing.kind, Pairing.is_confirmed,
            Pairing.valid_from, Pairing.valid_until, Town.short_name.label("town"),
        )
        .join(EasternUnit, EasternUnit.id == Pairing.unit_id)
        .outerjoin(Village, Village.id == Pairing.village_id)
        .outerjoin(Town, Town.id == Village.town_id)
        .order_by(EasternUnit.name, Pairing.western_name, Pairing.id)
    )  # fmt: skip
    lines = []
    for row in db.session.execute(query):
        done = by_pairing.get(str(row.id), NO_SALES)
        cells: tuple[Cell, ...] = (
            row.name,
            row.western_name,
            kinds[row.kind],
            gettext("已确认") if row.is_confirmed else gettext("待确认"),
            row.valid_from,
            row.valid_until,
            *_aim(targets.get(row.id), done),
            *measure_cells(done),
        )
        lines.append(Line(cells, {"pairing": str(row.id)}))
    columns = (
        Column("eastern_unit", gettext("东部单位")),
        Column("western", gettext("西部结对方")),
        Column("kind", gettext("结对类型"), means=gettext("七种：部门、产业、镇、村、家庭、村企、社会力量。")),
        Column("confirmed", gettext("依据"), means=gettext("有出处的写“已确认”。")),
        Column("valid_from", gettext("起"), Kind.DAY),
        Column("valid_until", gettext("止"), Kind.DAY),
        Column("target_fen", gettext("当年目标（元）"), Kind.MONEY, gettext("期间在一个自然年里才有；没有定目标的空着。")),
        Column("target_share", gettext("完成"), Kind.SHARE, gettext("期间里的净额，占全年目标的多少。")),
        *measure_columns(),
    )
    none = by_pairing.get(NONE)
    if none:
        lines.append(Line((gettext("（没有结对）"), None, None, None, None, None, None, None, *measure_cells(none)), {"pairing": NONE}))
    everything = sales([], period.since, period.until).total
    aimed = sum(targets.values()) or None
    total = Line((gettext("合计"), None, None, None, None, None, aimed, None, *measure_cells(everything)), {})
    pairs = Part(
        "pairing", gettext("结对"), columns, tuple(lines), total, gettext("买家下单时选了单位，货又来自这个单位结对的村或镇，才记到结对。")
    )
    return Document(
        name="pairings",
        title=gettext("结对帮扶表"),
        period=period,
        facts=(days_fact(period), (gettext("范围"), gettext("线上和线下的销售都在内"))),
        parts=(pairs, sales_part("unit_village", gettext("东部单位 × 西部村"), matrix)),
        made_at=now,
    )


def _aim(target_fen: int | None, done: Measures) -> tuple[Cell, Cell]:
    return (target_fen, max(0, done.net_fen) * 10_000 // target_fen) if target_fen else (None, None)


# ── Buyers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_buyer_regions(period: Period, subject: str, now: datetime) -> Document:
    """By province, by city, by district."""
    assert not subject
    parts = [
        sales_part(by[-1], title, sales(by, period.since, period.until))
        for by, title in (
            (["province"], gettext("省份")),
            (["province", "city"], gettext("城市")),
            (["city", "district"], gettext("区县")),
        )
    ]
    return Document(
        name="buyer-regions",
        title=gettext("买家地区表"),
        period=period,
        facts=(days_fact(period),),
        parts=tuple(parts),
        made_at=now,
        notes=(gettext("按收货地址；线下销售按填写的地区，没有填的写“（没有）”。"),),
    )
