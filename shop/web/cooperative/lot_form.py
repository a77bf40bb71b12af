"""The forms of lots: a new one, whose fields follow the product, and packing more of one that is there.

A form reads what was typed; the rules are the act's, whose refusals are said beside the fields here.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from flask_babel import gettext, lazy_gettext
from wtforms import FileField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from shop.kit.clock import utc_now
from shop.kit.ids import ItemId, SkuId, UserId, VillageId, new_key
from shop.kit.pictures import BadPicture, Drawn, draw
from shop.reports.cooperative_pages import LotFacts, LotPack, LotPlan, OwnPack
from shop.stock.errors import BestBeforeOutOfRange, HarvestAhead, NoSources, NotAWeight, PackedTooMuch, YieldOutOfRange
from shop.stock.service import Counted, Packed, Reason, RecordedLot, Source, change_count, pack, record_lot
from shop.web.cooperative.fields import DayField, KilogramsField, UnitsField, is_key, refuse
from shop.web.cooperative.words import WRITE_OFF_WORDS
from shop.web.filters import day, kg, weight
from shop.web.form import Form
from shop.web.storefront.words import said
from shop.web.storefront.words import units as units_of
from shop.web.uploads import brought_pictures, why_bad

GRADES = (("特级", lazy_gettext("特级")), ("一级", lazy_gettext("一级")), ("二级", lazy_gettext("二级")), ("", lazy_gettext("不分级")))


@dataclass(frozen=True)
class PackFit:
    """How packs that weigh too much could be put right: so many units of one SKU."""

    field_name: str
    unit_word: str
    units: int
    is_exact: bool
    """Everything that came in would be packed then."""


class LotForm(Form):
    """One batch of one product; `form_for` adds a weight for each village, the grade, and a count for each pack."""

    once = HiddenField()
    suggested = HiddenField()
    """The best-before day that the page filled in by itself; left as it was, it follows the harvest."""
    harvested_on = DayField(lazy_gettext("收割"))
    best_before = DayField(lazy_gettext("最佳食用至"))
    harvest = KilogramsField(lazy_gettext("用了多少原料"))
    grade: RadioField

    plan: LotPlan
    fit: PackFit | None = None

    @property
    def weights(self) -> list[KilogramsField]:
        """A weight for each village, in the order of the plan."""
        return [self[_weight_name(village.village_id)] for village in self.plan.villages]

    @property
    def counts(self) -> list[UnitsField]:
        """A count for each pack, in the order of the plan."""
        return [self[_count_name(pack_.sku_id)] for pack_ in self.plan.packs]

    @property
    def produced_grams(self) -> int:
        """Of all villages, as far as it can be read."""
        return sum(field.data or 0 for field in self.weights)

    @property
    def packed_grams(self) -> int:
        """Of all packs, as far as it can be read."""
        return sum(pack_.unit_grams * units for _, pack_, units in self._packed())

    def begin(self, *, today: date) -> None:
        """A new form: harvested today, keeping as long as the product does."""
        self.once.data = new_key()
        self.harvested_on.type_in(today)
        self.follow_harvest()

    def follow_harvest(self) -> None:
        """Fill in the best-before day, unless somebody wrote another."""
        harvested_on = self.harvested_on.data
        shown = "" if self.best_before.data is None else self.best_before.data.isoformat()
        if harvested_on is None or self.best_before.process_errors or shown not in ("", self.suggested.data):
            return
        if harvested_on.toordinal() + self.plan.product.shelf_life_days > date.max.toordinal():
            return
        latest = harvested_on + timedelta(days=self.plan.product.shelf_life_days)
        self.best_before.type_in(latest)
        self.suggested.data = latest.isoformat()

    def add_up(self, offer: str) -> None:
        """Show the sums of what was typed, and say what cannot be read; `offer` is a `PackFit` that was taken: `field:units`."""
        name, _, units = offer.partition(":")
        for field in self.counts:
            if field.name == name and units.isascii() and units.isdecimal() and len(units) <= 9:
                field.type_in(int(units))
        self.follow_harvest()
        for field in self:
            field.errors = list(field.process_errors)
        if self.produced_grams and self.packed_grams > self.produced_grams:
            self.take_refusal(PackedTooMuch(self.produced_grams, self.packed_grams))

    def validate(self, extra_validators: object = None) -> bool:
        """Only what cannot be read, or is missing, is refused here; the rest is for the act to say."""
        is_good = bool(super().validate(extra_validators))
        if self.harvested_on.data is None and not self.harvested_on.errors:
            refuse(self.harvested_on, gettext("写上哪天收割。"))
        if self.grade.data not in {value for value, _ in GRADES}:
            refuse(self.grade, gettext("选一个等级；没有分级就选「不分级」。"))
        if not is_key(self.once.data):
            refuse(self.harvested_on, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not (self.harvested_on.errors or self.grade.errors)

    def record(self, by: UserId) -> RecordedLot:
        """Do it."""
        harvested_on, best_before = self.harvested_on.data, self.best_before.data
        assert harvested_on is not None, "validate() has asked for it"
        is_untouched = best_before is not None and best_before.isoformat() == self.suggested.data
        return record_lot(
            self.plan.product.product_id,
            harvested_on=harvested_on,
            best_before=None if is_untouched else best_before,
            grade=self.grade.data,
            sources=[
                Source(village.village_id, field.data)
                for village, field in zip(self.plan.villages, self.weights, strict=True)
                if field.data
            ],
            packs=[Packed(pack_.sku_id, units) for _, pack_, units in self._packed()],
            harvest_grams=self.harvest.data,
            by=by,
            once=str(self.once.data),
            now=utc_now(),
        )

    def take_refusal(self, refusal: Exception) -> None:
        """Say beside the field why it was refused."""
        weigher = self.weights[0] if self.weights else self.harvested_on
        if isinstance(refusal, HarvestAhead):
            refuse(self.harvested_on, gettext("收割日还没到，最晚写今天 %(today)s。", today=day(refusal.today)))
        elif isinstance(refusal, BestBeforeOutOfRange) and refusal.best_before < refusal.earliest:
            refuse(self.best_before, gettext("比收割日还早。收割以后才有保质期。"))
        elif isinstance(refusal, BestBeforeOutOfRange):
            words = {"days": self.plan.product.shelf_life_days, "latest": day(refusal.latest)}
            refuse(self.best_before, gettext("保质期 %(days)s 天，最晚到 %(latest)s；可以改早，不能改晚。", **words))
        elif isinstance(refusal, PackedTooMuch):
            self._take_overweight(refusal)
        elif isinstance(refusal, YieldOutOfRange):
            bounds = {"least": refusal.least_percent, "most": refusal.most_percent}
            weights = {"harvest": kg(refusal.harvest_grams), "produced": kg(refusal.produced_grams)}
            share = refusal.produced_grams * 100 // refusal.harvest_grams
            refuse(
                self.harvest,
                gettext(
                    "%(harvest)s 原料出 %(produced)s，出成 %(share)s%%；这样东西该在 %(least)s%% 到 %(most)s%%。两个数看一看。",
                    share=share,
                    **bounds,
                    **weights,
                ),
            )
        elif isinstance(refusal, NotAWeight):
            refuse(weigher, gettext("一批最多 %(most)s，请看看是不是多写了零。", most=kg(refusal.most_grams)))
        else:
            assert isinstance(refusal, NoSources), "every other refusal is a mistake of the page"
            refuse(weigher, gettext("至少写一个村出了多少。"))

    def _take_overweight(self, refusal: PackedTooMuch) -> None:
        """The last pack of which fewer would do says so and offers it; if no single one can, the last of them says by how much."""
        over = gettext("多装了 %(over)s。", over=weight(refusal.over_grams))
        otherwise = gettext("要是收的数记少了，回第 3 步改。")
        used = self._packed()
        for field, pack_, units in reversed(used):
            left_grams = refusal.produced_grams - (self.packed_grams - units * pack_.unit_grams)
            if left_grams < 0:
                continue
            fitting, rest = divmod(left_grams, pack_.unit_grams)
            self.fit = PackFit(field.name, pack_.unit_word, fitting, is_exact=rest == 0)
            words = {"pack": said(pack_.pack, pack_.pack_en), "units": units_of(fitting, pack_.unit_word)}
            hint = gettext("%(pack)s改成 %(units)s就正好；", **words) if rest == 0 else gettext("%(pack)s最多 %(units)s；", **words)
            refuse(field, f"{over}{hint}{otherwise}")
            return
        every = gettext("只改一种不够，每一种都看一看；")
        refuse(used[-1][0], f"{over}{every}{otherwise}")

    def _packed(self) -> list[tuple[UnitsField, OwnPack, int]]:
        """The packs of which there are any, with their fields."""
        return [(field, pack_, field.data) for field, pack_ in zip(self.counts, self.plan.packs, strict=True) if field.data]


def form_for(plan: LotPlan) -> LotForm:
    """The form for a lot of one product: a weight for each village of its cooperative, a count for each of its packs."""
    fields: dict[str, object] = {_weight_name(village.village_id): KilogramsField(village.name) for village in plan.villages}
    fields["grade"] = RadioField(lazy_gettext("等级"), choices=[SelectChoice(*grade) for grade in GRADES], validate_choice=False)
    fields |= {_count_name(pack_.sku_id): UnitsField(pack_.pack) for pack_ in plan.packs}
    form = cast(LotForm, type("LotFormOfProduct", (LotForm,), fields)())
    form.plan = plan
    return form


def _weight_name(village_id: VillageId) -> str:
    return f"village_{village_id}"


def _count_name(sku_id: SkuId) -> str:
    return f"sku_{sku_id}"


class LotPhotoForm(Form):
    """A photograph of the lot."""

    photo = FileField(lazy_gettext("照片"))

    def drawn(self) -> Drawn | None:
        """The photograph; None, with words beside the field, when it is not fit to be one."""
        brought = brought_pictures("photo", most=1)
        if not brought:
            refuse(self.photo, gettext("选一张照片。"))
            return None
        try:
            return draw(brought[0])
        except BadPicture as refusal:
            refuse(self.photo, why_bad(refusal))
            return None


class WriteOffForm(Form):
    """So many units of one pack are gone, and why."""

    gone = UnitsField(lazy_gettext("少了多少"))
    reason = SelectField(lazy_gettext("为什么"), choices=[SelectChoice(*word) for word in WRITE_OFF_WORDS.items()], validate_choice=False)
    once = HiddenField()

    def validate(self, extra_validators: object = None) -> bool:
        """More than nought, for a reason of ours."""
        is_good = bool(super().validate(extra_validators))
        if not self.gone.errors and not self.gone.data:
            refuse(self.gone, gettext("写上少了多少，至少 1。"))
        elif self.reason.data not in WRITE_OFF_WORDS:
            refuse(self.gone, gettext("选为什么。"))
        elif not is_key(self.once.data):
            refuse(self.gone, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not self.gone.errors

    def write_off(self, item_id: ItemId, by: UserId) -> Counted:
        """Do it."""
        assert self.gone.data, "validate() has asked for it"
        reason = Reason(self.reason.data)
        return change_count(item_id, -self.gone.data, by=by, reason=reason, once=str(self.once.data), now=utc_now())


class PackForm(Form):
    """So many units more of one pack."""

    units = UnitsField(lazy_gettext("再装"))
    once = HiddenField()

    def validate(self, extra_validators: object = None) -> bool:
        """More than nought."""
        is_good = bool(super().validate(extra_validators))
        if not self.units.errors and not self.units.data:
            refuse(self.units, gettext("写上又装了多少，至少 1。"))
        elif not is_key(self.once.data):
            refuse(self.units, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not self.units.errors

    def pack(self, lot: LotFacts, chosen: LotPack, by: UserId) -> Counted:
        """Do it."""
        return pack(lot.lot_id, chosen.sku_id, (self.units.data or 0), by=by, once=str(self.once.data), now=utc_now())

    def take_refusal(self, refusal: Exception, chosen: LotPack) -> None:
        """Say beside the field why it was refused."""
        if isinstance(refusal, PackedTooMuch):
            before_grams = refusal.packed_grams_wanted - (self.units.data or 0) * chosen.unit_grams
            room = max(0, refusal.produced_grams - before_grams) // chosen.unit_grams
            words = {"over": weight(refusal.over_grams), "room": units_of(room, chosen.unit_word)}
            refuse(self.units, gettext("比收的多 %(over)s：这批还能装 %(room)s。", **words))
        else:
            refuse(self.units, gettext("这一批已经召回，不能再装。"))
