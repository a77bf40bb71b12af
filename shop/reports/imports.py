"""Imports of sales made by hand, as the staff's pages show them: what was uploaded, how far it is, what came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shop.kit.ids import TaskId, VillageId
from shop.origin.queries import village_names
from shop.outbox import tasks
from shop.outbox.tasks import TaskRow

CHECK, BOOK = "sales_check", "sales_book"
PAGE_SIZE = 20
MOST_TROUBLES = 50
"""So many bad rows stand on the page; all of them in the file."""


@dataclass(frozen=True)
class VillageSum:
    """What one village gets of a file."""

    name: str
    name_en: str
    fen: int


@dataclass(frozen=True)
class ImportRow:
    """One upload in the list."""

    id: TaskId
    name: str
    created_at: datetime
    check: TaskRow
    booking: TaskRow | None

    @property
    def last(self) -> TaskRow:
        """The task that says how it stands."""
        return self.booking or self.check

    @property
    def is_open(self) -> bool:
        """Whether the worker still has something to do."""
        return self.last.is_open


@dataclass(frozen=True)
class ImportStory:
    """One upload with what came out so far."""

    row: ImportRow
    villages: tuple[VillageSum, ...]
    """The largest first."""
    troubles: Sequence[dict[str, object]]
    """The first of them."""


def list_imports(page: int = 1) -> tuple[list[ImportRow], int]:
    """Uploads, the latest first, and how many pages there are."""
    pages = max(1, -(-tasks.count_tasks(CHECK) // PAGE_SIZE))
    page = min(max(1, page), pages)
    checks = tasks.find_tasks(CHECK, most=PAGE_SIZE, skip=(page - 1) * PAGE_SIZE)
    return _with_bookings(checks), pages


def get_import(task_id: TaskId) -> ImportStory:
    """One upload. Raises NotFound."""
    (row,) = _with_bookings([tasks.get_task(task_id, CHECK)])
    found = row.last.result.get("villages")
    sums = {VillageId(int(village)): int(fen) for village, fen in found.items()} if isinstance(found, dict) else {}
    names = village_names(sums)
    villages = [VillageSum(*names[village], fen) for village, fen in sorted(sums.items(), key=lambda each: (-each[1], each[0]))]
    return ImportStory(row, tuple(villages), [dict(facts) for facts in tasks.read_troubles(row.last.id, most=MOST_TROUBLES)])


def bad_rows(task_id: TaskId) -> list[dict[str, object]]:
    """Every bad row of an upload, by line. Raises NotFound."""
    (row,) = _with_bookings([tasks.get_task(task_id, CHECK)])
    return [dict(facts) for facts in tasks.read_troubles(row.last.id)]


def _with_bookings(checks: Sequence[TaskRow]) -> list[ImportRow]:
    bookings = {str(task.facts["check"]): task for task in tasks.find_tasks(BOOK, onces=[f"{BOOK}:{check.id}" for check in checks])}
    return [ImportRow(check.id, str(check.facts["name"]), check.created_at, check, bookings.get(str(check.id))) for check in checks]
