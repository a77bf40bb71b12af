"""The form that says what a lot should have said: grams of each village, what was produced, and why. Members of the cooperative and staff fill in the same."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField, StringField

from shop.kit.clock import utc_now
from shop.kit.errors import ShopError
from shop.kit.ids import CorrectionId, UserId, VillageId, new_key
from shop.reports.corrections import CorrectableLot, Effect, effects_of
from shop.stock.corrections import (
    LONGEST_REASON,
    CorrectionUnderWay,
    LessThanPacked,
    NoReason,
    NothingToCorrect,
    propose,
)
from shop.stock.errors import NoSources, NotAWeight
from shop.stock.service import Source
from shop.web.cooperative.fields import KilogramsField, is_key, refuse
from shop.web.filters import kg
from shop.web.form import Form
from shop.web.storefront.words import said
from shop.web.typed import clean


class CorrectionForm(Form):
    """`correction_form` adds a weight for each village of the cooperative."""

    once = HiddenField()
    produced = KilogramsField(lazy_gettext("产出"))
    reason = StringField(lazy_gettext("为什么要改"))

    lot: CorrectableLot

    @property
    def weights(self) -> list[KilogramsField]:
        """A weight for each village, in the order of the lot's villages."""
        return [self[_name(village.village_id)] for village in self.lot.villages]

    def begin(self) -> None:
        """The lot as it stands."""
        self.once.data = new_key()
        self.produced.type_in(self.lot.produced_grams)
        for village, field in zip(self.lot.villages, self.weights, strict=True):
            if village.grams:
                field.type_in(village.grams)

    def validate(self, extra_validators: object = None) -> bool:
        """Only what cannot be read, or is missing, is refused here; the rest is for the act to say."""
        is_good = bool(super().validate(extra_validators))
        if self.produced.data is None and not self.produced.errors:
            refuse(self.produced, gettext("写上这一批一共产出多少。"))
        self.reason.data = clean(self.reason.data, most=LONGEST_REASON)
        if not self.reason.data:
            refuse(self.reason, gettext("写一句为什么要改，第二个人要看。"))
        if not any(field.data for field in self.weights) and not any(field.errors for field in self.weights):
            refuse(self.weights[0], gettext("至少写一个村出了多少。"))
        if not is_key(self.once.data):
            refuse(self.reason, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not any(field.errors for field in self)

    @property
    def sources(self) -> Sequence[Source]:
        """The villages that brought something."""
        pairs = zip(self.lot.villages, self.weights, strict=True)
        return [Source(village.village_id, field.data) for village, field in pairs if field.data]

    def preview(self) -> tuple[Effect, ...]:
        """What it would move, if it were approved now."""
        before = {village.village_id: village.grams for village in self.lot.villages if village.grams}
        return effects_of(self.lot.lot_id, before, {source.village_id: source.grams for source in self.sources})

    def propose(self, by: UserId) -> CorrectionId:
        """Do it."""
        return propose(
            self.lot.lot_id,
            sources=self.sources,
            produced_grams=self.produced.data or 0,
            reason=str(self.reason.data),
            by=by,
            once=str(self.once.data),
            now=utc_now(),
        )

    def take_refusal(self, refusal: ShopError) -> None:
        """Say beside the field why it was refused."""
        if isinstance(refusal, LessThanPacked):
            refuse(self.produced, gettext("已经装了 %(packed)s，产出不能比它少。", packed=kg(refusal.packed_grams)))
        elif isinstance(refusal, NothingToCorrect):
            refuse(self.weights[0], gettext("和现在记的一样，没有要改的。"))
        elif isinstance(refusal, NotAWeight):
            refuse(self.produced, gettext("一批最多 %(most)s，请看看是不是多写了零。", most=kg(refusal.most_grams)))
        elif isinstance(refusal, CorrectionUnderWay):
            refuse(self.reason, gettext("这一批已经有一张更正单没办完，等它办完再提。"))
        else:
            assert isinstance(refusal, (NoSources, NoReason)), "every other refusal is a mistake of the page"
            refuse(self.reason, gettext("写上各村的数和缘由。"))


REFUSALS = (LessThanPacked, NothingToCorrect, NotAWeight, CorrectionUnderWay, NoSources, NoReason)
"""What `CorrectionForm.propose` may be refused with."""


def correction_form(lot: CorrectableLot) -> CorrectionForm:
    """The form for this lot."""
    names = {_name(village.village_id): KilogramsField(said(village.name, village.name_en)) for village in lot.villages}
    form: CorrectionForm = type("CorrectionFormOfLot", (CorrectionForm,), names)()
    form.lot = lot
    return form


def _name(village_id: VillageId) -> str:
    return f"weight_{village_id}"
