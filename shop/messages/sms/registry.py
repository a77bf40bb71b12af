"""Which provider of short messages the settings name: one line each."""

from config import Config
from shop.messages.sms.outbox.gateway import OutboxFiles
from shop.messages.sms.provider import SmsProvider


def sms_provider(config: Config) -> SmsProvider:
    """The provider. There is none with keys yet, so messages are files in `instance/outbox/`."""
    return OutboxFiles(config.instance_path / "outbox")
