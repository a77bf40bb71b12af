"""Booking a file of sales made by hand, or rehearsing it: batch by batch, each an act of its own, safe to stop anywhere and to repeat."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial

from shop.acts.plan_offline import (
    NothingTaken,
    NotOfThatSale,
    NotOnSale,
    OfflineReturn,
    OfflineRow,
    OfflineSale,
    OtherPrice,
    Outcome,
    RefTaken,
    Result,
    ReturnedBeforeSold,
)
from shop.acts.sales_file import ReadRow, SalesFile, Trouble
from shop.acts.sell_offline import Rehearsal, book_offline
from shop.catalog.pricing import offered_by_code
from shop.extensions import dialect, reading
from shop.kit.errors import ShopError
from shop.kit.ids import ProductId, UserId
from shop.ledger.errors import PeriodClosed
from shop.orders.errors import NoSuchOrder, NothingToRefund, RefundTooLarge
from shop.stock.errors import NotEnoughStock

BATCH_ROWS = 500
"""Rows in one transaction: others who want the same goods wait a fraction of a second."""


@dataclass(frozen=True)
class Tally:
    """What a file has booked so far, or would book."""

    rows: int = 0
    sales: int = 0
    returns: int = 0
    known: int = 0
    """Rows that had been booked before, with the same facts."""
    bad: int = 0
    sales_fen: int = 0
    returns_fen: int = 0
    """What went back, nought or more."""
    villages: Mapping[str, int] = field(default_factory=dict)
    """Fen by village id (as text, to be kept as JSON), returns subtracted."""

    def plus(self, outcomes: Sequence[Outcome], troubles: Sequence[Trouble], rows: int) -> "Tally":
        """With these rows."""
        sales = returns = known = sales_fen = returns_fen = 0
        villages = dict(self.villages)
        for outcome in outcomes:
            if outcome.result is Result.KNOWN:
                known += 1
            elif outcome.result is Result.BOOKED:
                if outcome.is_return:
                    returns += 1
                    returns_fen -= outcome.amount_fen
                else:
                    sales += 1
                    sales_fen += outcome.amount_fen
                for village_id, fen in outcome.villages:
                    villages[str(village_id)] = villages.get(str(village_id), 0) + fen
        return replace(
            self,
            rows=self.rows + rows,
            sales=self.sales + sales,
            returns=self.returns + returns,
            known=self.known + known,
            bad=self.bad + len(troubles),
            sales_fen=self.sales_fen + sales_fen,
            returns_fen=self.returns_fen + returns_fen,
            villages=villages,
        )

    def as_json(self) -> dict[str, object]:
        """To be kept."""
        return asdict(self)


@dataclass(frozen=True)
class Step:
    """One batch, done."""

    tally: Tally
    troubles: tuple[Trouble, ...]
    """Of this batch, by line."""


Beside = Callable[[Step], None]
Book = Callable[[], list[Outcome]]
"""Books some rows and says how they ended."""
InOwnSession = Callable[[Book], list[Outcome]]
"""Runs a booking with a session of its own, whatever thread it is called in."""
LANES = 3
"""Bookings at the same moment: while some wait for the database, one decides."""
READ_AHEAD = 3
"""Batches that are being booked before the oldest of them must have ended: no lane waits long for another, and memory stays flat."""


def import_sales(
    file: SalesFile,
    *,
    is_booking: bool,
    by: UserId | None,
    clock: Callable[[], datetime],
    begun: Tally | None = None,
    beside: Beside | None = None,
    in_own_session: InOwnSession | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Step]:
    """Course. Book the file's good rows, or find out what booking them would do; each batch as it is done.

    `begun`: how far it had come when it was stopped, as `beside` was told; only a booking can be taken up again. `beside` is, of a booking, a step of
    the batch's own transaction, and may be called again for the same batch. With `in_own_session` instead, rows of different products are booked at the
    same moment where the database has room for several writers: nothing is noted beside them, and a file that was cut off is repeated from its beginning.
    """
    assert beside is None or in_own_session is None, "several transactions have no one moment to note"
    before = begun or Tally()
    assert is_booking or not before.rows, "a rehearsal begins at the beginning"
    if is_booking and in_own_session is not None and dialect() == "postgresql":
        yield from _import_in_lanes(file, in_own_session, by=by, clock=clock, batch_rows=batch_rows)
        return
    with ExitStack() as opened:
        rehearsal = None if is_booking else opened.enter_context(Rehearsal())
        for read in file.batches(batch_rows, skip=before.rows):
            done = _Batch(read)
            if rehearsal is not None:
                done.hear(before, rehearsal.run(done.rows))
            else:
                book_offline(done.rows, by=by, now=clock(), beside=partial(_tell, done, before, beside))
            assert done.step is not None, "the batch is done"
            before = done.step.tally
            yield done.step


def _tell(done: "_Batch", before: Tally, beside: Beside | None, outcomes: Sequence[Outcome]) -> None:
    step = done.hear(before, outcomes)
    if beside is not None:
        beside(step)


# ── Several bookings at the same moment ───────────────────────────────────────────────────────────────────────────────


def _import_in_lanes(
    file: SalesFile, in_own_session: InOwnSession, *, by: UserId | None, clock: Callable[[], datetime], batch_rows: int
) -> Iterator[Step]:
    """Each lane books its rows in the file's order and waits for no other; batches are told in order, each when the last of its rows has ended."""
    lanes, before = Lanes(LANES), Tally()
    with ExitStack() as opened:
        reader, *bookers = (ThreadPoolExecutor(1) for _ in range(1 + LANES))
        for thread in (reader, *bookers):
            opened.callback(thread.shutdown, cancel_futures=True)
        under_way: deque[tuple[_Batch, list[tuple[list[int], Future[list[Outcome]]]]]] = deque()
        batches = file.batches(batch_rows * LANES)
        coming = reader.submit(next, batches, None)
        while (read := coming.result()) is not None or under_way:
            if read is not None:
                coming = reader.submit(next, batches, None)
                batch = _Batch(read)
                with reading():
                    offers = offered_by_code({_sku_of(row) for row in batch.rows})
                parts = lanes.divide(batch.rows, {code: offer.product_id for code, offer in offers.items()})
                started = []
                for booker, part in zip(bookers, parts, strict=True):
                    rows = [batch.rows[place] for place in part]
                    started.append((part, booker.submit(in_own_session, partial(_book_part, rows, by=by, clock=clock, most=batch_rows))))
                under_way.append((batch, started))
            if read is None or len(under_way) > READ_AHEAD:
                batch, started = under_way.popleft()
                step = batch.hear(before, _gather(len(batch.rows), started))
                before = step.tally
                yield step


def _book_part(rows: Sequence[OfflineRow], *, by: UserId | None, clock: Callable[[], datetime], most: int) -> list[Outcome]:
    return [outcome for since in range(0, len(rows), most) for outcome in book_offline(rows[since : since + most], by=by, now=clock())]


def _gather(count: int, started: Sequence[tuple[list[int], Future[list[Outcome]]]]) -> list[Outcome]:
    """How the rows of a batch ended, in their order."""
    outcomes: list[Outcome | None] = [None] * count
    for part, ending in started:
        for place, outcome in zip(part, ending.result(), strict=True):
            outcomes[place] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


class Lanes:
    """Who books what: rows in different lanes have nothing to do with each other, no lot and no sale.

    A lot is of one product, so what rows of other products do before or after changes no fen and no pick; a product keeps its lane for the whole file, and
    within a lane the order stays. A return goes with its sale, whatever SKU it names.
    """

    def __init__(self, count: int) -> None:
        self._loads = [0] * count
        self._of_product: dict[ProductId | None, int] = {}
        self._of_sale: list[dict[str, int]] = [{}]
        """By reference, of the latest batches: what was booked longer ago can be seen by every lane."""

    def divide(self, rows: Sequence[OfflineRow], products: Mapping[str, ProductId]) -> list[list[int]]:
        """The places of a batch's rows by lane. `products`: by SKU code; a row of an unknown SKU books nothing, wherever it stands."""
        self._of_sale = [*self._of_sale[-READ_AHEAD:], {}]
        parts: list[list[int]] = [[] for _ in self._loads]
        rows_of = Counter(products.get(_sku_of(row)) for row in rows)
        for product, many in rows_of.most_common():
            lane = self._of_product.setdefault(product, self._loads.index(min(self._loads)))
            self._loads[lane] += many
        for place, row in enumerate(rows):
            lane = self._of_product[products.get(_sku_of(row))]
            if isinstance(row, OfflineSale):
                self._of_sale[-1][row.ref] = lane
            else:
                lane = next((lanes[row.sale_ref] for lanes in self._of_sale if row.sale_ref in lanes), lane)
            parts[lane].append(place)
        return parts


def _sku_of(row: OfflineRow) -> str:
    """A row of a file names one SKU."""
    (code,) = (line.sku_code for line in row.lines) if isinstance(row, OfflineSale) else row.units
    return code


class _Batch:
    """Rows that go together, and how they ended."""

    def __init__(self, read: Sequence[ReadRow]) -> None:
        self._read = read
        self._good = [row for row in read if row.says is not None]
        self.rows: list[OfflineRow] = [row.says for row in self._good if row.says is not None]
        self.step: Step | None = None

    def hear(self, before: Tally, outcomes: Sequence[Outcome]) -> Step:
        """How the good rows ended, after so much."""
        troubles = [row.trouble for row in self._read if row.trouble is not None]
        for row, outcome in zip(self._good, outcomes, strict=True):
            if outcome.refusal is not None:
                assert row.says is not None, "only what could be read was refused"
                troubles.append(trouble_of(row, row.says, outcome.refusal))
        troubles.sort(key=lambda trouble: trouble.line)
        self.step = Step(before.plus(outcomes, troubles, len(self._read)), tuple(troubles))
        return self.step


def trouble_of(read: ReadRow, row: OfflineRow, refusal: ShopError) -> Trouble:
    """A refusal, as what is wrong with its row."""

    def wrong(column: str, fault: str, **facts: str | int) -> Trouble:
        return Trouble(read.line, read.ref, column, fault, facts)

    if isinstance(refusal, NotOnSale):
        return (
            wrong("lot", "lot_unknown", given=refusal.code[:40]) if refusal.is_lot else wrong("sku", "sku_unknown", given=refusal.code[:60])
        )
    if isinstance(refusal, NotEnoughStock):
        shortage = refusal.shortages[0]
        return wrong("quantity", "not_enough", wanted=shortage.wanted_units, available=shortage.available_units)
    if isinstance(refusal, PeriodClosed):
        return wrong("sold_at", "month_closed", month=refusal.month)
    if isinstance(refusal, RefTaken):
        return wrong("ref", "ref_taken")
    if isinstance(refusal, NoSuchOrder):
        return wrong("returns", "never_sold", given=row.sale_ref if isinstance(row, OfflineReturn) else "")
    if isinstance(refusal, RefundTooLarge):
        return wrong("quantity", "too_many_back", wanted=refusal.wanted_fen, left=refusal.left_fen)
    if isinstance(refusal, NotOfThatSale):
        return wrong(
            "sku" if isinstance(row, OfflineReturn) and refusal.code in row.units else "lot", "not_of_sale", given=refusal.code[:60]
        )
    if isinstance(refusal, OtherPrice):
        return wrong("unit_price_fen", "other_price", paid=refusal.paid_fen)
    if isinstance(refusal, ReturnedBeforeSold):
        return wrong("sold_at", "returned_before_sold", day=refusal.sold_on.isoformat())
    if isinstance(refusal, NothingTaken | NothingToRefund):
        return wrong("unit_price_fen", "price_nought")
    raise refusal
