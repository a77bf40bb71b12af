"""What a buyer types who wants a fapiao, at checkout or later; what is needed follows from who it is for."""

import re

from flask_babel import gettext, lazy_gettext
from wtforms import StringField

from shop.kit.text import fold
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import FapiaoKind
from shop.papers.tax_numbers import WrongNumber, read_tax_number
from shop.web.address_form import refuse
from shop.web.typed import clean

LONGEST_TITLE = 100

EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")


class FapiaoFields:
    """The fields, for a form to be mixed into."""

    fapiao = StringField(lazy_gettext("发票"))
    fapiao_title = StringField(lazy_gettext("抬头"))
    tax_number = StringField(lazy_gettext("税号"))
    fapiao_email = StringField(lazy_gettext("收发票的邮箱"))


def check_fapiao(form: FapiaoFields, *, usual_email: str = "") -> FapiaoWanted | None:
    """Whom it is made out to; None when none is wanted, or when something is wrong, which then stands beside its field.

    `usual_email`: where it goes when no address of its own is typed.
    """
    if form.fapiao.data not in (FapiaoKind.PERSON.value, FapiaoKind.FIRM.value):
        form.fapiao.data = ""
        return None
    kind = FapiaoKind(form.fapiao.data)
    title = clean(form.fapiao_title.data, most=LONGEST_TITLE + 1)
    if not title:
        refuse(form.fapiao_title, gettext("写上抬头：个人写姓名。") if kind is FapiaoKind.PERSON else gettext("写上抬头：单位的全称。"))
    elif len(title) > LONGEST_TITLE:
        refuse(form.fapiao_title, gettext("最多 %(most)s 字。", most=LONGEST_TITLE))
    number = read_tax_number(form.tax_number.data or "") if kind is FapiaoKind.FIRM else None
    if isinstance(number, WrongNumber):
        refuse(form.tax_number, _about_number(number, form.tax_number.data or ""))
    email = fold(form.fapiao_email.data or "").lower() or usual_email
    if not email:
        refuse(form.fapiao_email, gettext("写上邮箱，电子发票寄到那里。"))
    elif not is_email(email):
        if email == usual_email:  # that has words of its own beside it
            return None
        refuse(form.fapiao_email, gettext("这不像一个邮箱地址，检查一下。"))
    if form.fapiao_title.errors or form.tax_number.errors or form.fapiao_email.errors:
        return None
    return FapiaoWanted(kind, title, number, email)


def is_email(text: str) -> bool:
    """Whether letters may be sent there."""
    return len(text) <= 254 and EMAIL.fullmatch(text) is not None


def _about_number(wrong: WrongNumber, typed: str) -> str:
    if wrong is WrongNumber.MISSING:
        return str(gettext("写上税号，给单位开发票要用。"))
    if wrong is WrongNumber.LENGTH:
        count = sum(sign.isalnum() for sign in fold(typed))
        return str(gettext("税号是 18 位（旧的 15 或 20 位），这里有 %(count)s 位。", count=count))
    if wrong is WrongNumber.SIGNS:
        return str(gettext("税号只有数字和大写字母，没有 I、O、S、V、Z；看看是不是把 0 写成了 O。"))
    return str(gettext("最后一位对不上前面的，有一位写错了，或者两位写反了。"))
