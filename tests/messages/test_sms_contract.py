"""What every provider of short messages keeps. A new one gets its entry in `provider`."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shop.messages.sms.outbox.gateway import OutboxFiles
from shop.messages.sms.provider import ShortMessage, SmsProvider, SmsRefused, SmsUnavailable

MESSAGE = ShortMessage(
    once="0000042-order_paid-SH-1",
    to_phone="13800132207",
    kind="order_paid",
    locale="zh",
    about="收到了",
    link="http://shop.test/orders/SH-1?key=1",
    text="【山海集】收到了 http://shop.test/orders/SH-1?key=1",
)


@dataclass
class OutboxWorld:
    """The folder, and what lies in it."""

    folder: Path

    def provider(self) -> SmsProvider:
        return OutboxFiles(self.folder)

    def arrived(self) -> list[str]:
        return [file.read_text(encoding="utf-8") for file in self.folder.glob("*.txt")]

    def go_down(self) -> None:
        self.folder.write_text("a file stands where the folder should be")


@pytest.fixture(params=[OutboxWorld])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> OutboxWorld:
    made: OutboxWorld = request.param(tmp_path / "outbox")
    return made


def test_a_message_reaches_its_number_whole(world: OutboxWorld) -> None:
    world.provider().send(MESSAGE)
    (arrived,) = world.arrived()
    assert MESSAGE.to_phone in arrived and MESSAGE.text in arrived


def test_a_message_sent_twice_arrives_once(world: OutboxWorld) -> None:
    world.provider().send(MESSAGE)
    world.provider().send(MESSAGE)
    assert len(world.arrived()) == 1


def test_a_number_that_is_none_is_refused_without_being_said(world: OutboxWorld) -> None:
    with pytest.raises(SmsRefused) as refusal:
        world.provider().send(replace(MESSAGE, to_phone="0512-57570000"))
    assert "5757" not in str(refusal.value) and not world.folder.exists()


def test_a_provider_that_does_not_answer_is_unavailable(world: OutboxWorld) -> None:
    world.go_down()
    with pytest.raises(SmsUnavailable) as trouble:
        world.provider().send(MESSAGE)
    assert MESSAGE.to_phone not in str(trouble.value)
