"""The living page of the design shows every macro there is, in both languages, and is not there in production."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, nodes

from config import ROOT

PARTS = ROOT / "templates" / "parts"
LIVING = ROOT / "templates" / "storefront" / "parts"
FOR_PROGRAMS = {"sharing"}
"""Files whose macros write what no eye sees."""
PAGES = ("/parts/", "/parts/cooperatives", "/parts/staff")


def parsed(path: Path) -> nodes.Template:
    return Environment(extensions=["jinja2.ext.i18n"]).parse(path.read_text(encoding="utf-8"))


def called(tree: nodes.Node) -> Iterator[str]:
    """The names of what is called in a template."""
    return (call.node.name for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name))


def imported(tree: nodes.Template) -> dict[str, tuple[str, str]]:
    """Name in this template → file and name of a macro of templates/parts/."""
    found = {}
    for taken in tree.find_all(nodes.FromImport):
        assert isinstance(taken.template, nodes.Const)
        file = taken.template.value
        for pair in taken.names:
            name, alias = pair if isinstance(pair, tuple) else (pair, pair)
            if file.startswith("parts/"):
                found[alias] = (Path(file).stem, name)
    return found


def test_every_macro_is_shown() -> None:
    shown: set[tuple[str, str]] = set()
    for path in LIVING.rglob("*.html"):
        tree = parsed(path)
        known = imported(tree)
        shown |= {known[name] for name in called(tree) if name in known}
    made: set[tuple[str, str]] = set()
    uses: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for path in PARTS.glob("*.html"):
        tree = parsed(path)
        known = imported(tree)
        own = {macro.name for macro in tree.find_all(nodes.Macro)}
        made |= {(path.stem, name) for name in own if not name.startswith("_")}
        for macro in tree.find_all(nodes.Macro):
            uses[path.stem, macro.name] = {
                (path.stem, name) if name in own else known[name] for name in called(macro) if name in own | known.keys()
            }
    waiting = list(shown)
    while waiting:
        new = uses.get(waiting.pop(), set()) - shown
        shown |= new
        waiting += new
    hidden = sorted(f"parts/{file}.html: {name}" for file, name in made - shown if file not in FOR_PROGRAMS)
    assert not hidden, f"show these in templates/storefront/parts/<the same file>.html, in every state: {hidden}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_is_drawn_in_both_languages(app: Flask, language: str) -> None:
    client = app.test_client()
    client.get(f"/language?to={language}")
    for path in PAGES:
        answer = client.get(path + "?scheme=dark")
        assert answer.status_code == 200, path
        assert f'lang="{"en" if language == "en" else "zh-Hans"}" data-scheme="dark"' in answer.text


def test_in_production_it_is_not_there(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SHOP", replace(app.config["SHOP"], is_demo=False))
    for path in PAGES:
        assert app.test_client().get(path).status_code == 404
