"""The staff's workplace: what needs a person, orders, sales by village."""

from flask import Blueprint

from shop.web.staff import bank, costs, desk, dividends, orders, refunds, reports

blueprint = Blueprint("staff", __name__, url_prefix="/staff")

blueprint.register_blueprint(desk.blueprint)
blueprint.register_blueprint(bank.blueprint)
blueprint.register_blueprint(refunds.blueprint)
blueprint.register_blueprint(orders.blueprint)
blueprint.register_blueprint(reports.blueprint)
blueprint.register_blueprint(costs.blueprint)
blueprint.register_blueprint(dividends.blueprint)
