"""The compiled facts of the demo county, `data/*.csv`, as they came: what is sourced, and what is a placeholder."""

import csv
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"
_FULL_WIDTH = str.maketrans("()", "（）")


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """All rows of `data/<name>.csv`, in their order, by column."""
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def chinese(name: str) -> str:
    """A name with full-width parentheses, as Chinese is printed: `板栗(鲜)` → `板栗（鲜）`."""
    return name.translate(_FULL_WIDTH)


def slug_of(row_id: str) -> str:
    """The address behind a row's id: `v-baishui` and `c-baishui` are both `baishui`, each under its own path."""
    return row_id.partition("-")[2]
