"""The cooperative's workplace, made for a phone between two fields."""

from flask import Blueprint

from shop.web.cooperative import (
    certificates,
    claims,
    corrections,
    costs,
    dividends,
    goods,
    lots,
    messages,
    money,
    orders,
    recalls,
    reviews,
    shipping,
    stock,
    today,
    words,
)

blueprint = Blueprint("cooperative", __name__, url_prefix="/cooperative")
blueprint.register_blueprint(today.blueprint)
blueprint.register_blueprint(stock.blueprint)
blueprint.register_blueprint(lots.blueprint)
blueprint.register_blueprint(certificates.blueprint)
blueprint.register_blueprint(recalls.blueprint)
blueprint.register_blueprint(corrections.blueprint)
blueprint.register_blueprint(goods.blueprint)
blueprint.register_blueprint(orders.blueprint)
blueprint.register_blueprint(reviews.blueprint)
blueprint.register_blueprint(shipping.blueprint)
blueprint.register_blueprint(messages.blueprint)
blueprint.register_blueprint(claims.blueprint)
blueprint.register_blueprint(money.blueprint)
blueprint.register_blueprint(costs.blueprint)
blueprint.register_blueprint(dividends.blueprint)


@blueprint.context_processor
def say() -> dict[str, object]:
    """What the cooperative's templates say of stock."""
    return {
        "age": words.age,
        "ago": words.ago,
        "attention": words.attention,
        "attention_state": words.attention_state,
        "signed": words.signed,
        "weekday": words.weekday,
        "what_happened": words.what_happened,
        "whose": words.whose,
        "why": words.why,
    }
