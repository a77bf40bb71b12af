"""Letters about an account itself: their subject is `user:<id>`."""

from datetime import datetime

from flask_babel import gettext

from config import Config
from shop.accounts.queries import find_account
from shop.kit.ids import UserId
from shop.messages.kinds import Values
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
