"""What the states of a lot's correction are called, and their badges."""

from flask_babel import lazy_gettext

from shop.stock.models import CorrectionState

STATES = {
    CorrectionState.PROPOSED: (lazy_gettext("等人核对"), "warning"),
    CorrectionState.APPROVED: (lazy_gettext("同意了，正在改账"), "due"),
    CorrectionState.DONE: (lazy_gettext("改完了"), "done"),
    CorrectionState.REJECTED: (lazy_gettext("没有同意"), ""),
}
