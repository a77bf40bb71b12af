"""The form of a message on an order, the same for buyers, cooperatives and staff."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from shop.kit.ids import CooperativeId, new_key
from shop.reports.conversation import Talker
from shop.voices.messages import LONGEST_MESSAGE
from shop.web.form import Form
from shop.web.storefront.words import said
from shop.web.typed import clean

STAFF = "staff"


class MessageForm(Form):
    """What is said, and to whom."""

    to = SelectField(lazy_gettext("和谁说"), validate_choice=False)
    words = TextAreaField(lazy_gettext("要说的话"))
    once = HiddenField()

    @classmethod
    def blank(cls, talkers: Sequence[Talker] = (), *, to: str = "") -> "MessageForm":
        """Nothing said yet."""
        form = cls(formdata=None, once=new_key(), to=to or (str(talkers[0].id) if len(talkers) == 1 else ""))
        form.offer(talkers)
        return form

    @classmethod
    def typed(cls, talkers: Sequence[Talker] = ()) -> "MessageForm":
        """As it came."""
        form = cls()
        form.offer(talkers)
        return form

    def offer(self, talkers: Sequence[Talker]) -> None:
        """Whom one may speak with."""
        names = (SelectChoice(str(talker.id), said(talker.name, talker.name_en)) for talker in talkers)
        self.to.choices = [*names, SelectChoice(STAFF, gettext("山海集的客服"))]

    @property
    def cooperative_id(self) -> CooperativeId | None:
        """Whom it is for; none: the staff. Only after `read` was content."""
        return None if self.to.data == STAFF else CooperativeId(int(self.to.data))

    def read(self, *, asks_whom: bool) -> str | None:
        """The words, line by line as they were typed; none when something is wrong, which is said beside its field."""
        lines = [clean(line, most=LONGEST_MESSAGE) for line in (self.words.data or "").splitlines()]
        words = "\n".join(lines).strip()
        if not words:
            self.words.errors = [gettext("写上要说的话。")]
        elif len(words) > LONGEST_MESSAGE:
            self.words.errors = [gettext("最多 %(most)s 个字，分两条说。", most=LONGEST_MESSAGE)]
        if asks_whom and self.to.data not in {choice.value for choice in self.to.choices}:
            self.to.errors = [gettext("选一下和谁说。")]
        return None if self.words.errors or self.to.errors else words

    @property
    def key(self) -> str:
        """So that a message sent twice is said once."""
        return clean(self.once.data, most=40) or new_key()
