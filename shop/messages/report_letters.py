"""Letters that bring a saved report: its figures as they stand when the letter is sent, and how to get no more."""

from datetime import date

from config import Config
from shop.kit.clock import utc_now
from shop.kit.keys import link_key
from shop.kit.workbooks import Kind
from shop.messages.kinds import Values
from shop.outbox.service import ClaimedLetter
from shop.reports.documents import without_codes
from shop.reports.questions import document_of
from shop.reports.saved import find_due

MOST_ROWS = 10


def report_due(letter: ClaimedLetter, config: Config) -> Values | None:
    """The largest rows of its first table, the total, and two links. Small enough for any telephone."""
    letter_id = int(str(letter.facts["letter_id"]))
    due = find_due(letter_id, date.fromisoformat(str(letter.facts["due_on"])))
    if due is None:
        return None
    document = document_of(due.question, now=utc_now())
    part = without_codes(document.parts[0])
    money = [place for place, column in enumerate(part.columns) if column.kind is Kind.MONEY][-1:]
    words = [place for place, column in enumerate(part.columns) if column.kind is Kind.TEXT][:2]

    def told(cells: tuple[object, ...]) -> tuple[str, int | None]:
        figure = cells[money[0]] if money else None
        return " · ".join(str(cells[place]) for place in words if cells[place]), figure if isinstance(figure, int) else None

    days = f"from={document.period.since}&to={document.period.until}"
    key = link_key(config.secret_key, "report-letter", str(letter_id))
    return {
        "name": due.name,
        "title": document.title,
        "since": document.period.since,
        "until": document.period.until,
        "rows": [told(line.cells) for line in part.lines[:MOST_ROWS]],
        "more": max(0, len(part.lines) - MOST_ROWS),
        "total_fen": told(part.total.cells)[1] if part.total else None,
        "link": f"{config.public_url}/staff/reports/saved/{due.saved_id}?{days}",
        "stop_link": f"{config.public_url}/staff/reports/letters/{letter_id}/stop?key={key}",
    }
