"""Reads Stripe's request parameters: form fields with bracket nesting in, checked values out.

A schema is built of small readers. Each gets what stood in the form under one name and gives the value back, or raises BadParameter in
Stripe's words. A parameter that Stripe has and the sandbox does not play is refused by name: silence would let a shop believe in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from sandbox.errors import BadParameter

Raw = str | dict[str, Any]  # Any: a tree of the same, which Python's types cannot say
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,15}\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")


class Reader(Protocol):
    def read(self, raw: Raw, name: str) -> Any:  # Any: each reader gives its own type of value
        """Return the checked value of `raw`, which stood under `name`, or raise BadParameter."""


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Raw]:
    """Turn `a[b][0]=x` into `{"a": {"b": {"0": "x"}}}`; an empty bracket takes the next number. Raises BadParameter."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        match = _NAME.match(name)
        if match is None:
            raise BadParameter(f"Invalid parameter name: {name}", param=name)
        steps = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        branch = tree
        for step in steps[:-1]:
            branch = branch.setdefault(step or str(len(branch)), {})
            if not isinstance(branch, dict):
                raise BadParameter(f"Invalid parameter: {name} is both a value and a hash", param=name)
        branch[steps[-1] or str(len(branch))] = value
    return tree


@dataclass(frozen=True)
class Text:
    """A string, of limited length, perhaps one of a few."""

    longest: int = 5000
    one_of: frozenset[str] | None = None

    def read(self, raw: Raw, name: str) -> str:
        if not isinstance(raw, str):
            raise BadParameter("Invalid string: must be a string", param=name)
        if not raw:
            raise BadParameter(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however "
                f"'{name}' cannot be unset.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(raw) > self.longest:
            raise BadParameter(
                f"Invalid string: {raw[:10]}...; must be at most {self.longest} characters",
                code="parameter_invalid_string_length",
                param=name,
            )
        if self.one_of is not None and raw not in self.one_of:
            raise BadParameter(f"Invalid {name}: must be one of {', '.join(sorted(self.one_of))}", param=name)
        return raw


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds. Full-width digits, spaces and decimals are no numbers here."""

    least: int | None = None
    most: int | None = None

    def read(self, raw: Raw, name: str) -> int:
        if not isinstance(raw, str) or not _WHOLE_NUMBER.match(raw):
            raise BadParameter(
                f"Invalid integer: {raw if isinstance(raw, str) else 'a hash'}", code="parameter_invalid_integer", param=name
            )
        number = int(raw)
        if self.least is not None and number < self.least:
            message = f"This value must be greater than or equal to {self.least}."
            raise BadParameter(message, code="parameter_invalid_integer", param=name)
        if self.most is not None and number > self.most:
            raise BadParameter(f"This value must be less than or equal to {self.most}.", code="parameter_invalid_integer", param=name)
        return number


@dataclass(frozen=True)
class Flag:
    def read(self, raw: Raw, name: str) -> bool:
        if raw not in ("true", "false"):
            raise BadParameter(f"Invalid boolean: {raw if isinstance(raw, str) else 'a hash'}", param=name)
        return raw == "true"


@dataclass(frozen=True)
class Address:
    """An absolute http or https address."""

    def read(self, raw: Raw, name: str) -> str:
        text = Text().read(raw, name)
        try:
            parts = urlsplit(text)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid or any(character.isspace() for character in text):
            raise BadParameter("Not a valid URL", code="url_invalid", param=name)
        return text


@dataclass(frozen=True)
class Email:
    def read(self, raw: Raw, name: str) -> str:
        text = Text(longest=512).read(raw, name)
        if not _EMAIL.match(text):
            raise BadParameter(f"Invalid email address: {text}", code="email_invalid", param=name)
        return text


@dataclass(frozen=True)
class Currency:
    """Three letters of those a shop in China could be paid in."""

    def read(self, raw: Raw, name: str) -> str:
        text = Text(longest=16).read(raw, name).lower()
        if text not in _CURRENCIES:
            raise BadParameter(f"Invalid currency: {text}. The sandbox supports: {', '.join(sorted(_CURRENCIES))}", param=name)
        return text


_CURRENCIES = frozenset({"cny", "hkd", "usd", "eur", "gbp", "sgd", "aud", "cad"})


@dataclass(frozen=True)
class Metadata:
    """At most 50 keys of at most 40 characters, values of at most 500 (docs.stripe.com/api/metadata)."""

    def read(self, raw: Raw, name: str) -> dict[str, str]:
        if raw == "":
            return {}
        if not isinstance(raw, dict):
            raise BadParameter("Invalid hash", param=name)
        if len(raw) > 50:
            raise BadParameter(f"You have exceeded the limit of 50 keys in metadata: {len(raw)}", param=name)
        for key, value in raw.items():
            if len(key) > 40:
                raise BadParameter(f"Metadata keys must be at most 40 characters: {key[:40]}...", param=name)
            if not isinstance(value, str) or len(value) > 500:
                raise BadParameter("Metadata values can have up to 500 characters.", param=f"{name}[{key}]")
        return {key: value for key, value in raw.items() if value != ""}


@dataclass(frozen=True)
class ListOf:
    """Numbered or plain brackets, in their order."""

    item: Reader
    most: int = 100

    def read(self, raw: Raw, name: str) -> list[Any]:  # Any: as the item's reader gives
        if not isinstance(raw, dict) or not all(key.isascii() and key.isdigit() for key in raw):
            raise BadParameter("Invalid array", param=name)
        if len(raw) > self.most:
            raise BadParameter(f"Array {name} exceeded maximum {self.most} allowed elements.", param=name)
        return [self.item.read(raw[key], f"{name}[{key}]") for key in sorted(raw, key=int)]


@dataclass(frozen=True)
class AnyTree:
    """Accepted and kept as it came: options that change nothing a pretend payment could show."""

    def read(self, raw: Raw, name: str) -> Raw:
        return raw


@dataclass(frozen=True)
class Fields:
    """A hash with known keys. `required` must be there; `unplayed` are Stripe's, but not the sandbox's."""

    known: Mapping[str, Reader]
    required: tuple[str, ...] = ()
    unplayed: frozenset[str] = field(default_factory=frozenset)

    def read(self, raw: Raw, name: str) -> dict[str, Any]:  # Any: as the readers of its fields give
        if not isinstance(raw, dict):
            raise BadParameter("Invalid object", param=name)
        unknown = [_under(name, key) for key in raw if key not in self.known and key not in self.unplayed]
        if unknown:
            plural = "s" if len(unknown) > 1 else ""
            message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
            raise BadParameter(message, code="parameter_unknown", param=unknown[0])
        for key in raw:
            if key in self.unplayed:
                raise BadParameter(f"The sandbox does not play the parameter {_under(name, key)}", param=_under(name, key))
        for key in self.required:
            if key not in raw:
                raise BadParameter(f"Missing required param: {_under(name, key)}.", code="parameter_missing", param=_under(name, key))
        return {key: self.known[key].read(value, _under(name, key)) for key, value in raw.items()}


def _under(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


EXPAND = ListOf(Text(longest=200), most=20)
_CREATED = Fields({"gt": Whole(), "gte": Whole(), "lt": Whole(), "lte": Whole()})


@dataclass(frozen=True)
class CreatedWhen:
    """`created=1700000000`, or `created[gte]=…`; given back as bounds."""

    def read(self, raw: Raw, name: str) -> dict[str, int]:
        if isinstance(raw, str):
            moment = Whole().read(raw, name)
            return {"gte": moment, "lte": moment}
        return _CREATED.read(raw, name)


def retrieving() -> Fields:
    """What a request for one object may carry."""
    return Fields({"expand": EXPAND})


def listing(**filters: Reader) -> Fields:
    """What a request for a list may carry: pages, bounds of time, and the filters of its kind."""
    return Fields(
        {
            "expand": EXPAND,
            "limit": Whole(1, 100),
            "starting_after": Text(),
            "ending_before": Text(),
            "created": CreatedWhen(),
            **filters,
        }
    )
