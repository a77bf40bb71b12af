"""Calling back a lot of the cooperative's own."""

from flask import Blueprint

from shop.accounts.roles import Permission
from shop.web.current import somebody
from shop.web.recall_desk import RecallDesk, add_recall_pages

blueprint = Blueprint("recalls", __name__, url_prefix="/lots")

add_recall_pages(blueprint, RecallDesk("cooperative", Permission.COOPERATIVE, lambda: somebody().cooperative_ids), "/<code>/recall")
