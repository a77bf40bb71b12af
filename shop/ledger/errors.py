"""What the books refuse."""

from shop.kit.errors import Conflict


class PeriodClosed(Conflict):
    """The month is closed; a correction goes into an open one and names the sale it corrects."""

    def __init__(self, month: str) -> None:
        super().__init__(month)
        self.month = month
