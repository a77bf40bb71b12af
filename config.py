"""Settings: one frozen value read from the environment, strictly. A wrong value stops the start with its name and what is allowed."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SANDBOX_KEY = "sk_test_sandbox"
SANDBOX_WEBHOOK_SECRET = "whsec_sandbox"
_DEVELOPMENT_SECRET = "only-for-development-not-a-secret"


class BadSetting(Exception):
    """A setting is missing or wrong; the message names it and says what is allowed."""


@dataclass(frozen=True)
class TransferAccount:
    """The operator's bank account, as a buyer copies it into a transfer."""

    payee: str
    account: str
    bank: str
    days: int
    """How long goods are kept for a transfer: up to the end of so manieth day after the order."""


@dataclass(frozen=True)
class Legal:
    """Who runs the shop, and the numbers that Chinese law wants on its pages; None: not shown."""

    operator: str | None
    """The seller of record, as on its business licence."""
    contact: str | None
    """Where people ask about goods and about their data: an e-mail address or a telephone number."""
    business_licence: str | None
    """统一社会信用代码."""
    food_licence: str | None
    """食品经营许可证 or 备案."""
    icp: str | None
    """ICP 备案号 or 许可证号."""
    police: str | None
    """公安联网备案号."""

    @property
    def contact_link(self) -> str:
        """What a click on the contact opens: a letter or a call; '' if it is neither an e-mail address nor a telephone number."""
        where = self.contact or ""
        if re.fullmatch(r"[^@\s]+@[^@\s]+", where):
            return f"mailto:{where}"
        return f"tel:{re.sub(r'[^+0-9]', '', where)}" if re.fullmatch(r"\+?[0-9][0-9 ()-]{4,}", where) else ""

    @property
    def police_code(self) -> str:
        """Its digits, as the register's page is asked for them."""
        return re.sub(r"[^0-9]", "", self.police or "")


@dataclass(frozen=True)
class Config:
    """Everything the shop is told from outside."""

    env: str
    database_url: str
    database_schema: str | None
    secret_key: str
    public_url: str
    stripe_secret_key: str
    stripe_webhook_secret: str
    stripe_api_base: str | None
    """None: Stripe itself."""
    stripe_pay_host: str
    """Where the provider's pay page lives, for the content policy's `form-action`."""
    redis_url: str | None
    smtp_url: str | None
    """None: letters are written to `instance_path/outbox/`."""
    map_approval: str | None
    trusted_proxies: int
    instance_path: Path
    transfer: TransferAccount | None
    """Where bank transfers go; None: they are not offered."""
    refund_four_eyes_fen: int
    """Above this sum given back of one order, a second person approves."""
    bucket_words: tuple[str, ...]
    """What the parts of a dividend rule are called."""
    legal: Legal
    """What stands in the footer and in the privacy notice."""
    is_demo: bool
    """The demo county may be loaded and its accounts may sign in; never in production."""

    @property
    def is_production(self) -> bool:
        """Whether demo settings are refused."""
        return self.env == "production"

    @property
    def is_sandbox(self) -> bool:
        """Whether the pretend provider stands where Stripe does."""
        return self.stripe_api_base is not None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Config":
        """Read the settings of DESIGN §8 from `environ` (default: the process's).

        Raises BadSetting.
        """
        given = os.environ if environ is None else environ
        env = _one_of(given, "SHOP_ENV", ("development", "production"), default="development")
        production = env == "production"
        instance = Path(_text(given, "SHOP_INSTANCE_PATH", default=str(ROOT / "instance")))
        sandbox_port = _whole(given, "SANDBOX_PORT", 1, 65535, default=8001)
        api_base = _url(given, "STRIPE_API_BASE", ("http", "https"), default=None if production else f"http://127.0.0.1:{sandbox_port}")
        config = cls(
            env=env,
            database_url=_database_url(_text(given, "SHOP_DATABASE_URL", default=f"sqlite:///{instance / 'shop.sqlite'}")),
            database_schema=_schema(_maybe(given, "SHOP_DATABASE_SCHEMA")),
            secret_key=_secret(given, "SHOP_SECRET_KEY", default=None if production else _DEVELOPMENT_SECRET),
            public_url=_required(
                "SHOP_PUBLIC_URL",
                _url(
                    given,
                    "SHOP_PUBLIC_URL",
                    ("https",) if production else ("http", "https"),
                    default=None if production else f"http://127.0.0.1:{_port(given)}",
                ),
            ).rstrip("/"),
            stripe_secret_key=_secret(given, "STRIPE_SECRET_KEY", default=None if production else SANDBOX_KEY),
            stripe_webhook_secret=_secret(given, "STRIPE_WEBHOOK_SECRET", default=None if production else SANDBOX_WEBHOOK_SECRET),
            stripe_api_base=api_base,
            stripe_pay_host=api_base if api_base and api_base.rstrip("/") != "https://api.stripe.com" else "https://checkout.stripe.com",
            redis_url=_url(given, "SHOP_REDIS_URL", ("redis", "rediss"), default=None),
            smtp_url=_url(given, "SHOP_SMTP_URL", ("smtp", "smtps"), default=None),
            map_approval=_shaped(given, "SHOP_MAP_APPROVAL", r"\S{1,20}[(（][0-9]{4}[)）] ?[0-9]{1,6}号", "as in 黔S(2026)000号"),
            trusted_proxies=_whole(given, "SHOP_TRUSTED_PROXIES", 0, 5, default=0),
            instance_path=instance,
            transfer=_transfer(given, production=production),
            refund_four_eyes_fen=_whole(given, "SHOP_REFUND_FOUR_EYES_FEN", 0, 100_000_000, default=50_000),
            bucket_words=_words(given, "SHOP_BUCKET_WORDS", default="脱贫户,村集体,再投入,帮扶"),
            legal=_legal(given),
            is_demo=not production,
        )
        if production:
            _refuse_demo_settings(config)
        if config.database_schema and not config.database_url.startswith("postgresql"):
            raise BadSetting("SHOP_DATABASE_SCHEMA: only PostgreSQL has schemas; SHOP_DATABASE_URL names another database")
        return config

    def for_flask(self) -> dict[str, object]:
        """What Flask and its extensions read, under their own names."""
        return {
            "SHOP": self,
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(self),
            "SHOP_DATABASE_SCHEMA": self.database_schema,
            "SESSION_COOKIE_NAME": "shanhai",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",  # Strict would lose the session on the way back from the provider's page
            "SESSION_COOKIE_SECURE": self.is_production,
            "PERMANENT_SESSION_LIFETIME": 30 * 24 * 3600,
            "MAX_CONTENT_LENGTH": 8 * 1024 * 1024,
            "MAX_FORM_MEMORY_SIZE": 512 * 1024,
            "WTF_CSRF_TIME_LIMIT": None,  # a token lives as long as its session; baskets stay open for days
            "BABEL_DEFAULT_LOCALE": "zh",
            "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
            "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "shop" / "translations"),
            "RATELIMIT_STORAGE_URI": self.redis_url or "memory://",
            "RATELIMIT_HEADERS_ENABLED": False,
            "COMPRESS_ALGORITHM": ["zstd", "br", "gzip"],  # 0.12, 0.20 and 0.17 ms for a page of 27 kB, each to about 5 kB
            "COMPRESS_BR_LEVEL": 3,
            "COMPRESS_LEVEL": 1,
            "TEMPLATES_AUTO_RELOAD": False,
        }


def _engine_options(config: Config) -> dict[str, object]:
    if not config.database_url.startswith("postgresql"):
        return {}
    options: dict[str, object] = {"pool_size": 8, "max_overflow": 8, "pool_pre_ping": False, "pool_recycle": 1800}
    options["pool_use_lifo"] = True  # the connection used last has its statements prepared; idle ones may rest
    if config.database_schema:
        # A prepared statement remembers the tables it was first planned with, whatever the search path says later.
        options["connect_args"] = {"prepare_threshold": None}
    else:
        # Reads need no transaction of their own: each statement sees what is committed, as it would inside one at READ COMMITTED. Ending
        # one by ROLLBACK, as the pool does, makes psycopg forget every prepared statement, and each page is then parsed and planned anew.
        # An act asks for its transaction (shop/extensions.py).
        options["isolation_level"] = "AUTOCOMMIT"
    return options


def _refuse_demo_settings(config: Config) -> None:
    if config.is_sandbox:
        raise BadSetting("STRIPE_API_BASE: not allowed in production; leave it unset to talk to Stripe itself")
    if config.stripe_secret_key.startswith(("sk_test_", "rk_test_")):
        raise BadSetting("STRIPE_SECRET_KEY: a test key is not allowed in production; give a live key (sk_live_… or rk_live_…)")
    if config.stripe_webhook_secret == SANDBOX_WEBHOOK_SECRET:
        raise BadSetting("STRIPE_WEBHOOK_SECRET: the sandbox's secret is not allowed in production")
    if config.secret_key == _DEVELOPMENT_SECRET or len(config.secret_key) < 32:
        raise BadSetting(
            "SHOP_SECRET_KEY: at least 32 characters of your own in production, e.g. from `python -c 'import secrets; print(secrets.token_hex(32))'`"
        )


def _transfer(given: Mapping[str, str], *, production: bool) -> TransferAccount | None:
    """Bank transfers are on in development, to a made-up account; in production only with an account of one's own."""
    if _one_of(given, "SHOP_TRANSFER", ("on", "off"), default="off" if production else "on") == "off":
        return None
    examples = ("示例县电商服务公司（示例账户）", "6222 0000 0000 0000 000", "示例银行碧江支行")
    payee, account, bank = (
        _required(name, _maybe(given, name) or (None if production else example))
        for name, example in zip(("SHOP_TRANSFER_PAYEE", "SHOP_TRANSFER_ACCOUNT", "SHOP_TRANSFER_BANK"), examples, strict=True)
    )
    return TransferAccount(payee, account, bank, _whole(given, "SHOP_TRANSFER_DAYS", 1, 30, default=3))


def _legal(given: Mapping[str, str]) -> Legal:
    return Legal(
        operator=_maybe(given, "SHOP_OPERATOR"),
        contact=_maybe(given, "SHOP_CONTACT"),
        business_licence=_shaped(given, "SHOP_BUSINESS_LICENCE", r"[0-9A-HJ-NPQRTUWXY]{18}", "a 统一社会信用代码 of 18 signs"),
        food_licence=_shaped(given, "SHOP_FOOD_LICENCE", r"[A-Z]{2}[0-9]{14}", "two letters and 14 digits, as in JY15206020000000"),
        icp=_shaped(
            given, "SHOP_ICP", r"\S(ICP备[0-9]{8,10}号(-[0-9]{1,3})?|ICP证[0-9]{6,8}号?|B2-[0-9]{8})", "as in 黔ICP备2026000000号-1"
        ),
        police=_shaped(given, "SHOP_PUBLIC_SECURITY", r"\S公网安备 ?[0-9]{14}号", "as in 贵公网安备52060202000000号"),
    )


def _shaped(given: Mapping[str, str], name: str, shape: str, allowed: str) -> str | None:
    value = _maybe(given, name)
    if value is not None and not re.fullmatch(shape, value):
        raise BadSetting(f"{name}: {value!r} is not {allowed}")
    return value


def _words(given: Mapping[str, str], name: str, *, default: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in _text(given, name, default=default).replace("，", ",").split(","))
    if not 1 <= len(words) <= 8 or len(set(words)) < len(words) or not all(0 < len(word) <= 30 for word in words):
        raise BadSetting(f"{name}: one to eight different words of at most 30 characters, with commas between them")
    return words


def _port(given: Mapping[str, str]) -> int:
    return _whole(given, "PORT", 1, 65535, default=8000)


def _text(given: Mapping[str, str], name: str, *, default: str) -> str:
    return given.get(name, "").strip() or default


def _maybe(given: Mapping[str, str], name: str) -> str | None:
    return given.get(name, "").strip() or None


def _secret(given: Mapping[str, str], name: str, *, default: str | None) -> str:
    """The value itself, or the content of the file that `<name>_FILE` names."""
    if path := given.get(f"{name}_FILE", "").strip():
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    else:
        value = given.get(name, "").strip()
    return _required(name, value or default)


def _required(name: str, value: str | None) -> str:
    if value is None:
        raise BadSetting(f"{name}: required in production")
    return value


def _one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...], *, default: str) -> str:
    value = _text(given, name, default=default)
    if value not in allowed:
        raise BadSetting(f"{name}: {value!r} is not one of {', '.join(allowed)}")
    return value


def _whole(given: Mapping[str, str], name: str, lowest: int, highest: int, *, default: int) -> int:
    value = _text(given, name, default=str(default))
    if not (value.isascii() and value.isdecimal() and lowest <= int(value) <= highest):
        raise BadSetting(f"{name}: {value!r} is not a whole number from {lowest} to {highest}")
    return int(value)


def _url(given: Mapping[str, str], name: str, schemes: tuple[str, ...], *, default: str | None) -> str | None:
    value = _maybe(given, name) or default
    if value is not None and value.partition("://")[0] not in schemes:
        raise BadSetting(f"{name}: must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return value


def _schema(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        raise BadSetting("SHOP_DATABASE_SCHEMA: lower-case letters, digits and underscores, at most 63, not beginning with a digit")
    return value


def _database_url(value: str) -> str:
    if value.startswith(("postgres://", "postgresql://")):
        value = "postgresql+psycopg://" + value.partition("://")[2]
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadSetting("SHOP_DATABASE_URL: must begin with sqlite:/// or postgresql+psycopg://")
    return value
