"""What the shop sold for the villages, open to everybody."""

import json

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.extensions import limiter
from shop.kit.clock import business_day, utc_now
from shop.reports.impact_page import impact_page
from shop.web.current import needs

blueprint = Blueprint("impact", __name__)

_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@blueprint.get("/impact")
@needs(Permission.ANYONE)
@limiter.limit("120 per minute")
def show() -> str | Response:
    """Net sales by village, town, month and way of selling; with `format=csv` or `json` the same as a file."""
    now = utc_now()
    asked = request.args.get("year", "")
    page = impact_page(
        year=int(asked) if asked.isascii() and asked.isdecimal() and len(asked) == 4 else None, now=now, today=business_day(now)
    )
    form = request.args.get("format")
    if form not in _TYPES:
        return render_template("storefront/impact/show.html", page=page)
    content = page.as_csv() if form == "csv" else json.dumps(page.as_json(), ensure_ascii=False, indent=2).encode()
    name = f"impact-{page.since}-{page.until}.{form}"
    return Response(content, content_type=_TYPES[form], headers={"Content-Disposition": f'attachment; filename="{name}"'})
