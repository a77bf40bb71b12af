"""What buyers call off or give back, of every cooperative; staff may act in its place."""

from flask import Blueprint

from shop.accounts.roles import Permission
from shop.web.claim_desk import ClaimDesk, add_claim_pages

blueprint = Blueprint("claims", __name__, url_prefix="/claims")
add_claim_pages(blueprint, ClaimDesk("staff", Permission.READ_ORDERS, Permission.REFUND, lambda: None))
