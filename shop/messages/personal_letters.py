"""Letters about what is known of a person: to whoever is reached there, since it may not be they who asked."""

from datetime import datetime

from config import Config
from shop.accounts.queries import find_account
from shop.kit.ids import OrderId, UserId
from shop.messages.kinds import Values
from shop.outbox.service import ClaimedLetter
from shop.reports.letter_facts import find_order_link


def forget_asked(letter: ClaimedLetter, config: Config) -> Values | None:
    """When everything will be emptied, and where that can still be stopped."""
    link = _link(letter, config)
    return {"due_at": datetime.fromisoformat(str(letter.facts["due_at"])), "link": link} if link else None


def _link(letter: ClaimedLetter, config: Config) -> str | None:
    if letter.facts["user_id"] is not None:
        account = find_account(UserId(int(str(letter.facts["user_id"]))))
        return f"{config.public_url}/account/data/" if account else None
    found = find_order_link(OrderId(int(str(letter.facts["order_id"]))))
    return f"{config.public_url}/orders/{found[0]}/data?key={found[1]}" if found else None
