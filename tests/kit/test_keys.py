"""Keys that stand in no row."""

from shop.kit.keys import derived_key, is_link_key, link_key


def test_a_link_key_opens_its_own_row_only_for_its_own_purpose_and_with_the_shops_own_secret() -> None:
    key = link_key("secret", "invite", "seed")
    assert is_link_key(key, "secret", "invite", "seed")
    assert not is_link_key(key, "secret", "invite", "another seed")
    assert not is_link_key(key, "secret", "password", "seed")
    assert not is_link_key(key, "another secret", "invite", "seed")
    assert not is_link_key("键", "secret", "invite", "seed")


def test_purposes_share_no_key() -> None:
    assert len({derived_key("secret", purpose) for purpose in ("a", "b", "")}) == 3
    assert len(derived_key("secret", "a")) == 32
