"""What the pages of somebody's own data say, for accounts and for guests alike."""

from flask import Response
from flask_babel import lazy_gettext

from shop.acts.personal_data import Matter, OpenMatter

_MATTERS = {
    Matter.ORDER: lazy_gettext("订单 %(number)s 还没有走完，或者还在退货期里"),
    Matter.REFUND: lazy_gettext("订单 %(number)s 有一笔钱还没有退到"),
    Matter.DISPUTE: lazy_gettext("订单 %(number)s 银行还在看"),
    Matter.RETURN: lazy_gettext("订单 %(number)s 的退货还没有办完"),
    Matter.FAPIAO: lazy_gettext("订单 %(number)s 要的发票还没有开"),
    Matter.DUTY: lazy_gettext("你还在合作社或这里做事，先请管理员把你移出来"),
}


def said_matters(matters: tuple[OpenMatter, ...]) -> list[str]:
    """Why not yet, one sentence each."""
    return [str(_MATTERS[each.matter]) % {"number": each.number} for each in matters]


def copy_file(content: bytes, name: str) -> Response:
    """The copy as a download that nobody else keeps."""
    answer = Response(content, mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
