"""Lots that were called back, and calling one back by its code."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.errors import NotFound
from shop.reports.recall_page import recall_page, recalls
from shop.web.current import needs
from shop.web.errors import go
from shop.web.recall_desk import RECALL_KINDS, RecallDesk, add_recall_pages
from shop.web.storefront.addresses import code_in

blueprint = Blueprint("recalls", __name__, url_prefix="/recalls")


@blueprint.get("/")
@needs(Permission.GOODS)
def index() -> str | Response:
    """All of them; with `code`, to that lot."""
    asked = request.args.get("code", "").strip()
    if asked:
        try:
            return go("staff.recalls.show", code=recall_page(code_in(asked), None).code)
        except NotFound:
            flash(gettext("没有这一批：%(code)s。看看袋上的码。", code=asked[:24]), "warning")
    return render_template("staff/recalls/index.html", rows=recalls(), kinds=RECALL_KINDS, asked=asked[:24])


add_recall_pages(blueprint, RecallDesk("staff", Permission.GOODS, lambda: None), "/<code>")
