"""The shop as buyers see it: home, shelves, origin, basket, checkout, the order's page."""

from flask import Blueprint

from shop.web import claim_words, goods_words
from shop.web.storefront import (
    again,
    cart,
    checkout,
    claims,
    cooperatives,
    data,
    delivery,
    dividends,
    fapiao,
    home,
    impact,
    language,
    lot_words,
    lots,
    messages,
    orders,
    pages,
    papers,
    parts,
    products,
    reading,
    reviews,
    seasons,
    seen,
    sharing,
    structured,
    suggest,
    transfers,
    villages,
    wishes,
    words,
)

blueprint = Blueprint("storefront", __name__)

words.register(blueprint)
lot_words.register(blueprint)
sharing.register(blueprint)
structured.register(blueprint)
goods_words.register(blueprint)
claim_words.register(blueprint)
blueprint.register_blueprint(home.blueprint)
blueprint.register_blueprint(products.blueprint)
blueprint.register_blueprint(suggest.blueprint)
blueprint.register_blueprint(seen.blueprint)
blueprint.register_blueprint(seasons.blueprint)
blueprint.register_blueprint(impact.blueprint)
blueprint.register_blueprint(sharing.blueprint)
blueprint.register_blueprint(villages.blueprint)
blueprint.register_blueprint(cooperatives.blueprint)
blueprint.register_blueprint(lots.blueprint)
blueprint.register_blueprint(pages.blueprint)
blueprint.register_blueprint(language.blueprint)
blueprint.register_blueprint(reading.blueprint)
blueprint.register_blueprint(parts.blueprint)
blueprint.register_blueprint(cart.blueprint)
blueprint.register_blueprint(delivery.blueprint)
blueprint.register_blueprint(checkout.blueprint)
blueprint.register_blueprint(orders.blueprint)
blueprint.register_blueprint(transfers.blueprint)
blueprint.register_blueprint(data.blueprint)
blueprint.register_blueprint(papers.blueprint)
blueprint.register_blueprint(again.blueprint)
blueprint.register_blueprint(fapiao.blueprint)
blueprint.register_blueprint(messages.blueprint)
blueprint.register_blueprint(claims.blueprint)
blueprint.register_blueprint(dividends.blueprint)
blueprint.register_blueprint(reviews.blueprint)
blueprint.register_blueprint(wishes.blueprint)
