"""Tables of orders."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import PERSONAL, SECRET, BigId, Instant, Model, choice
from shop.orders.states import OrderState


class Channel(StrEnum):
    """Where a sale was made."""

    ONLINE = "online"
    OFFLINE = "offline"
    """A fair, a contract, a counter: completed at once."""


class RefundBy(StrEnum):
    """How a refund was measured."""

    QUANTITY = "quantity"
    AMOUNT = "amount"


class RequestState(StrEnum):
    """Life of a refund that two people decide."""

    WAITING = "waiting"
    """Asked for; nothing is booked."""
    APPROVED = "approved"
    REJECTED = "rejected"


class Order(Model):
    """One purchase. Names, prices, weights and the address are copies."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("total_fen = goods_fen - discount_fen + shipping_fen", name="total"),
        CheckConstraint("goods_fen >= 0 AND discount_fen >= 0 AND discount_fen <= goods_fen AND shipping_fen >= 0", name="not_negative"),
        CheckConstraint("refunded_shipping_fen >= 0 AND refunded_shipping_fen <= shipping_fen", name="shipping_refund"),
        Index("ix_orders_state_hold", "state", "hold_until"),
        Index("ix_orders_placed", "placed_at"),
        Index("ix_orders_name", "name"),
        Index("ix_orders_email", "email"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    """Said on the telephone; opens nothing by itself."""
    key: Mapped[str] = mapped_column(String(32), info=SECRET)
    """128-bit secret that opens the order's page to whoever placed it."""
    once: Mapped[str] = mapped_column(String(80), unique=True, info=SECRET)
    """The checkout page's key, or an offline sale's reference: twice the same is one order."""
    channel: Mapped[Channel] = mapped_column(choice(Channel, "channel"))
    state: Mapped[OrderState] = mapped_column(choice(OrderState, "state"))
    buyer_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    eastern_unit_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("eastern_units.id"))
    """The unit credited, as it stood at the sale."""
    name: Mapped[str] = mapped_column(String(60), default="", info=PERSONAL)
    phone: Mapped[str] = mapped_column(String(11), default="", index=True, info=PERSONAL)
    email: Mapped[str | None] = mapped_column(String(254), info=PERSONAL)
    district_code: Mapped[str | None] = mapped_column(String(6))
    region: Mapped[str] = mapped_column(String(60), default="")
    """The names behind `district_code` as printed at the time: 江苏省苏州市昆山市."""
    town: Mapped[str] = mapped_column(String(60), default="", info=PERSONAL)
    street: Mapped[str] = mapped_column(String(200), default="", info=PERSONAL)
    note: Mapped[str] = mapped_column(String(200), default="", info=PERSONAL)
    gift_note: Mapped[str] = mapped_column(String(120), default="", server_default="", info=PERSONAL)
    """What the buyer wishes whoever opens the parcel; printed on the packing slip, where no price stands then."""
    locale: Mapped[str] = mapped_column(String(8), default="zh")
    goods_fen: Mapped[int]
    """Σ price × quantity."""
    discount_fen: Mapped[int] = mapped_column(default=0)
    shipping_fen: Mapped[int]
    refunded_shipping_fen: Mapped[int] = mapped_column(default=0)
    total_fen: Mapped[int]
    perishable_confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the buyer confirmed that perishable or opened goods cannot be returned without a defect."""
    terms_version: Mapped[str] = mapped_column(String(10), default="", server_default="")
    """Which privacy notice and terms the buyer accepted by ordering; empty for offline sales."""
    hold_until: Mapped[datetime | None] = mapped_column(Instant)
    """While it waits for payment: until when its goods are kept."""
    placed_at: Mapped[datetime] = mapped_column(Instant)
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    sold_on: Mapped[date | None]
    """Business day of the sale, once there is one."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it lapsed, was cancelled or completed."""


class OrderLine(Model):
    """So many of one SKU, as it was sold."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity > 0 AND unit_price_fen >= 0", name="positive"),
        CheckConstraint("net_fen = unit_price_fen * quantity - discount_fen AND net_fen >= 0 AND discount_fen >= 0", name="net"),
        CheckConstraint("claimed_units >= 0 AND claimed_units <= quantity", name="claimed"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"))
    position: Mapped[int]
    sku_id: Mapped[int] = mapped_column(BigId, ForeignKey("skus.id"), index=True)
    sku_code: Mapped[str] = mapped_column(String(40))
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"), index=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"), index=True)
    product_name: Mapped[str] = mapped_column(String(60))
    product_name_en: Mapped[str] = mapped_column(String(80))
    pack: Mapped[str] = mapped_column(String(40))
    pack_en: Mapped[str] = mapped_column(String(60))
    unit_word: Mapped[str] = mapped_column(String(4))
    unit_price_fen: Mapped[int]
    quantity: Mapped[int]
    discount_fen: Mapped[int] = mapped_column(default=0)
    """Its share of an order-wide discount."""
    net_fen: Mapped[int] = mapped_column(BigInteger)
    """Price × quantity − discount: what is attributed to villages."""
    unit_grams: Mapped[int]
    is_perishable: Mapped[bool] = mapped_column(default=False)
    is_cold_chain: Mapped[bool] = mapped_column(default=False)
    tax_category: Mapped[str] = mapped_column(String(20), default="")
    bundle_id: Mapped[str | None] = mapped_column(String(32))
    """Lines of one gift box share it."""
    claimed_units: Mapped[int] = mapped_column(default=0, server_default="0")
    """Units of claims that are open or were refunded (`claim_models.py`)."""


class OrderEvent(Model):
    """Something that happened to an order, for its page's trail. Append-only; facts are figures and codes, never a person's data."""

    __tablename__ = "order_events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(40))
    by_user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    facts: Mapped[dict[str, object]] = mapped_column(JSON)


class OrderNote(Model):
    """What somebody of the staff wrote down about an order, for the others. Append-only: only being forgotten empties its words."""

    __tablename__ = "order_notes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"), index=True)
    once: Mapped[str] = mapped_column(String(40), unique=True)
    at: Mapped[datetime] = mapped_column(Instant)
    by_user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    words: Mapped[str] = mapped_column(String(400), info=PERSONAL)
    """They may name the buyer."""


class Return(Model):
    """One refund of an order as the shop decided it: of which picks, how much, why. The money itself is a refund in `payments`."""

    __tablename__ = "returns"
    __table_args__ = (CheckConstraint("goods_fen >= 0 AND shipping_fen >= 0 AND goods_fen + shipping_fen > 0", name="amount"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"), index=True)
    once: Mapped[str] = mapped_column(String(80), unique=True)
    by: Mapped[RefundBy] = mapped_column(choice(RefundBy, "by"))
    reason: Mapped[str] = mapped_column(String(120))
    restock: Mapped[bool]
    goods_fen: Mapped[int] = mapped_column(BigInteger)
    shipping_fen: Mapped[int]
    entry_id: Mapped[int] = mapped_column(BigInteger)
    """The entry that booked it."""
    reversed_by_entry_id: Mapped[int | None] = mapped_column(BigInteger)
    """Set when the provider failed the refund and it was booked back."""
    asked_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class ReturnLine(Model):
    """What a return took from one pick."""

    __tablename__ = "return_lines"
    __table_args__ = (CheckConstraint("units >= 0 AND amount_fen >= 0", name="not_negative"),)

    return_id: Mapped[int] = mapped_column(BigId, ForeignKey("returns.id"), primary_key=True)
    pick_id: Mapped[int] = mapped_column(BigId, ForeignKey("picks.id"), primary_key=True, index=True)
    line_id: Mapped[int] = mapped_column(BigId, ForeignKey("order_lines.id"), index=True)
    units: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)


class RefundRequest(Model):
    """A refund above the sum that one person may decide. Stock and books change when another approves it, not before."""

    __tablename__ = "refund_requests"
    __table_args__ = (
        CheckConstraint("total_fen > 0", name="total"),
        CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="four_eyes"),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided"),
        Index("ix_refund_requests_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"), index=True)
    once: Mapped[str] = mapped_column(String(80), unique=True)
    """Also the refund's key once it is approved."""
    wanted: Mapped[dict[str, object]] = mapped_column(JSON)
    """Picks with units, lines with fen, shipping, what becomes of the goods, the reason."""
    total_fen: Mapped[int]
    state: Mapped[RequestState] = mapped_column(choice(RequestState, "state"))
    asked_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    word: Mapped[str] = mapped_column(String(120), default="")
    """Why it was rejected."""
