"""The form of a claim: how many of which lines, why, with photographs. It keeps what was typed and says beside each field what is wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import force_locale, gettext, lazy_gettext
from wtforms import HiddenField, MultipleFileField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from shop.kit.ids import LineId, new_key
from shop.kit.pictures import BadPicture, Drawn, draw
from shop.orders.claim_states import (
    MOST_CLAIM_PHOTOS,
    MOST_CLAIM_WORDS,
    REASONS_OF,
    SHOWN_BY_PHOTO,
    ClaimKind,
    ClaimReason,
    kind_for,
    may_come_back_for_no_reason,
)
from shop.orders.claims import NewClaim
from shop.reports.order_story import OrderStory
from shop.shipping.states import ShipmentState
from shop.web.claim_words import REASON_WORDS
from shop.web.cooperative.fields import UnitsField, is_key, refuse
from shop.web.form import Form
from shop.web.storefront.words import named, units
from shop.web.typed import clean_lines
from shop.web.uploads import brought_pictures, why_bad


@dataclass(frozen=True)
class Claimable:
    """A line of which something can be called off or given back."""

    line_id: LineId
    name: str
    pack: str
    unit_word: str
    left: int
    for_no_reason: bool
    """Whether the seven-day right holds for it now."""


def claimable_of(story: OrderStory, kind: ClaimKind, open_units: dict[LineId, int], *, now: datetime) -> tuple[Claimable, ...]:
    """The lines of an order for which this can be asked now, with how many units are left to ask for."""
    parcels = {shipment.cooperative_id: shipment for shipment in story.shipments}
    found = []
    for line in story.lines:
        parcel = parcels.get(line.cooperative_id)
        left = sum(pick.units - pick.returned_units for pick in line.picks) - open_units.get(line.line_id, 0)
        if parcel is None or kind_for(parcel.state) is not kind or left < 1:
            continue
        is_exempt = line.is_perishable and story.perishable_confirmed_at is not None
        at_will = may_come_back_for_no_reason(is_exempt=is_exempt, delivered_at=parcel.delivered_at, now=now)
        name, pack = named(line.product_name, line.product_name_en), named(line.pack, line.pack_en)
        found.append(Claimable(line.line_id, name, pack, line.unit_word, left, at_will))
    return tuple(found)


def kinds_of(story: OrderStory) -> tuple[ClaimKind, ...]:
    """What may be asked of an order at all, before anybody counts: one link each on its page."""
    states = {shipment.state for shipment in story.shipments}
    return tuple(
        kind
        for state, kind in ((state, kind_for(state)) for state in (ShipmentState.TO_PACK, ShipmentState.DELIVERED))
        if kind and state in states
    )


class ClaimForm(Form):
    """`claim_form` adds a number for each line."""

    once = HiddenField()
    reason = RadioField(lazy_gettext("为什么"), validate_choice=False)
    goods = RadioField(lazy_gettext("货怎么办"), validate_choice=False)
    words = TextAreaField(lazy_gettext("还要说的"))
    photos = MultipleFileField(lazy_gettext("照片"))

    kind: ClaimKind
    rows: tuple[Claimable, ...]

    def counted(self) -> Iterator[tuple[Claimable, UnitsField]]:
        """Each line with its field."""
        return ((row, self[_name(row.line_id)]) for row in self.rows)

    def read(self, locale: str) -> tuple[NewClaim, Sequence[Drawn]] | None:
        """What is asked for, with its photographs; None when something is wrong, which is said beside its field."""
        is_sent = self.validate_on_submit()
        asked = {row.line_id: self._count(row, field) for row, field in self.counted()}
        asked = {line_id: count for line_id, count in asked.items() if count}
        if not asked and not any(field.errors for _, field in self.counted()):
            refuse(next(field for _, field in self.counted()), gettext("写上要几件；不要动的写 0。"))
        reason = self._reason(asked)
        if self.kind is ClaimKind.RETURN:
            self._goods(reason)
        self.words.data = clean_lines(self.words.data, most=MOST_CLAIM_WORDS + 1)
        if len(self.words.data) > MOST_CLAIM_WORDS:
            refuse(self.words, gettext("最多 %(most)s 个字。", most=MOST_CLAIM_WORDS))
        drawn = self._drawn(reason)
        if not is_sent or reason is None or drawn is None or any(field.errors for field in self):
            return None
        with force_locale("en" if locale == "en" else "zh"):  # the buyer reads the reason on the order's page
            reason_words = str(REASON_WORDS[reason])
        keeps = self.kind is ClaimKind.RETURN and self.goods.data == "keep"
        return NewClaim(self.kind, reason, reason_words, self.words.data, keeps, asked), drawn

    @property
    def key(self) -> str:
        """So that a form sent twice is one claim."""
        return str(self.once.data) if is_key(self.once.data) else new_key()

    def _count(self, row: Claimable, field: UnitsField) -> int:
        count = field.data or 0
        if not field.errors and count > row.left:
            refuse(field, gettext("最多还能写 %(left)s。", left=units(row.left, row.unit_word)))
        return int(count)

    def _reason(self, asked: dict[LineId, int]) -> ClaimReason | None:
        reason = next((reason for reason in REASONS_OF[self.kind] if reason == self.reason.data), None)
        if reason is None:
            refuse(self.reason, gettext("选一个缘由。"))
        if reason is ClaimReason.SEVEN_DAYS:
            exempt = [row.name for row in self.rows if row.line_id in asked and not row.for_no_reason]
            if exempt:
                names = gettext("、").join(exempt)
                refuse(self.reason, gettext("%(names)s不能无理由退：是鲜货，或者过了七天。有质量问题的，选是什么问题。", names=names))
        return reason

    def _goods(self, reason: ClaimReason | None) -> None:
        if self.goods.data not in ("send", "keep"):
            refuse(self.goods, gettext("选一下货怎么办。"))
        elif self.goods.data == "keep" and reason is ClaimReason.SEVEN_DAYS:
            refuse(self.goods, gettext("七天无理由的，货要寄回来。"))

    def _drawn(self, reason: ClaimReason | None) -> list[Drawn] | None:
        brought = brought_pictures("photos", most=MOST_CLAIM_PHOTOS + 1)
        if len(brought) > MOST_CLAIM_PHOTOS:
            refuse(self.photos, gettext("最多 %(most)s 张。", most=MOST_CLAIM_PHOTOS))
            return None
        if not brought and reason in SHOWN_BY_PHOTO:
            refuse(self.photos, gettext("拍一张照片，让合作社看得到是什么问题。"))
            return None
        try:
            return [draw(photo) for photo in brought]
        except BadPicture as refusal:
            refuse(self.photos, why_bad(refusal))
            return None


def claim_form(kind: ClaimKind, rows: tuple[Claimable, ...], *, is_blank: bool) -> ClaimForm:
    """The form for these lines: empty, with everything called off where that is what it is for; or as it came."""
    fields = {_name(row.line_id): UnitsField(f"{row.name} {row.pack}") for row in rows}
    form: ClaimForm = type("ClaimForm", (ClaimForm,), fields)(**({"formdata": None, "once": new_key()} if is_blank else {}))
    form.kind, form.rows = kind, rows
    form.reason.choices = [SelectChoice(reason.value, REASON_WORDS[reason]) for reason in REASONS_OF[kind]]
    form.goods.choices = [SelectChoice("keep", gettext("不寄回，只要退钱")), SelectChoice("send", gettext("寄回去，再退钱"))]
    if is_blank:
        for row, field in form.counted():
            field.type_in(row.left if kind is ClaimKind.CANCEL or len(rows) == 1 == row.left else 0)
    return form


def _name(line_id: LineId) -> str:
    return f"units-{line_id}"
