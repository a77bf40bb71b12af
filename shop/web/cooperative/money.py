"""What the cooperative is owed, why, and what it was paid: each figure opens its orders."""

from flask import Blueprint, Response, render_template, request

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId
from shop.ledger.models import SettlementState
from shop.reports import cooperative_pages as pages
from shop.reports.settlement_pages import Owed, money_of, owed_lines, settled_lines, settlement_rows, statement
from shop.web.current import needs, somebody
from shop.web.settlement_words import statement_csv

blueprint = Blueprint("money", __name__, url_prefix="/money")


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """Owed now, waiting for the window, the next settlement, and every one before."""
    ids, today = somebody().cooperative_ids, business_day(utc_now())
    own = pages.own_cooperatives(ids)
    rows = settlement_rows(ids)
    return render_template(
        "cooperative/money/index.html",
        cooperatives=own,
        money=[(each, money_of(each.id, today=today)) for each in own],
        rows=rows,
        last_paid=next((row for row in rows if row.state is SettlementState.PAID), None),
    )


@blueprint.get("/owed/<what>")
@needs(Permission.COOPERATIVE)
def owed(what: str) -> str:
    """The orders behind one figure of what is owed; of one village with `village`."""
    ids = somebody().cooperative_ids
    cooperative_id = request.args.get("cooperative", type=int) or ids[0]
    if what not in set(Owed) or cooperative_id not in ids:
        raise NotFound
    village_id, page = request.args.get("village", type=int), request.args.get("page", 1, type=int)
    behind = owed_lines(CooperativeId(cooperative_id), Owed(what), today=business_day(utc_now()), village_id=village_id, page=page)
    arguments = {"what": what} | {name: value for name, value in request.args.items() if name in ("village", "cooperative")}
    return render_template(
        "cooperative/money/lines.html",
        cooperatives=pages.own_cooperatives(ids),
        behind=behind,
        what=Owed(what),
        number="",
        endpoint="cooperative.money.owed",
        arguments=arguments,
    )


@blueprint.get("/<number>")
@needs(Permission.COOPERATIVE)
def show(number: str) -> str:
    """A statement that stands."""
    ids = somebody().cooperative_ids
    return render_template(
        "cooperative/money/show.html", cooperatives=pages.own_cooperatives(ids), statement=statement(number, cooperative_ids=ids)
    )


@blueprint.get("/<number>/lines")
@needs(Permission.COOPERATIVE)
def lines(number: str) -> str:
    """The orders behind one figure of a statement."""
    ids = somebody().cooperative_ids
    found = statement(number, cooperative_ids=ids)
    village_id, product_id = request.args.get("village", type=int), request.args.get("product", type=int)
    behind = settled_lines(found.facts.id, village_id=village_id, product_id=product_id, page=request.args.get("page", 1, type=int))
    arguments = {"number": number} | {name: value for name, value in request.args.items() if name in ("village", "product")}
    return render_template(
        "cooperative/money/lines.html",
        cooperatives=pages.own_cooperatives(ids),
        behind=behind,
        what=None,
        number=number,
        endpoint="cooperative.money.lines",
        arguments=arguments,
    )


@blueprint.get("/<number>/statement.csv")
@needs(Permission.COOPERATIVE)
def as_csv(number: str) -> Response:
    """The statement with every line, as a file."""
    found = statement(number, cooperative_ids=somebody().cooperative_ids)
    return statement_csv(found, settled_lines(found.facts.id, page=None))
