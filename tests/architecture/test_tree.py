"""The tree keeps to docs/architecture.md: who may import what besides floors, what mirrors what, and where a commit may stand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "shop"
DOMAINS = (
    "accounts",
    "cart",
    "catalog",
    "ledger",
    "offers",
    "orders",
    "origin",
    "outbox",
    "papers",
    "payments",
    "pictures",
    "shipping",
    "stock",
    "voices",
)


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Every module that a file imports, with the name taken from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((str(node.module), alias.name) for alias in node.names)


def relative(paths: Iterator[Path]) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def test_only_the_act_commits() -> None:
    commits = [
        str(path.relative_to(ROOT)) for path in SHOP.rglob("*.py") for _ in re.findall(r"\.commit\(", path.read_text(encoding="utf-8"))
    ]
    assert commits == ["shop/extensions.py"]


def test_only_stripes_folder_knows_stripe() -> None:
    knows = {path.parent for path in SHOP.rglob("*.py") if any(name.split(".")[0] == "stripe" for name, _ in imported(path))}
    assert knows == {SHOP / "payments" / "stripe"}


def test_pages_and_letters_never_touch_the_session() -> None:
    speaking = [*(SHOP / "web").rglob("*.py"), *(SHOP / "messages").rglob("*.py")]
    touching = (path for path in speaking for name, what in imported(path) if name.startswith("sqlalchemy") or what in ("db", "act"))
    assert relative(touching) == []


def test_nothing_imports_the_demo_county() -> None:
    importing = (
        path
        for path in SHOP.rglob("*.py")
        if path.parent != SHOP / "demo" and any(name.startswith("shop.demo") for name, _ in imported(path))
    )
    assert relative(importing) == []


def test_a_domain_says_what_it_owns_and_exports_nothing_again() -> None:
    for domain in DOMAINS:
        body = ast.parse((SHOP / domain / "__init__.py").read_text(encoding="utf-8")).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr), f"shop/{domain}/__init__.py holds more than its docstring"


def test_pages_stand_where_their_handlers_do() -> None:
    audiences = [folder for folder in (SHOP / "web").iterdir() if folder.is_dir() and (folder / "__init__.py").exists()]
    pages = [page for audience in audiences for page in (ROOT / "templates" / audience.name).glob("*/*.html")]
    assert len(pages) > 20
    homeless = (page for page in pages if not (SHOP / "web" / page.parent.parent.name / f"{page.parent.name}.py").exists())
    assert relative(homeless) == []


def test_tests_mirror_the_package() -> None:
    folders = {folder for folder in (ROOT / "tests").iterdir() if folder.is_dir() and any(folder.glob("test_*.py"))}
    without_mirror = {"architecture", "chromium", "contract", "faults", "sandbox", "soak"}
    assert {folder.name for folder in folders} - without_mirror <= {folder.name for folder in SHOP.iterdir()}
