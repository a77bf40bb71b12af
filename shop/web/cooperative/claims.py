"""What buyers call off or give back of the cooperative's goods."""

from flask import Blueprint

from shop.accounts.roles import Permission
from shop.web.claim_desk import ClaimDesk, add_claim_pages
from shop.web.current import somebody

blueprint = Blueprint("claims", __name__, url_prefix="/claims")
add_claim_pages(blueprint, ClaimDesk("cooperative", Permission.COOPERATIVE, Permission.COOPERATIVE, lambda: somebody().cooperative_ids))
