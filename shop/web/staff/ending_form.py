"""The form that ends something of the register: its last day and why, both written."""

from typing import ClassVar

from flask_babel import gettext, lazy_gettext
from wtforms import StringField

from shop.web.cooperative.fields import DayField, refuse
from shop.web.form import Form
from shop.web.typed import clean


class EndingForm(Form):
    """A last day, and why."""

    WITHOUT_WHY: ClassVar[object] = lazy_gettext("写一句为什么。")
    """What is said when no reason is written."""
    last_day = DayField(lazy_gettext("最后一天"))
    why = StringField(lazy_gettext("为什么"))

    def validate(self, extra_validators: object = None) -> bool:
        """Neither is missing."""
        is_good = bool(super().validate(extra_validators))
        self.why.data = clean(self.why.data, most=120)
        if self.last_day.data is None and not self.last_day.errors:
            refuse(self.last_day, gettext("写上日子。"))
        if not self.why.data:
            refuse(self.why, str(self.WITHOUT_WHY))
        return is_good and not any(field.errors for field in self)
