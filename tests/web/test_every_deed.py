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
from shop.web.audit_words import ACTION_WORDS

ROOT = Path(__file__).resolve().parents[2]

WITHOUT = {
    "staff.reports.ask_long": "has a report made while one does something else; changes no figure",
    "staff.money.compare": "asks the provider and compares; changes no figure",
}


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


def test_every_deed_has_its_words() -> None:
    written = set()
    for path in (ROOT / "shop").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "write_audit" and node.args:
                written |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    assert written and not written - set(ACTION_WORDS), "give them words in shop/web/audit_words.py"


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
