"""Letters about an account itself. Their subject is `user:<id>` or `invite:<id>`; keys in links are made here and stand in no row."""

from datetime import datetime

from flask_babel import gettext

from config import Config
from shop.accounts.invites import COOPERATIVE, find_open_invite
from shop.accounts.new_emails import confirm_path, find_new_email
from shop.accounts.own import reset_address
from shop.accounts.queries import find_account, find_credentials
from shop.accounts.sign_ups import find_sign_up
from shop.kit.clock import utc_now
from shop.kit.ids import CooperativeId, InviteId, SignUpId, UserId
from shop.messages.kinds import Values
from shop.origin.queries import cooperative_name
from shop.outbox.service import ClaimedLetter


def account_changed(letter: ClaimedLetter, config: Config) -> Values | None:
    """Something that opens the account was changed: whoever did not do it should know at once. The letter goes to where one was reached before."""
    account = find_account(UserId(int(str(letter.facts["user_id"]))))
    if account is None:
        return None
    said = {
        "password": gettext("登录密码"),
        "email": gettext("登录用的邮箱"),
        "phone": gettext("登录用的手机号"),
        "two_factor": gettext("两步验证"),
    }
    return {
        "name": account.name,
        "what": said[str(letter.facts["what"])],
        "at": datetime.fromisoformat(str(letter.facts["at"])),
        "link": f"{config.public_url}/account/",
    }


def password_reset(letter: ClaimedLetter, config: Config) -> Values | None:
    """The link for a forgotten password. Nobody has this address: nothing is sent, and who asked was told the same."""
    at = int(str(letter.facts["at"]))
    whom = {"email": letter.to_email, "phone": None if letter.to_email else letter.to_phone}
    path = reset_address(**whom, at=at, shop_secret=config.secret_key, allow_demo=config.is_demo)
    return {"link": f"{config.public_url}{path}"} if path else None


def invite(letter: ClaimedLetter, config: Config) -> Values | None:
    """A link by which somebody joins; nothing when it was withdrawn or used meanwhile."""
    found = find_open_invite(InviteId(int(str(letter.facts["invite_id"]))), now=utc_now())
    if found is None:
        return None
    names = cooperative_name(CooperativeId(int(str(found.grants["cooperative_id"])))) if found.kind == COOPERATIVE else None
    return {
        "cooperative": (names[1] if letter.locale == "en" else "") or names[0] if names else "",
        "invited_by": found.made_by_name or "",
        "until": found.expires_at,
        "link": f"{config.public_url}{found.path(config.secret_key)}",
    }


def sign_up(letter: ClaimedLetter, config: Config) -> Values | None:
    """The last step to an account; or, to whoever has one already, that they have."""
    found = find_sign_up(SignUpId(int(str(letter.facts["sign_up_id"]))), now=utc_now())
    if found is None:
        return None
    is_known = find_credentials(email=found.email, phone=found.phone) is not None
    path = "/account/sign-in" if is_known else found.path(config.secret_key)
    return {"is_known": is_known, "link": f"{config.public_url}{path}"}


def email_confirm(letter: ClaimedLetter, config: Config) -> Values | None:
    """The link that makes a new address count; or, to whoever has it already, that somebody wanted it. Nothing once another was asked for."""
    found = find_new_email(UserId(int(str(letter.facts["user_id"]))), now=utc_now())
    if found is None or found[2] != datetime.fromisoformat(str(letter.facts["asked_at"])):
        return None
    is_known = find_credentials(email=found[0]) is not None
    path = "/account/sign-in" if is_known else confirm_path(found[1], config.secret_key)
    return {"is_known": is_known, "link": f"{config.public_url}{path}"}
