"""The staff's workplace: what needs a person, orders, sales by village."""

from flask import Blueprint

from shop.web import settlement_words
from shop.web.staff import (
    accreditations,
    approvals,
    audit,
    bank,
    claims,
    corrections,
    costs,
    desk,
    dividends,
    edits,
    exports,
    fapiao,
    goods,
    imports,
    lists,
    messages,
    money,
    months,
    offline,
    orders,
    pairings,
    people,
    places,
    ready,
    recalls,
    refunds,
    reports,
    reviews,
    saved,
    settlements,
    shipping,
    suspicions,
    villages,
    vouchers,
)

blueprint = Blueprint("staff", __name__, url_prefix="/staff")

blueprint.register_blueprint(desk.blueprint)
blueprint.register_blueprint(approvals.blueprint)
blueprint.register_blueprint(bank.blueprint)
blueprint.register_blueprint(refunds.blueprint)
blueprint.register_blueprint(claims.blueprint)
blueprint.register_blueprint(orders.blueprint)
blueprint.register_blueprint(messages.blueprint)
blueprint.register_blueprint(edits.blueprint)
blueprint.register_blueprint(lists.blueprint)
blueprint.register_blueprint(vouchers.blueprint)
blueprint.register_blueprint(fapiao.blueprint)
blueprint.register_blueprint(corrections.blueprint)
blueprint.register_blueprint(goods.blueprint)
blueprint.register_blueprint(places.blueprint)
blueprint.register_blueprint(accreditations.blueprint)
blueprint.register_blueprint(pairings.blueprint)
blueprint.register_blueprint(shipping.blueprint)
blueprint.register_blueprint(recalls.blueprint)
blueprint.register_blueprint(villages.blueprint)
blueprint.register_blueprint(reports.blueprint)
blueprint.register_blueprint(reviews.blueprint)
blueprint.register_blueprint(ready.blueprint)
blueprint.register_blueprint(saved.blueprint)
blueprint.register_blueprint(exports.blueprint)
blueprint.register_blueprint(costs.blueprint)
blueprint.register_blueprint(dividends.blueprint)
blueprint.register_blueprint(imports.blueprint)
blueprint.register_blueprint(offline.blueprint)
blueprint.register_blueprint(settlements.blueprint)
blueprint.register_blueprint(months.blueprint)
blueprint.register_blueprint(people.blueprint)
blueprint.register_blueprint(audit.blueprint)
blueprint.register_blueprint(suspicions.blueprint)
settlement_words.register(blueprint)
blueprint.register_blueprint(money.blueprint)
