"""The contract of a provider of short messages. Every provider passes `tests/messages/test_sms_contract.py`."""

from dataclasses import dataclass
from typing import Protocol


class SmsUnavailable(Exception):
    """No clear answer: sending again later is safe. Its text holds no number."""


class SmsRefused(Exception):
    """The provider said no to this message, e.g. to its number. Its text holds no number."""


@dataclass(frozen=True)
class ShortMessage:
    """One message to one telephone.

    Providers of mainland China send approved templates, not free text: they take `kind`, `locale` and the two gaps `about` and `link`. Others take `text`.
    """

    once: str
    """Letters, digits, `_` and `-`. Sent twice under the same name, it is one message."""
    to_phone: str
    """A mainland mobile number, eleven digits."""
    kind: str
    """Of the letter: which approved template."""
    locale: str
    about: str
    """One line without an address."""
    link: str
    text: str
    """The whole message, with the shop's sign 【…】 in front."""


class SmsProvider(Protocol):
    """Whoever sends short messages."""

    def send(self, message: ShortMessage) -> None:
        """Send it, once.

        Raises SmsUnavailable or SmsRefused.
        """
        ...
