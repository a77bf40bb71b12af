"""How long providers send money back by the way it came."""

from datetime import timedelta

import pytest

from shop.payments.windows import is_past_window, window_ends
from tests.shopping import NOW


@pytest.mark.parametrize(("method", "days"), [("alipay", 90), ("wechat_pay", 180)])
def test_a_window_ends_to_the_second(method: str, days: int) -> None:
    end = NOW + timedelta(days=days)
    assert window_ends(method, NOW) == end
    assert not is_past_window(method, NOW, now=end - timedelta(seconds=1))
    assert is_past_window(method, NOW, now=end)


def test_cards_have_none() -> None:
    assert window_ends("card", NOW) is None
    assert not is_past_window("card", NOW, now=NOW + timedelta(days=3650))
    assert not is_past_window(None, None, now=NOW)
