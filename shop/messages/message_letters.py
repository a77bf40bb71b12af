"""Letters about messages on an order: to its buyer, with the words; to the cooperative, without them and without who the buyer is."""

from config import Config
from shop.kit.ids import MessageId
from shop.messages.kinds import Values
from shop.outbox.service import ClaimedLetter
from shop.reports.conversation import find_told
from shop.voices.models import Side


def message_to_buyer(letter: ClaimedLetter, config: Config) -> Values | None:
    """Who has written what about their order."""
    told = find_told(MessageId(int(str(letter.facts["message_id"]))))
    if told is None:
        return None
    speaks = told.side is Side.COOPERATIVE
    who = ((told.cooperative_name_en if letter.locale == "en" else "") or told.cooperative_name) if speaks else ""
    link = f"{config.public_url}/orders/{told.order_number}/messages?key={told.order_key}"
    return {"number": told.order_number, "who": who or "", "words": told.words, "link": link}


def message_to_cooperative(letter: ClaimedLetter, config: Config) -> Values | None:
    """That somebody wrote about one of their parcels."""
    told = find_told(MessageId(int(str(letter.facts["message_id"]))))
    if told is None or told.shipment_id is None:
        return None
    link = f"{config.public_url}/cooperative/orders/{told.shipment_id}/messages"
    return {"number": told.order_number, "is_buyer": told.side is Side.BUYER, "link": link}
