"""What an entry of `shop/messages/letters.py` is: how the facts of one kind of letter are read when it is sent."""

from collections.abc import Callable, Mapping

from config import Config
from shop.outbox.service import ClaimedLetter

Values = Mapping[str, object]
"""What a pair of templates needs; `link`, the address that the letter leads to, always."""

Reader = Callable[[ClaimedLetter, Config], Values | None]
"""Reads the facts of a letter as they stand now, in the letter's language. None: there is nothing to say any more, and nothing is sent."""
