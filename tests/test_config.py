"""A wrong setting stops the start and says its name; production refuses everything that is only for showing."""

import re
from pathlib import Path

import pytest

from config import SANDBOX_WEBHOOK_SECRET, BadSetting, Config

PRODUCTION = {
    "SHOP_ENV": "production",
    "SHOP_SECRET_KEY": "x" * 40,
    "SHOP_PUBLIC_URL": "https://shop.example.test",
    "STRIPE_SECRET_KEY": "sk_live_example",
    "STRIPE_WEBHOOK_SECRET": "whsec_example",
}


def test_nothing_needs_to_be_set_in_development() -> None:
    config = Config.from_environment({})
    assert config.database_url.startswith("sqlite:///")
    assert config.is_sandbox
    assert config.is_demo
    assert config.public_url == "http://127.0.0.1:8000"


def test_port_moves_the_public_address() -> None:
    assert Config.from_environment({"PORT": "8123"}).public_url == "http://127.0.0.1:8123"


def test_a_complete_production_talks_to_stripe_itself() -> None:
    config = Config.from_environment(PRODUCTION)
    assert config.stripe_api_base is None
    assert not config.is_demo
    assert config.for_flask()["SESSION_COOKIE_SECURE"] is True
    assert config.stripe_pay_host == "https://checkout.stripe.com"


@pytest.mark.parametrize("name", sorted(PRODUCTION.keys() - {"SHOP_ENV"}))
def test_production_needs_each_secret(name: str) -> None:
    with pytest.raises(BadSetting, match=name):
        Config.from_environment({key: value for key, value in PRODUCTION.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_BASE", "http://127.0.0.1:8001"),
        ("STRIPE_SECRET_KEY", "sk_test_example"),
        ("STRIPE_WEBHOOK_SECRET", SANDBOX_WEBHOOK_SECRET),
        ("SHOP_SECRET_KEY", "short"),
        ("SHOP_PUBLIC_URL", "http://shop.example.test"),
    ],
)
def test_production_refuses_what_is_only_for_showing(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        Config.from_environment({**PRODUCTION, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_ENV", "staging"),
        ("SHOP_DATABASE_URL", "mysql://localhost/shop"),
        ("SHOP_DATABASE_SCHEMA", "Bijiang; drop"),
        ("SHOP_DATABASE_SCHEMA", "bijiang"),  # SQLite has no schemas
        ("SHOP_REDIS_URL", "http://localhost"),
        ("SHOP_SMTP_URL", "mail.example.test"),
        ("PORT", "eight thousand"),
        ("PORT", "0"),
        ("PORT", "８０００"),
        ("SHOP_TRUSTED_PROXIES", "-1"),
        ("SHOP_MAP_APPROVAL", "yes"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        Config.from_environment({name: value})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("y" * 40 + "\n", encoding="utf-8")
    assert Config.from_environment({"SHOP_SECRET_KEY_FILE": str(secret)}).secret_key == "y" * 40
    with pytest.raises(BadSetting, match="SHOP_SECRET_KEY_FILE"):
        Config.from_environment({"SHOP_SECRET_KEY_FILE": str(tmp_path / "none")})


def test_any_way_to_write_postgresql_uses_the_same_driver() -> None:
    for url in ("postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"):
        config = Config.from_environment({"SHOP_DATABASE_URL": url, "SHOP_DATABASE_SCHEMA": "bijiang"})
        assert config.database_url == "postgresql+psycopg://u@h/d"
        assert config.for_flask()["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"] == {"prepare_threshold": None}  # type: ignore[index]


def test_no_setting_is_missing_from_the_example() -> None:
    example = (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8")
    source = (Path(__file__).parents[1] / "config.py").read_text(encoding="utf-8")
    named = set(re.findall(r'"((?:SHOP|STRIPE|SANDBOX)_[A-Z_]+|PORT)"', source)) - {"SHOP_DATABASE"}
    assert not {name for name in named if name not in example}


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("SHOP_ICP", "黔ICP备2026000000号-1", "ICP 2026"),
        ("SHOP_PUBLIC_SECURITY", "贵公网安备52060202000000号", "52060202000000"),
        ("SHOP_BUSINESS_LICENCE", "91520602MA6XXXXXXX", "91520602"),
        ("SHOP_FOOD_LICENCE", "JY15206020000000", "JY1"),
    ],
)
def test_a_number_of_a_register_has_its_shape(name: str, right: str, wrong: str) -> None:
    assert right in vars(Config.from_environment({name: right}).legal).values()
    with pytest.raises(BadSetting, match=name):
        Config.from_environment({name: wrong})
