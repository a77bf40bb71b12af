"""Letters over SMTP, to a small server that keeps what it is given and can be made to behave badly."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask
from sqlalchemy import select
from structlog.testing import capture_logs

from config import Config
from shop.extensions import reading
from shop.messages.sending import send_letters, sender_of
from shop.outbox.models import Letter
from tests.factories import make_lot, make_product
from tests.shopping import NOW, place


@dataclass
class Postman:
    """What arrived, and what to answer."""

    url: str = ""
    letters: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: int = 0
    logins: int = 0
    refused: frozenset[str] = frozenset()
    """Recipients that are not known here."""


@pytest.fixture
def postman() -> Iterator[Postman]:
    """A mail server on a loopback port."""
    postman = Postman()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            postman.connections += 1
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                verb = line.upper()
                if verb.startswith("EHLO"):
                    self.say("250-here\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")
                elif verb.startswith("AUTH"):
                    postman.logins += 1
                    self.say("235 welcome")
                elif verb.startswith("RCPT TO"):
                    address = line.partition("<")[2].rstrip(">")
                    self.say("550 no such person" if address in postman.refused else "250 ok")
                    postman.recipients.append(address)
                elif verb == "DATA":
                    self.say("354 go on")
                    body = b"".join(iter(self.rfile.readline, b".\r\n"))
                    postman.letters.append(body)
                    self.say("250 kept")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def say(self, words: str) -> None:
            self.wfile.write(words.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Session) as server:
        postman.url = f"smtp://127.0.0.1:{server.server_address[1]}?from=shop@shanhai.example"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield postman
        server.shutdown()
        thread.join()


def with_mail_server(app: Flask, url: str) -> Config:
    """The shop's settings with a mail server."""
    config: Config = app.config["SHOP"]
    return replace(config, smtp_url=url)


def order_for(*addresses: str) -> None:
    """One order each."""
    rice = make_product()
    make_lot(rice)
    for address in addresses:
        place({rice.sku: 1}, email=address)


def test_letters_go_through_one_connection_in_bytes_that_every_server_takes(app: Flask, postman: Postman) -> None:
    order_for("mei@example.test", "union@example.test")
    assert send_letters(with_mail_server(app, postman.url), now=NOW) == 2
    assert postman.connections == 1
    assert postman.recipients == ["mei@example.test", "union@example.test"]
    assert all(body.isascii() for body in postman.letters)
    mail = message_from_bytes(postman.letters[0], policy=policy.default)
    assert str(mail["From"]) == "山海集 <shop@shanhai.example>"
    assert mail["Message-ID"].endswith("@shanhai.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "货已经给你留着" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_an_address_that_is_refused_keeps_no_other_waiting_and_stays_out_of_the_records(app: Flask, postman: Postman) -> None:
    postman.refused = frozenset({"nobody@example.test"})
    order_for("nobody@example.test", "mei@example.test")
    with capture_logs() as logs:
        assert send_letters(with_mail_server(app, postman.url), now=NOW) == 1
    assert (len(postman.letters), postman.connections) == (1, 1)
    with reading() as session:
        trouble = session.scalars(select(Letter.trouble).where(Letter.sent_at.is_(None))).one()
    assert trouble == "SMTPRecipientsRefused"
    assert [entry["event"] for entry in logs] == ["letter_failed", "letter_sent"]
    assert "example.test" not in str(logs)


def test_a_mail_server_that_is_away_is_asked_once_a_round_and_its_letters_wait(app: Flask) -> None:
    order_for("mei@example.test", "union@example.test")
    away = with_mail_server(app, "smtp://127.0.0.1:9")
    assert send_letters(away, now=NOW) == 0
    assert send_letters(away, now=NOW + timedelta(minutes=1)) == 0
    with reading() as session:
        troubles = session.scalars(select(Letter.trouble).order_by(Letter.id)).all()
        tries = session.scalars(select(Letter.tries)).all()
    assert troubles == ["ConnectionRefusedError", "SMTPServerDisconnected"]
    assert list(tries) == [1, 1]


def test_a_password_is_never_said_in_the_open(app: Flask, postman: Postman) -> None:
    order_for("mei@example.test")
    assert send_letters(with_mail_server(app, postman.url.replace("//", "//shop:secret@")), now=NOW) == 0
    assert (postman.letters, postman.logins) == ([], 0)
    with reading() as session:
        assert session.scalars(select(Letter.trouble)).one() == "SMTPNotSupportedError"


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        (None, "shop@127.0.0.1"),
        ("smtps://mail.example", "shop@127.0.0.1"),
        ("smtps://letters%40shanhai.example:pw@mail.example", "letters@shanhai.example"),
        ("smtps://account:pw@mail.example?from=hello@shanhai.example", "hello@shanhai.example"),
    ],
)
def test_letters_are_from_whom_the_settings_name(url: str | None, sender: str) -> None:
    config = Config.from_environment({})
    assert sender_of(replace(config, smtp_url=url)).addr_spec == sender
