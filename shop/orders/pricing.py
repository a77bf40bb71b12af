"""What each line of an order costs after everything that was promised for the order as a whole (DESIGN §2.2).

Law: the shares of lines sum to the discount exactly and no line costs less than nothing; net fen = price × quantity − discount share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shop.kit.apportion import largest_remainder


@dataclass(frozen=True, slots=True)
class PricedLine:
    """So many units at a tax-inclusive price, and where the line stands in its order."""

    position: int
    unit_price_fen: int
    quantity: int

    @property
    def gross_fen(self) -> int:
        return self.unit_price_fen * self.quantity


@dataclass(frozen=True, slots=True)
class NetLine:
    """A line as it is stored: `net_fen` is what villages get."""

    position: int
    gross_fen: int
    discount_fen: int

    @property
    def net_fen(self) -> int:
        return self.gross_fen - self.discount_fen


def price_lines(lines: Sequence[PricedLine], discount_fen: int = 0) -> tuple[NetLine, ...]:
    """The lines, in their order, with an order-wide discount split by what they cost: largest remainder, ties by position.

    `discount_fen` may not exceed what the lines cost together; whoever grants it caps it there.
    """
    assert all(line.quantity > 0 and line.unit_price_fen >= 0 for line in lines), "a line is so many of something at a price"
    gross = [line.gross_fen for line in lines]
    assert 0 <= discount_fen <= sum(gross), "a discount never exceeds what it is taken from"
    shares = largest_remainder(discount_fen, gross, [line.position for line in lines])
    return tuple(NetLine(line.position, line.gross_fen, share) for line, share in zip(lines, shares, strict=True))


def split_box_price(box_price_fen: int, declared_values_fen: Sequence[int]) -> tuple[int, ...]:
    """The price of one gift box over its components, in their order, by declared value: largest remainder, ties by order.

    A component that is in the box twice is named twice, so that each part is a unit price and the lines sum to the box.
    """
    return largest_remainder(box_price_fen, declared_values_fen, range(len(declared_values_fen)))
