"""Tables as files for spreadsheets.

Law: what a person typed never becomes a formula. A text cell that a spreadsheet would compute is quoted with an apostrophe (OWASP, "CSV
Injection"); numbers are written as numbers, negative ones too.
"""

import csv
import io
from collections.abc import Iterable, Sequence

_BOM = "\ufeff"
"""Without it Excel reads Chinese in UTF-8 as something else."""
_STARTS_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Full-width ones too: East Asian spreadsheets compute them."""


def csv_file(header: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> bytes:
    """A CSV file, UTF-8 with BOM, lines ended by CR LF (RFC 4180). None is an empty cell."""
    written = io.StringIO()
    sheet = csv.writer(written)
    sheet.writerow(header)
    sheet.writerows([_safe(cell) for cell in row] for row in rows)
    return (_BOM + written.getvalue()).encode()


def _safe(cell: str | int | None) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, str) and cell.startswith(_STARTS_OF_FORMULAS):
        return "'" + cell
    return cell
