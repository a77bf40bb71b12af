"""One law: a module imports only from lower floors, never from its neighbour, never inside a function (docs/architecture.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FLOORS: dict[str, float] = {
    "shop.kit": 0, "shop.extensions": 0.1, "shop.outbox": 0.2, "shop.pictures": 0.2,
    "shop.origin": 1.0, "shop.accounts": 1.0, "shop.catalog": 1.5,
    "shop.stock": 2, "shop.cart": 2, "shop.shipping": 2, "shop.offers": 2, "shop.voices": 2,
    "shop.orders": 3, "shop.payments": 3, "shop.ledger": 3, "shop.papers": 3,
    "shop.acts": 4, "shop.reports": 4,
    "shop.web": 5, "shop.messages": 5,
    "shop.app": 6, "shop.cli": 6, "shop.worker": 6, "shop.models": 6, "shop.demo": 6, "config": -1, "wsgi": 7,
}  # fmt: skip


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2]) if module.startswith("shop.") else module.split(".")[0]


def modules() -> list[tuple[str, Path]]:
    files = [*sorted((ROOT / "shop").rglob("*.py")), ROOT / "config.py", ROOT / "wsgi.py"]
    return [(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path) for path in files]


def imports(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Every module of ours that is imported, and whether at the top of the file."""
    for node in ast.walk(tree):
        at_top = node in tree.body or any(isinstance(top, ast.If) and node in top.body for top in tree.body)
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from ((f"{node.module}.{alias.name}" if node.module == "shop" else str(node.module), at_top) for alias in node.names)


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_module_imports_only_from_lower_floors(module: str, path: Path) -> None:
    if module == "shop":
        return
    home = package_of(module)
    assert home in FLOORS, f"{home} has no floor: give it a row here and in docs/architecture.md"
    for imported, at_top in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if not imported.startswith(("shop.", "config", "wsgi", "sandbox", "tests")):
            continue
        assert at_top, f"{module} imports {imported} inside a function"
        target = package_of(imported)
        assert target in FLOORS, f"{module} imports {imported}, which has no floor"
        same_roof = target == home or (FLOORS[home] >= 6 and FLOORS[target] >= 6)
        assert same_roof or FLOORS[target] < FLOORS[home], f"{module} (floor {FLOORS[home]}) imports {imported} (floor {FLOORS[target]})"
