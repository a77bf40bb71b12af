"""Tables of papers."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import PERSONAL, BigId, Instant, Model, choice


class Attachment(Model):
    """A file that belongs to something: a bank's slip to a payment, a bill to a cost. Its bytes lie in the instance folder, named by their hash."""

    __tablename__ = "attachments"
    __table_args__ = (
        UniqueConstraint("subject_kind", "subject_id", "sha256"),
        CheckConstraint("size_bytes > 0", name="size"),
        Index("ix_attachments_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(24))
    """`payment`, `cost` …: what it belongs to. The page that shows it checks the right to that."""
    subject_id: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(40))
    """Found from the bytes, never from what the browser said."""
    size_bytes: Mapped[int]
    uploaded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """None: a guest, who holds an order's key."""
    uploaded_at: Mapped[datetime] = mapped_column(Instant)


class Accreditation(Model):
    """A product recognised by an authority for a time, e.g. 帮扶产品认定. Times of one product never overlap; a mistake is ended, not deleted."""

    __tablename__ = "accreditations"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_on IS NULL)", name="withdrawn"),
        Index("ix_accreditations_product", "product_id", "first_day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    number: Mapped[str] = mapped_column(String(60))
    """The certificate's."""
    issuer: Mapped[str] = mapped_column(String(80))
    first_day: Mapped[date]
    last_day: Mapped[date]
    """Inclusive."""
    paper: Mapped[str] = mapped_column(String(80), default="")
    """Where the paper lies, when no file of it was brought."""
    once: Mapped[str] = mapped_column(String(40), unique=True)
    recorded_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_on: Mapped[date | None]
    """From this day on it no longer counts: the authority took it back, or it was written down wrongly."""
    withdrawn_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    why: Mapped[str] = mapped_column(String(120), default="")


class FapiaoKind(StrEnum):
    """Who a fapiao is made out to; what is needed follows from it."""

    PERSON = "person"
    """A name."""
    FIRM = "firm"
    """A firm, a union, an office: its name and its tax number."""


class FapiaoState(StrEnum):
    """Where a request for a fapiao stands."""

    ASKED = "asked"
    ISSUED = "issued"
    REFUSED = "refused"


class Fapiao(Model):
    """A buyer's request for the fapiao of one order, and what became of it. Money that goes back after it was issued needs a red-letter one 红字."""

    __tablename__ = "fapiao_requests"
    __table_args__ = (
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(state = 'issued') = (issued_on IS NOT NULL AND number IS NOT NULL AND amount_fen IS NOT NULL)", name="issued"),
        CheckConstraint("kind = 'person' OR tax_number IS NOT NULL OR emptied_at IS NOT NULL", name="firm_has_number"),
        CheckConstraint("red_fen >= 0 AND (red_fen = 0 OR red_fen <= amount_fen)", name="red"),
        Index("ix_fapiao_requests_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"), unique=True)
    kind: Mapped[FapiaoKind] = mapped_column(choice(FapiaoKind, "kind"))
    title: Mapped[str] = mapped_column(String(100), info=PERSONAL)
    """抬头: whom it is made out to."""
    tax_number: Mapped[str | None] = mapped_column(String(20), info=PERSONAL)
    """税号; of a person, none."""
    email: Mapped[str] = mapped_column(String(254), info=PERSONAL)
    """Where it is sent to."""
    state: Mapped[FapiaoState] = mapped_column(choice(FapiaoState, "state"))
    number: Mapped[str | None] = mapped_column(String(30))
    """发票号码, twenty digits of a digital one 数电票."""
    issued_on: Mapped[date | None]
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    """What it was issued for: what the buyer had paid and not got back."""
    why: Mapped[str] = mapped_column(String(120), default="", info={"personal": True})
    """Why it was refused; the words may name the buyer."""
    asked_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    red_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    """How much of what went back red-letter fapiao stand for."""
    red_number: Mapped[str] = mapped_column(String(30), default="")
    """The latest one's."""
    red_on: Mapped[date | None]
    emptied_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the buyer's data were emptied."""


class PermitKind(StrEnum):
    """What a seller of food has to show 亮照."""

    BUSINESS = "business"
    """营业执照."""
    FOOD_PRODUCTION = "food_production"
    """食品生产许可证."""
    FOOD_TRADE = "food_trade"
    """食品经营许可证, or 仅销售预包装食品备案."""
    WORKSHOP = "workshop"
    """食品生产加工小作坊登记证."""
    OTHER = "other"


class Permit(Model):
    """A cooperative's licence or permit, with its picture. A mistake is withdrawn, not deleted."""

    __tablename__ = "permits"
    __table_args__ = (
        CheckConstraint("last_day IS NULL OR first_day <= last_day", name="days"),
        Index("ix_permits_cooperative", "cooperative_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    kind: Mapped[PermitKind] = mapped_column(choice(PermitKind, "kind"))
    number: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(80))
    scope: Mapped[str] = mapped_column(String(200), default="")
    """What it allows, as it says."""
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    """Inclusive; None: without end 长期."""
    picture_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("pictures.id"))
    is_sample: Mapped[bool] = mapped_column(default=False)
    recorded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class PromiseBasis(StrEnum):
    """What a maker's promise rests on, as the certificate 承诺达标合格证 says it."""

    COMMISSIONED = "commissioned"
    """委托检测."""
    OWN_TEST = "own_test"
    """自我检测."""
    OWN_CONTROL = "own_control"
    """内部质量控制."""
    OWN_WORD = "own_word"
    """自我承诺."""


class Reissue(StrEnum):
    """Why a certificate was issued anew: mixed or divided goods need one of their own (市场监管总局 2022 年, 食用农产品承诺达标合格证)."""

    MIXED = "mixed"
    """混装."""
    DIVIDED = "divided"
    """分装."""
    CORRECTED = "corrected"
    """The lot's villages or weights were put right."""
    MISTAKE = "mistake"
    """Something was written down wrongly."""


class LotCertificate(Model):
    """A lot's 承诺达标合格证: the maker's own promise, as it goes with the goods. One is in force; those before it are kept."""

    __tablename__ = "certificates"
    __table_args__ = (
        UniqueConstraint("lot_id", "number"),
        CheckConstraint("grams > 0", name="grams"),
        CheckConstraint("(replaced_at IS NULL) = (replaced_why IS NULL)", name="replaced"),
        Index(
            "ix_certificates_in_force",
            "lot_id",
            unique=True,
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"))
    number: Mapped[str] = mapped_column(String(60))
    basis: Mapped[PromiseBasis] = mapped_column(choice(PromiseBasis, "basis"))
    grams: Mapped[int] = mapped_column(BigInteger)
    """The quantity that it speaks of."""
    issued_on: Mapped[date]
    contact: Mapped[str] = mapped_column(String(60))
    """The maker's business telephone."""
    picture_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("pictures.id"))
    source_version: Mapped[int] = mapped_column(default=1, server_default="1")
    """The version of the lot's sources that it speaks of."""
    once: Mapped[str | None] = mapped_column(String(40), unique=True)
    """Key of the form that issued it."""
    recorded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    replaced_at: Mapped[datetime | None] = mapped_column(Instant)
    replaced_why: Mapped[Reissue | None] = mapped_column(choice(Reissue, "replaced_why"))
