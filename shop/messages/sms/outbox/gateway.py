"""Writes each message into a folder: the number, an empty line, the text."""

from pathlib import Path

from shop.kit.phones import find_mobile
from shop.messages.files import write_whole
from shop.messages.sms.provider import ShortMessage, SmsRefused, SmsUnavailable


class OutboxFiles:
    """A folder of `.txt` files, readable by the shop's own user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: ShortMessage) -> None:
        """Keeps the contract of `SmsProvider`."""
        if find_mobile(message.to_phone) != message.to_phone:
            raise SmsRefused("not a mobile number")
        try:
            write_whole(self._folder, f"{message.once}.txt", f"{message.to_phone}\n\n{message.text}\n".encode())
        except OSError as error:
            raise SmsUnavailable(type(error).__name__) from None
