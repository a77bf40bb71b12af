"""Every deed of staff and cooperatives leaves its row: the walk from each POST address through what it calls must come to `write_audit`.

It reads the code, so it knows no branches; that each row says before and after is for the test of its act. An address that only looks, or
whose deed stands elsewhere append-only, says so here.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask

from config import Config
from shop.app import create_app
from shop.ledger.models import ReceiptAnswer, RuleDecision
from shop.web.audit_words import ACTION_WORDS, GROUP_WORDS, deeds_in

ROOT = Path(__file__).resolve().parents[2]

WITHOUT = {
    "staff.reports.ask_long": "has a report made while one does something else; changes no figure",
    "staff.saved.letters": "asks for letters to oneself; changes no figure",
    "staff.saved.stop": "ends letters to oneself; changes no figure",
    "staff.money.compare": "asks the provider and compares; changes no figure",
}


COMPOSED = {
    "shop/acts/parcel_lists.py: _ask": ("parcels_deliver_asked", "parcels_ship_asked"),
    "shop/acts/sell_offline.py: _note_by_hand": ("offline.returned", "offline.sold"),
    "shop/accounts/own.py: _change": ("account.email_changed", "account.phone_changed"),
    "shop/ledger/dividing.py: answer": tuple(f"dividend.{said}" for said in ReceiptAnswer),
    "shop/ledger/dividing.py: decide_rule": tuple(f"dividend_rule.{decision}" for decision in RuleDecision),
    "shop/ledger/settlements.py: _write_deed": (
        "settlement_approved",
        "settlement_cancelled",
        "settlement_drafted",
        "settlement_paid",
    ),
    "shop/voices/reviews.py: decide_reply": ("review_reply.published", "review_reply.refused"),
    "shop/voices/reviews.py: decide_review": ("review.published", "review.refused"),
    "shop/papers/fapiao.py: _decide": ("fapiao.issued", "fapiao.red", "fapiao.refused"),
}
"""Where the name of a deed is put together, and what it may become."""
WITHOUT_FACTS = {
    "_decide": "its callers say them",
    "_forget": "nothing may be kept",
    "_use_recovery_code": "a code was used; which is secret",
    "_ask": "a list was left to be done; each parcel has its own row",
    "ask_for_export": "a file was asked for; no figure changed",
    "ask_for_orders": "a file was asked for; no figure changed",
    "ask_to_be_forgotten": "of one's own account; nothing else is kept of it",
    "book_sales": "figures of a file that is booked later, sale by sale",
    "bring_statement": "counts of lines",
    "change_password": "a password has no before that may be told",
    "draw_recovery_codes": "codes are secret",
    "hand_over_batch": "a file was taken out; no figure changed",
    "reset_password": "a password has no before that may be told",
    "show_phone": "somebody looked; nothing changed",
    "stay": "of one's own account",
    "write_message": "words were written to an order; they stand there, append-only",
    "upload_sales": "a file was brought; no figure changed",
}
"""Deeds that change no figure and no state that may be told, by function, and why."""


@pytest.fixture(scope="module")
def database_free_app() -> Flask:
    """The shop's URL map; nothing is asked of a database."""
    return create_app(Config.from_environment({}), TESTING=True)


def test_every_deed_of_staff_and_cooperatives_leaves_an_audit_row(database_free_app: Flask) -> None:
    silent = []
    for rule in database_free_app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or not rule.endpoint.startswith(("staff.", "cooperative.")) or rule.endpoint in WITHOUT:
            continue
        view = inspect.unwrap(database_free_app.view_functions[rule.endpoint])
        if not leads_to_audit(view.__module__, view.__name__):
            silent.append(f"{rule.endpoint} ({rule.rule})")
    assert not sorted(set(silent)), "\n".join(["these leave no audit row:", *sorted(set(silent))])


def test_what_needs_no_row_is_still_there(database_free_app: Flask) -> None:
    assert set(WITHOUT) <= {rule.endpoint for rule in database_free_app.url_map.iter_rules()}


def test_every_deed_has_its_words_and_no_words_are_left_over() -> None:
    named, composed = deeds_named()
    assert composed == set(COMPOSED), "say in COMPOSED which deeds these write"
    written = named | {deed for deeds in COMPOSED.values() for deed in deeds}
    assert written == set(ACTION_WORDS), "shop/web/audit_words.py"


def test_every_deed_can_be_looked_for_by_its_group() -> None:
    found = {deed for group in GROUP_WORDS for deed in deeds_in(group)}
    assert set(ACTION_WORDS) == found and all(deeds_in(group) for group in GROUP_WORDS)


def test_every_deed_of_staff_and_cooperatives_says_before_or_after() -> None:
    silent = sorted(
        f"{path.relative_to(ROOT)}: {function.name}"
        for path, function, _ in audit_calls()
        if function.name not in WITHOUT_FACTS
        and not {"before", "after", "was"}
        & {inner.value for inner in ast.walk(function) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)}
    )
    assert not silent, silent


# ── The rows themselves ───────────────────────────────────────────────────────────────────────────────────────────────


@cache
def audit_calls() -> tuple[tuple[Path, ast.FunctionDef, ast.Call], ...]:
    """Every call that writes a row, with the function it stands in."""
    found = []
    for path in sorted((ROOT / "shop").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                found += [(path, function, node) for node in ast.walk(function) if isinstance(node, ast.Call) and is_audit(node)]
    return tuple(found)


def is_audit(node: ast.Call) -> bool:
    """Whether it calls `write_audit`, under whichever name of its module."""
    return getattr(node.func, "attr", getattr(node.func, "id", "")) == "write_audit"


def deeds_named() -> tuple[set[str], set[str]]:
    """The names that stand in the calls, and the places where they are put together."""
    named, composed = set(), set()
    for path, function, call in audit_calls():
        first = call.args[0]
        if isinstance(first, ast.Constant):
            named.add(str(first.value))
        else:
            composed.add(f"{path.relative_to(ROOT).as_posix()}: {function.name}")
    return named, composed


# ── The walk ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Place = tuple[str, str]
"""A module and a name in it."""


def leads_to_audit(module: str, name: str) -> bool:
    """Whether some way from this function comes to `write_audit`."""
    seen: set[Place] = set()
    waiting = [(module, name)]
    while waiting:
        place = waiting.pop()
        if place == ("shop.outbox.service", "write_audit"):
            return True
        if place not in seen:
            seen.add(place)
            waiting += calls(*place)
    return False


@cache
def calls(module: str, name: str) -> tuple[Place, ...]:
    """Everything of the shop that a function, class or constant names."""
    known = names_of(module)
    node = definitions(module).get(name)
    if node is None:
        return ()
    found = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in known:
            found.append(known[inner.id])
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id in known:
            of_module, of_name = known[inner.value.id]
            found.append((f"{of_module}.{of_name}" if of_name else of_module, inner.attr))
    return tuple(place for place in found if place != (module, name))


@cache
def definitions(module: str) -> dict[str, ast.stmt]:
    """What a module defines, by name."""
    found: dict[str, ast.stmt] = {}
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    for inner in ast.walk(tree_of(module)):  # handlers that a function makes for two audiences
        if isinstance(inner, ast.FunctionDef):
            found.setdefault(inner.name, inner)
    return found


@cache
def names_of(module: str) -> dict[str, Place]:
    """What the names of a module mean: its own, and what it takes from the shop."""
    return {name: (module, name) for name in definitions(module)} | dict(imported(module))


def imported(module: str) -> Iterator[tuple[str, Place]]:
    """Names taken from other modules of the shop; a whole module as (its package, its name)."""
    for node in tree_of(module).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shop"):
            yield from ((alias.asname or alias.name, (str(node.module), alias.name)) for alias in node.names)


@cache
def tree_of(module: str) -> ast.Module:
    """A module of the shop, read."""
    path = ROOT.joinpath(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    return ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module(body=[], type_ignores=[])
