"""Ready-made reports of goods: their season, what came back and why, what is accredited, and what may not be sold in time."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from flask_babel import gettext
from sqlalchemy import func, select

from shop.catalog.models import Product, Sku
from shop.extensions import db
from shop.kit.clock import business_day
from shop.kit.workbooks import Cell, Kind
from shop.ledger.models import Attribution
from shop.orders.models import Return
from shop.origin.models import Cooperative
from shop.papers.models import Accreditation
from shop.reports.documents import Column, Document, Line, Part, days_fact, name_of, said, sales_part
from shop.reports.periods import Period
from shop.reports.sales import Figure, sales
from shop.stock.models import Lot, Pick, PickState, StockItem

LOOKED_BACK = timedelta(days=28)
"""How lately a lot's pack was sold says how quickly it will be."""
SOON = 30
"""A lot so near its last day is named even if it sells."""


# ── Season ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_season(period: Period, subject: str, now: datetime) -> Document:
    """Products by month, net; the best month of each."""
    assert not subject
    report = sales(["product", "month"], period.since, period.until)
    months = [f"{period.since:%Y}-{number:02d}" for number in range(1, period.until.month + 1)]
    nets: dict[str, dict[str, int]] = {}
    names: dict[str, str] = {}
    for row in report.rows:
        product, month = row.labels
        nets.setdefault(product.key, {})[month.key] = row.measures.net_fen
        names[product.key] = name_of(product)
    lines = []
    for key in sorted(nets, key=lambda key: -sum(nets[key].values())):
        of_months = [nets[key].get(month, 0) for month in months]
        best = months[max(range(len(months)), key=lambda place: of_months[place])] if any(fen > 0 for fen in of_months) else None
        lines.append(Line((names[key], best, *of_months, sum(of_months)), {"product": key}))
    columns = (
        Column("product", gettext("商品")),
        Column("best", gettext("最旺的月"), means=gettext("净额最多的月。")),
        *(Column(month, month[5:] + gettext("月"), Kind.MONEY, gettext("这个月的净额（元）。")) for month in months),
        Column("net_fen", gettext("净额（元）"), Kind.MONEY, gettext("销售额减退款。"), Figure.NET),
    )
    sums = [sum(of.get(month, 0) for of in nets.values()) for month in months]
    total = Line((gettext("合计"), None, *sums, report.total.net_fen), {})
    return Document(
        name="season",
        title=gettext("%(year)s 年时令表", year=f"{period.since:%Y}"),
        period=period,
        facts=(days_fact(period),),
        parts=(Part("season", gettext("时令"), columns, tuple(lines), total),),
        made_at=now,
    )


# ── Refunds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_refunds(period: Period, subject: str, now: datetime) -> Document:
    """What came back, by reason and by product; those without a reason are from before reasons were asked, or made elsewhere."""
    assert not subject
    refunded = -func.sum(Attribution.amount_fen)
    query = (
        select(Return.reason, func.count(Return.id.distinct()), func.count(Attribution.line_id.distinct()), refunded)
        .select_from(Attribution)
        .outerjoin(Return, (Return.entry_id == Attribution.entry_id) | (Return.reversed_by_entry_id == Attribution.entry_id))
        .where(Attribution.is_refund, ~Attribution.is_correction, Attribution.business_day.between(period.since, period.until))
        .group_by(Return.reason)
        .order_by(refunded.desc())
    )
    by_product = sales(["product"], period.since, period.until)
    total_fen = by_product.total.refunds_fen
    lines: list[Line] = []
    known_fen = 0
    for reason, count, order_lines, fen in db.session.execute(query):
        known_fen += int(fen)
        words = reason or gettext("（没有写）")
        lines.append(Line((words, count, order_lines, int(fen), _bp(int(fen), total_fen))))
    if known_fen != total_fen:
        lines.append(Line((gettext("（批次更正带来的）"), None, None, total_fen - known_fen, _bp(total_fen - known_fen, total_fen))))
    reasons = Part(
        "reason",
        gettext("缘由"),
        (
            Column("reason", gettext("缘由")),
            Column("returns", gettext("退款次数"), Kind.COUNT, gettext("退过几回。")),
            Column("lines", gettext("订单行"), Kind.COUNT, gettext("涉及的订单行。")),
            Column("refunds_fen", gettext("退款（元）"), Kind.MONEY, gettext("退回的货款；退款没有退成、又记回来的不算。")),
            Column("share", gettext("占退款"), Kind.SHARE),
        ),
        tuple(lines),
        Line((gettext("合计"), None, None, total_fen, _bp(total_fen, total_fen)), {}),
    )
    return Document(
        name="refunds",
        title=gettext("退款与缘由"),
        period=period,
        facts=(
            days_fact(period),
            (gettext("退款占销售额"), _percent(_bp(total_fen, by_product.total.gross_fen))),
        ),
        parts=(
            reasons,
            sales_part("product", gettext("商品"), by_product),
            sales_part("village", gettext("村"), sales(["village"], period.since, period.until)),
        ),
        made_at=now,
    )


def _bp(part: int, whole: int) -> int | None:
    return (part * 20_000 + whole) // (2 * whole) if whole else None


def _percent(basis_points: int | None) -> str:
    return "—" if basis_points is None else f"{basis_points / 100:.1f}%"


# ── Accredited ────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_accredited(period: Period, subject: str, now: datetime) -> Document:
    """Accredited sales beside all, and accredited sales by village, product, buyer's province and month."""
    assert not subject
    only = {"accredited": "yes"}
    parts = [sales_part("accredited", gettext("认定与否"), sales(["accredited"], period.since, period.until))]
    parts += [
        sales_part(by, title, sales([by], period.since, period.until, only=only), held=only)
        for by, title in (
            ("village", gettext("认定的，按村")),
            ("product", gettext("认定的，按商品")),
            ("province", gettext("认定的，按买家省份")),
            ("channel", gettext("认定的，按渠道")),
            ("month", gettext("认定的，逐月")),
        )
    ]
    parts.append(_certificates(period))
    return Document(
        name="accredited",
        title=gettext("帮扶产品销售统计"),
        period=period,
        facts=(days_fact(period), (gettext("口径"), gettext("卖出那天在认定有效期内、并且已经登记的商品"))),
        parts=tuple(parts),
        made_at=now,
        notes=(gettext("合计里的每一分都在总账里，可以逐行打开。"),),
    )


def _certificates(period: Period) -> Part:
    """The accreditations behind them that were in force within the period."""
    query = (
        select(Product.name, Product.name_en, Accreditation.number, Accreditation.issuer, Accreditation.first_day, Accreditation.last_day)
        .join(Product, Product.id == Accreditation.product_id)
        .where(Accreditation.first_day <= period.until, Accreditation.last_day >= period.since)
        .order_by(Product.name, Accreditation.first_day)
    )
    lines = tuple(
        Line((said(row.name, row.name_en), row.number, row.issuer, row.first_day, row.last_day)) for row in db.session.execute(query)
    )
    columns = (
        Column("product", gettext("商品")),
        Column("number", gettext("认定编号")),
        Column("issuer", gettext("认定机关")),
        Column("first_day", gettext("起"), Kind.DAY),
        Column("last_day", gettext("止"), Kind.DAY),
    )
    return Part("certificates", gettext("认定"), columns, lines)


# ── Stock at risk ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read_stock_at_risk(period: Period, subject: str, now: datetime) -> Document:
    """Lots with free units that, sold as in the last four weeks and the earliest first, will not be gone by their last day; and those near it."""
    assert not subject
    today = business_day(now)
    rates = _sold_lately(today)
    free = StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off
    query = (
        select(
            Lot.code, Lot.best_before, Product.name, Product.name_en, Sku.id.label("sku_id"), Sku.pack, Sku.pack_en, Sku.price_fen,
            Sku.packed_grams, Cooperative.short_name, Cooperative.name_en.label("cooperative_en"), free.label("free"),
        )
        .join(StockItem, StockItem.lot_id == Lot.id)
        .join(Sku, Sku.id == StockItem.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Cooperative, Cooperative.id == Lot.cooperative_id)
        .where(free > 0, Lot.recalled_at.is_(None))
        .order_by(Lot.best_before, Lot.id, Sku.id)
    )  # fmt: skip
    ahead: dict[int, int] = {}
    lines: list[Line] = []
    grams = fen = 0
    for row in db.session.execute(query):
        days = (row.best_before - today).days
        units = rates.get(row.sku_id, 0)
        will_sell = max(0, units * max(0, days) // LOOKED_BACK.days - ahead.get(row.sku_id, 0))
        left = max(0, row.free - will_sell)
        ahead[row.sku_id] = ahead.get(row.sku_id, 0) + row.free
        if not left and days > SOON:
            continue
        grams, fen = grams + left * row.packed_grams, fen + left * row.price_fen
        cells: tuple[Cell, ...] = (
            row.code, f"{said(row.name, row.name_en)} {said(row.pack, row.pack_en)}", said(row.short_name, row.cooperative_en),
            row.best_before, days, row.free, units, left, left * row.packed_grams, left * row.price_fen,
        )  # fmt: skip
        lines.append(Line(cells, None, f"/lots/{row.code}"))
    columns = (
        Column("lot", gettext("批次")),
        Column("product", gettext("商品")),
        Column("cooperative", gettext("合作社")),
        Column("best_before", gettext("保质期到"), Kind.DAY),
        Column("days", gettext("还有几天"), Kind.COUNT, gettext("负数是已经过期。")),
        Column("free", gettext("可卖"), Kind.COUNT, gettext("包好的减去留着的、卖出的、报损的。")),
        Column("sold", gettext("四周卖出"), Kind.COUNT, gettext("这个规格最近 28 天卖出的件数。")),
        Column("left", gettext("预计剩下"), Kind.COUNT, gettext("照四周的卖法，先到期的先卖，到期那天还剩的件数。")),
        Column("weight_grams", gettext("预计剩下（kg）"), Kind.WEIGHT),
        Column("value_fen", gettext("照标价（元）"), Kind.MONEY, gettext("预计剩下的件数乘现在的标价；不是账上的数。")),
    )
    total = Line((gettext("合计"), None, None, None, None, None, None, sum(int(str(line.cells[7])) for line in lines), grams, fen))
    return Document(
        name="stock-at-risk",
        title=gettext("有风险的库存"),
        period=Period(today, today),
        facts=((gettext("截至"), today.isoformat()),),
        parts=(Part("lots", gettext("批次"), columns, tuple(lines), total),),
        made_at=now,
        notes=(gettext("这是照最近的卖法推算的，不是账上的数；%(days)s 天内到期的都列出来。", days=SOON),),
    )


def _sold_lately(today: date) -> Mapping[int, int]:
    """Units of each SKU sold in the last four weeks, less what came back."""
    query = (
        select(StockItem.sku_id, func.sum(Pick.units - Pick.returned_units))
        .join(Pick, Pick.item_id == StockItem.id)
        .where(
            Pick.state == PickState.SOLD,
            Pick.line_id.in_(
                select(Attribution.line_id).where(
                    Attribution.sold_on > today - LOOKED_BACK, Attribution.sold_on <= today, Attribution.is_refund.is_(False)
                )
            ),
        )
        .group_by(StockItem.sku_id)
    )
    return {sku_id: int(units) for sku_id, units in db.session.execute(query)}
