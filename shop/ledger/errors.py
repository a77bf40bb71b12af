"""What the books refuse."""

from datetime import date

from shop.kit.errors import Conflict, NotFound, Refused


class PeriodClosed(Conflict):
    """The month is closed; a correction goes into an open one and names the sale it corrects."""

    def __init__(self, month: str) -> None:
        super().__init__(month)
        self.month = month


# ── Costs and dividends ───────────────────────────────────────────────────────────────────────────────────────────────


class NoSuchCost(NotFound):
    """There is no such cost, or it is another cooperative's."""


class CostAhead(Refused):
    """A cost cannot lie in the future."""

    def __init__(self, today: date) -> None:
        super().__init__(today)
        self.today = today


class NotAnAmount(Refused):
    """Not more than nought, or more than `most_fen`."""

    def __init__(self, most_fen: int) -> None:
        super().__init__(most_fen)
        self.most_fen = most_fen


class AlreadyCancelled(Conflict):
    """The cost is cancelled already, or is itself a cancelling row."""


class NoReason(Refused):
    """What is undone or refused needs a reason."""


class NoSuchRule(NotFound):
    """There is no such dividend rule, or it is another cooperative's."""


class RuleNotWhole(Refused):
    """The buckets are not the whole: none or too many of them, one of nought, one without a name or named twice, or not 10,000 basis points."""

    def __init__(self, basis_points: int) -> None:
        super().__init__(basis_points)
        self.basis_points = basis_points


class StartsTooEarly(Refused):
    """Runs up to a day before this are approved, or another version begins no earlier: a version begins on `earliest` or later."""

    def __init__(self, earliest: date) -> None:
        super().__init__(earliest)
        self.earliest = earliest


class AlreadyDecided(Conflict):
    """Somebody has decided already."""


class SamePerson(Refused):
    """Whoever proposed or computed it does not approve it: a second person does."""


class NoSuchRun(NotFound):
    """There is no such run or sheet of runs, or it is not yours."""


class NothingToDivide(Refused):
    """No approved rule holds in these days, or nothing was booked, spent or carried in them."""


class PeriodNotOver(Refused):
    """The last day of a run is over, is the last of a month, and lies after `earliest`."""

    def __init__(self, earliest: date | None) -> None:
        super().__init__(earliest)
        self.earliest = earliest


class MonthsOpen(Conflict):
    """A run is approved over closed months only: their figures no longer change."""

    def __init__(self, months: tuple[str, ...]) -> None:
        super().__init__(months)
        self.months = months


class FiguresMoved(Conflict):
    """What the sheet was computed from has changed since; compute it again."""


class SheetReplaced(Conflict):
    """Another sheet was computed for the same stretch since, or the stretch is approved."""


class NotInThisState(Conflict):
    """A run takes its steps in their order, each once: approved, paid, confirmed, published."""


class PaidAhead(Refused):
    """A payment lies after the days it is for, and not in the future."""

    def __init__(self, earliest: date, today: date) -> None:
        super().__init__(earliest, today)
        self.earliest = earliest
        self.today = today


class NoApprovalPaper(Refused):
    """A rule needs the resolution that it stands on."""


# ── Settlements and closed months ─────────────────────────────────────────────────────────────────────────────────────


class NoSuchSettlement(NotFound):
    """There is no such settlement, or it is another cooperative's."""


class NothingToSettle(Refused):
    """Nothing of the cooperative's is past its return window up to that day that does not stand in a settlement already."""


class BadLastDay(Refused):
    """A settlement goes up to a day that is over and lies after the settlement before: from `earliest` (None: any) to `latest`."""

    def __init__(self, earliest: date | None, latest: date) -> None:
        super().__init__(earliest, latest)
        self.earliest = earliest
        self.latest = latest


class DraftOpen(Conflict):
    """The cooperative has a draft that waits for its approval; one at a time."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class SettlementDecided(Conflict):
    """Somebody was quicker: the settlement is in `state` already."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class InDispute(Conflict):
    """Orders in the draft have come into dispute since it was computed; throw it away and compute it again."""

    def __init__(self, orders: tuple[str, ...]) -> None:
        super().__init__(orders)
        self.orders = orders


class NoBankAccount(Refused):
    """Nobody has said where the cooperative is paid."""


class ReferenceTaken(Conflict):
    """Another settlement was paid under this reference of the bank's."""


class NotTheBanksDay(Refused):
    """A settlement is paid between the day it was approved and today."""

    def __init__(self, earliest: date, latest: date) -> None:
        super().__init__(earliest, latest)
        self.earliest = earliest
        self.latest = latest


class MonthNotOver(Refused):
    """A month is closed after its last day."""

    def __init__(self, month: str) -> None:
        super().__init__(month)
        self.month = month


class EarlierMonthOpen(Refused):
    """Months close in their order; `month` comes first."""

    def __init__(self, month: str) -> None:
        super().__init__(month)
        self.month = month


class MonthUnfinished(Conflict):
    """Something that belongs to the month is still open; `open_matters` names what, with how many of each."""

    def __init__(self, month: str, open_matters: tuple[tuple[str, int], ...]) -> None:
        super().__init__(month, open_matters)
        self.month = month
        self.open_matters = open_matters
