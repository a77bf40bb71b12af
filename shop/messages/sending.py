"""Sending letters that wait: by e-mail if there is an address, else as a short message; into a folder where there is no mail server.

Law: a letter is claimed, written out, sent and then marked; no transaction is open while a mail server is spoken to. A crash between sending
and marking sends it again, under the same Message-ID. Addresses are never logged.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from config import Config
from shop.extensions import end_reading, require_no_transaction
from shop.messages.files import write_whole
from shop.messages.letters import Rendered, render
from shop.messages.sms.provider import ShortMessage, SmsProvider
from shop.messages.sms.registry import sms_provider
from shop.outbox import service as outbox
from shop.outbox.service import ClaimedLetter

log = structlog.get_logger()

MOST_IN_A_ROUND = 200
_MAIL_SERVER_SECONDS = 15.0


def send_letters(config: Config, *, now: datetime) -> int:
    """Sweep. Send the letters that wait; how many left. One that fails waits longer each time and is given up after a day."""
    claimed = outbox.claim_letters(now=now)
    if not claimed:
        return 0
    sent = seen = 0
    sms = sms_provider(config)
    with _post(config) as post:
        while claimed and seen < MOST_IN_A_ROUND:
            for letter in claimed:
                sent += _send_one(letter, post, sms, config, now=now)
            seen += len(claimed)
            claimed = outbox.claim_letters(now=now)
    return sent


def _send_one(letter: ClaimedLetter, post: "Post", sms: SmsProvider, config: Config, *, now: datetime) -> bool:
    try:
        rendered = render(letter, config) if letter.to_email or letter.to_phone else None  # both are gone once the person is
        end_reading()
        if rendered is None:
            outbox.letter_dropped(letter.id, now=now)
            return True
        if letter.to_email:
            post.deliver(letter, rendered, now=now)
        else:
            sms.send(_short(letter, rendered))
        outbox.letter_sent(letter.id, now=now)
    except Exception as error:  # noqa: BLE001  # one letter's trouble keeps no other waiting
        end_reading()
        # The text of the error may hold an address, so only its kind and a mail server's number are told.
        trouble = f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".strip()
        log.warning("letter_failed", letter=letter.id, kind=letter.kind, trouble=trouble, tries=letter.tries)
        outbox.letter_failed(letter.id, trouble, tries=letter.tries, now=now)
        return False
    log.info("letter_sent", letter=letter.id, kind=letter.kind)
    return True


# ── Where letters go ──────────────────────────────────────────────────────────────────────────────────────────────────


class Post(Protocol):
    """Whoever takes letters by e-mail."""

    def deliver(self, letter: ClaimedLetter, rendered: Rendered, *, now: datetime) -> None:
        """Take one letter, or raise."""
        ...


@contextmanager
def _post(config: Config) -> Iterator[Post]:
    """The mail server of the settings, its connection kept for the round; else the folder."""
    if config.smtp_url is None:
        yield Folder(config.instance_path / "outbox", sender_of(config))
        return
    server = MailServer(config.smtp_url, sender_of(config))
    try:
        yield server
    finally:
        server.close()


def sender_of(config: Config) -> Address:
    """Who letters are from: `?from=` of the mail server's address, else the account there, else shop@ the shop's own host."""
    parts = urlsplit(config.smtp_url or "")
    named = parse_qs(parts.query).get("from", [""])[0] or unquote(parts.username or "")
    addr_spec = named if "@" in named else f"shop@{urlsplit(config.public_url).hostname}"
    return Address("山海集", addr_spec=addr_spec)


class Folder:
    """Letters as `.eml` files, one each, readable by the shop's own user alone."""

    def __init__(self, path: Path, sender: Address) -> None:
        self._path = path
        self._sender = sender

    def deliver(self, letter: ClaimedLetter, rendered: Rendered, *, now: datetime) -> None:
        """Write the letter; again under the same name if it is sent again."""
        write_whole(self._path, f"{_file_name(letter)}.eml", message(letter, rendered, self._sender, now=now, is_file=True).as_bytes())


class MailServer:
    """A mail server as `SHOP_SMTP_URL` names it: `smtps://` speaks TLS at once; `smtp://` as soon as the server offers it.

    A name and a password are only ever said inside TLS.
    """

    def __init__(self, url: str, sender: Address) -> None:
        self._url = urlsplit(url)
        self._sender = sender
        self._connection: smtplib.SMTP | None = None
        self._is_away = False

    def deliver(self, letter: ClaimedLetter, rendered: Rendered, *, now: datetime) -> None:
        """Hand the letter to the server."""
        require_no_transaction()
        connection = self._connection = self._connection or self._reach()
        try:
            connection.send_message(message(letter, rendered, self._sender, now=now, is_file=False))
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            raise  # said no to this letter; the connection stands
        except (smtplib.SMTPException, OSError):
            self._connection = None  # the next letter connects anew
            connection.close()
            raise

    def _reach(self) -> smtplib.SMTP:
        """Connect, unless that has failed already in this round: a silent server would keep every letter waiting in turn."""
        if self._is_away:
            raise smtplib.SMTPServerDisconnected
        self._is_away = True
        connection = self._connect()
        self._is_away = False
        return connection

    def close(self) -> None:
        """Say goodbye, if there is somebody to say it to."""
        if self._connection is not None:
            try:
                self._connection.quit()
            except (smtplib.SMTPException, OSError):
                self._connection.close()
            self._connection = None

    def _connect(self) -> smtplib.SMTP:
        host, context = self._url.hostname or "localhost", ssl.create_default_context()
        if self._url.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, self._url.port or 465, timeout=_MAIL_SERVER_SECONDS, context=context)
        else:
            connection = smtplib.SMTP(host, self._url.port or (587 if self._url.username else 25), timeout=_MAIL_SERVER_SECONDS)
            connection.ehlo_or_helo_if_needed()
            if self._url.username or connection.has_extn("starttls"):
                connection.starttls(context=context)
        if self._url.username:
            connection.login(unquote(self._url.username), unquote(self._url.password or ""))
        return connection


def message(letter: ClaimedLetter, rendered: Rendered, sender: Address, *, now: datetime, is_file: bool) -> EmailMessage:
    """An RFC 5322 message with both texts. Sent twice, it has the same Message-ID.

    A file can be read as it lies there; what goes over the wire is put so that every mail server takes it.
    """
    mail = EmailMessage(policy=SMTP if is_file else SMTP.clone(cte_type="7bit"))
    encoding = "8bit" if is_file else None
    mail["From"] = sender
    mail["To"] = Address(addr_spec=letter.to_email)
    mail["Subject"] = rendered.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{_file_name(letter)}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    mail.set_content(rendered.text, cte=encoding)
    mail.add_alternative(rendered.html, subtype="html", cte=encoding)
    mail["Content-Language"] = "en" if letter.locale == "en" else "zh-Hans"  # after the bodies, which take every Content- header with them
    return mail


def _short(letter: ClaimedLetter, rendered: Rendered) -> ShortMessage:
    assert letter.to_phone is not None
    return ShortMessage(_file_name(letter), letter.to_phone, letter.kind, letter.locale, rendered.subject, rendered.link, rendered.short)


def _file_name(letter: ClaimedLetter) -> str:
    """`0000042-order_paid-SH-261123-7K3M9P`, whatever was in the row."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", f"{letter.id:07d}-{letter.kind}-{letter.subject}")
