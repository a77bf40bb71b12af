"""Taking up an invite: its link leads here, through the door if need be."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.invites import COOPERATIVE, OpenInvite, get_invite
from shop.accounts.roles import Permission, Role
from shop.acts.accept_invite import accept_invite
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.ids import CooperativeId, InviteId
from shop.origin.queries import cooperative_name
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.role_words import ROLE_WORDS
from shop.web.storefront.words import said

blueprint = Blueprint("invites", __name__, url_prefix="/invites")

_ID = "int(max=9223372036854775807)"


@blueprint.get(f"/<{_ID}:invite_id>")
@needs(Permission.ANYONE)
@limiter.limit("30 per 5 minutes")
def show(invite_id: int) -> str:
    """What the link is for, and the way in. Opening it uses nothing up."""
    key = request.args.get("key", "")
    invite = get_invite(InviteId(invite_id), key, shop_secret=settings().secret_key, now=utc_now())
    return render_template("account/invites/show.html", invite=invite, joins=_what(invite), key=key, back=request.full_path)


@blueprint.post(f"/<{_ID}:invite_id>")
@needs(Permission.SIGNED_IN)
def accept(invite_id: int) -> Response:
    """Join."""
    key = request.form.get("key", "")
    kind = accept_invite(InviteId(invite_id), key, shop_secret=settings().secret_key, by=somebody().user_id, now=utc_now())
    flash(gettext("欢迎，工作台已经给你打开。"), "success")
    return go("cooperative.today.index" if kind == COOPERATIVE else "staff.desk.index")


def _what(invite: OpenInvite) -> list[str]:
    """What is joined, in words."""
    if invite.kind == COOPERATIVE:
        names = cooperative_name(CooperativeId(int(str(invite.grants["cooperative_id"]))))
        return [said(*names)]
    roles = invite.grants["roles"]
    assert isinstance(roles, list)
    return [str(ROLE_WORDS[Role(role)]) for role in roles]
