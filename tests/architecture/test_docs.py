"""What the documentation names is there: files, functions, other pages, pictures, commands of make."""

import ast
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:shop|sandbox|templates|static|tests|docs|bench|tools|ops|migrations|\.ci)/[\w./-]*|[\w.-]+\.(?:py|md|toml|txt)")
_NAMED = re.compile(r"([\w./-]+\.py):([\w.]+)")
_LINK = re.compile(r"\]\(([^)#\s]+)")


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert not [link for link in links if not (page.parent / unquote(link)).exists()]


def test_files_that_are_named_are_there(page: Path) -> None:
    """A name with a gap (`payments/<name>/…`) is a pattern; one without a folder (`service.py`) is a kind of file."""
    named = {code.partition(":")[0] for code in _CODE.findall(page.read_text(encoding="utf-8"))}
    assert not [name for name in sorted(named) if _PATH.fullmatch(name) and not is_there(name, page.parent)]


def is_there(name: str, beside: Path) -> bool:
    """In the root, beside the page, or, if it names no folder, somewhere in the shop."""
    return (ROOT / name).exists() or (beside / name).exists() or ("/" not in name and any((ROOT / "shop").rglob(name)))


def test_functions_that_are_named_are_there(page: Path) -> None:
    named = [found.groups() for code in _CODE.findall(page.read_text(encoding="utf-8")) if (found := _NAMED.fullmatch(code))]
    assert not [f"{path}:{name}" for path, name in named if name not in definitions(ROOT / path)]


def test_targets_that_are_named_can_be_made(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert not set(re.findall(r"`(?:PORT=\d+ )?make ([a-z-]+)`", page.read_text(encoding="utf-8"))) - targets


@cache
def definitions(path: Path) -> set[str]:
    """Functions, classes and their methods, and constants of a file."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found
