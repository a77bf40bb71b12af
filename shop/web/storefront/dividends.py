"""Dividends before the public: what was published of a village 公示, and the page on which a village confirms that it has been paid.

The page of a receipt asks for no account: whoever has its link speaks for the village. Its key is 128 bits; any other address looks like none.
"""

import hmac

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.ids import RunId
from shop.ledger.dividends import RunState
from shop.ledger.dividing import answer, receipt_key
from shop.ledger.errors import NoReason, NoSuchRun, NotInThisState
from shop.ledger.models import ReceiptAnswer
from shop.reports.dividend_pages import PaymentRow, Statement, find_receipt, find_village, get_statement, run_rows
from shop.web.current import needs, settings
from shop.web.dividend_words import register, statement_csv
from shop.web.errors import go
from shop.web.storefront.addresses import slug_in
from shop.web.typed import clean

blueprint = Blueprint("dividends", __name__)
register(blueprint)

LONGEST_WORD = 120


@blueprint.get("/villages/<slug>/dividends/")
@needs(Permission.ANYONE)
def index(slug: str) -> str:
    """What is public of a village's dividends, the latest first."""
    village = find_village(slug_in(slug))
    if village is None:
        raise NoSuchRun
    village_id, name, name_en = village
    return render_template(
        "storefront/dividends/index.html", slug=slug_in(slug), name=name, name_en=name_en, runs=run_rows(published_of=village_id)
    )


@blueprint.get("/villages/<slug>/dividends/<int(max=9223372036854775807):run_id>")
@needs(Permission.ANYONE)
def show(slug: str, run_id: int) -> str | Response:
    """One published statement: sums, and counts that are not small. A page to print on A4, or a table."""
    statement = get_statement(RunId(run_id))
    if statement.run.state is not RunState.PUBLISHED or statement.run.village_slug != slug_in(slug):
        raise NoSuchRun
    if request.args.get("format") == "csv":
        return statement_csv(statement, is_public=True)
    return render_template("storefront/dividends/show.html", statement=statement)


@blueprint.get("/dividends/<int(max=9223372036854775807):payment_id>/<key>")
@needs(Permission.ANYONE)
@limiter.limit("60 per minute")
def receipt(payment_id: int, key: str) -> str:
    """What was paid to a village, to be confirmed or disputed."""
    return _receipt_page(*_find(payment_id, key), key)


@blueprint.post("/dividends/<int(max=9223372036854775807):payment_id>/<key>")
@needs(Permission.ANYONE)
@limiter.limit("20 per minute")
def say(payment_id: int, key: str) -> Response | tuple[str, int]:
    """The village's word."""
    statement, payment = _find(payment_id, key)
    said = ReceiptAnswer.DISPUTED if request.form.get("do") == "dispute" else ReceiptAnswer.CONFIRMED
    word = clean(request.form.get("word"), most=LONGEST_WORD) if said is ReceiptAnswer.DISPUTED else ""
    try:
        if said is ReceiptAnswer.CONFIRMED and request.form.get("do") != "confirm":
            raise NotInThisState  # neither of the two buttons
        answer(payment.id, said, word=word, now=utc_now())
    except NoReason:
        return _receipt_page(statement, payment, key, error=gettext("写一句哪里不对，合作社才知道怎么查。")), 422
    except NotInThisState:
        flash(gettext("没有记：这一笔已经有了结果，或者合作社另记了一笔。看下面现在的样子。"), "warning")
    else:
        flash(gettext("记下了，谢谢。") if said is ReceiptAnswer.CONFIRMED else gettext("记下了。合作社和平台会看到你写的话。"), "success")
    return go("storefront.dividends.receipt", payment_id=payment_id, key=key)


def _find(payment_id: int, key: str) -> tuple[Statement, PaymentRow]:
    statement = find_receipt(payment_id)
    payment = next((each for each in statement.payments if each.id == payment_id), None) if statement else None
    if statement is None or payment is None:
        raise NoSuchRun
    right = receipt_key(payment.id, payment.once, settings().secret_key)
    if not hmac.compare_digest(right.encode(), key.encode()):
        raise NoSuchRun
    return statement, payment


def _receipt_page(statement: Statement, payment: PaymentRow, key: str, error: str = "") -> str:
    return render_template("storefront/dividends/receipt.html", statement=statement, payment=payment, key=key, error=error)
