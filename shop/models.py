"""Every table of the house in one place, for migrations and for whoever needs the whole metadata."""

from shop.accounts import models as accounts
from shop.cart import models as cart
from shop.catalog import models as catalog
from shop.ledger import models as ledger
from shop.offers import models as offers
from shop.orders import claim_models as claims
from shop.orders import models as orders
from shop.origin import models as origin
from shop.outbox import models as outbox
from shop.papers import models as papers
from shop.payments import models as payments
from shop.pictures import models as pictures
from shop.reports import models as reports
from shop.reports import saved_models as saved_reports
from shop.shipping import models as shipping
from shop.stock import models as stock
from shop.voices import models as voices

__all__ = [
    "accounts",
    "cart",
    "catalog",
    "claims",
    "ledger",
    "offers",
    "orders",
    "origin",
    "outbox",
    "papers",
    "payments",
    "pictures",
    "reports",
    "saved_reports",
    "shipping",
    "stock",
    "voices",
]
