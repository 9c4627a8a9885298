"""What Harbour & Pine sells: ship chandlery and timber, and how an order is made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from arfollow.shared.money import round_half_up

TEN = Decimal(10)


@dataclass(frozen=True, slots=True)
class Good:
    """A catalogue item; the price is for one unit, in US dollars."""

    code: str
    name: str
    unit: str
    price: Decimal
    most: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice."""

    code: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


def _good(code: str, name: str, unit: str, price: str, most: int) -> Good:
    return Good(code, name, unit, Decimal(price), most)


CHANDLERY: tuple[Good, ...] = (
    _good("RP-12", "Three-strand mooring line, 12 mm", "coil of 100 m", "148.00", 12),
    _good("RP-20", "Braided dock line, 20 mm", "coil of 50 m", "212.50", 8),
    _good("CH-08", "Galvanised anchor chain, 8 mm", "10 m", "96.40", 15),
    _good("SH-10", "Bow shackle, stainless, 10 mm", "box of 20", "118.00", 10),
    _good("BL-57", "Ball-bearing block, 57 mm", "piece", "74.90", 24),
    _good("WN-16", "Two-speed winch, size 16", "piece", "689.00", 4),
    _good("FN-F3", "Fender, heavy duty, size 3", "piece", "58.75", 40),
    _good("LT-NV", "LED navigation light set", "set", "236.00", 10),
    _good("PM-20", "Bilge pump, 2000 gph", "piece", "164.20", 8),
    _good("VR-05", "Marine varnish, 5 l", "can", "132.00", 18),
    _good("EP-10", "Epoxy resin with hardener, 10 kg", "kit", "284.00", 9),
    _good("AF-05", "Antifouling, 5 l", "can", "247.50", 12),
    _good("LJ-AD", "Life jacket, 150 N, adult", "piece", "119.00", 30),
    _good("SC-A4", "Stainless screws, A4, assorted", "case", "87.30", 14),
)
TIMBER: tuple[Good, ...] = (
    _good("OK-27", "White oak, quarter-sawn, 27 mm", "board foot × 100", "1140.00", 6),
    _good("TK-DK", "Teak decking, 45 mm", "bundle", "1865.00", 4),
    _good("DF-60", "Douglas fir beam, 150 × 300", "6 m length", "318.00", 16),
    _good("CD-19", "Western red cedar strip, 19 mm", "bundle", "274.00", 14),
    _good("PL-18", "Marine plywood, 18 mm, BS 1088", "sheet", "146.50", 40),
    _good("LR-CL", "Larch cladding, 22 mm", "bundle", "226.00", 20),
    _good("AS-50", "White ash, steam-bending grade", "plank", "92.80", 30),
    _good("PN-ST", "Heart pine stair treads", "set of 14", "742.00", 3),
    _good("SP-GL", "Spruce glulam, 90 × 360", "9 m length", "486.00", 8),
)  # fmt: skip
SERVICES: tuple[Good, ...] = (
    _good("SV-CUT", "Cutting to size", "hour", "68.00", 6),
    _good("SV-DEL", "Delivery to the yard", "run", "145.00", 1),
    _good("SV-KLN", "Kiln drying", "load", "390.00", 1),
)
CATALOGUE = (*CHANDLERY, *TIMBER, *SERVICES)

RATES = {"USD": Decimal("1.00"), "GBP": Decimal("0.80"), "EUR": Decimal("0.92")}
"""Our price lists: fixed, like a printed list, and not a day's exchange rate."""


def price(good: Good, currency: str) -> Decimal:
    """The list price in a currency, to ten cents."""
    return round_half_up(round_half_up(good.price * RATES[currency] * TEN, 0) / TEN)


def order(rng: Random, currency: str, size: Decimal) -> tuple[Line, ...]:
    """The lines of one order; `size` 1 is an everyday one, 3 a fit-out."""
    shelf = CHANDLERY if rng.random() < 0.55 else TIMBER
    goods = rng.sample(shelf, rng.randint(1, 4))
    lines = [_line(rng, good, currency, size) for good in goods]
    if rng.random() < 0.35:
        lines.append(_line(rng, rng.choice(SERVICES), currency, Decimal(1)))
    return tuple(lines)


def _line(rng: Random, good: Good, currency: str, size: Decimal) -> Line:
    most = max(1, int(good.most * size))
    quantity = Decimal(rng.randint(1, most))
    unit_price = price(good, currency)
    return Line(good.code, f"{good.name}, {good.unit}", quantity, unit_price, quantity * unit_price)


def total(lines: Sequence[Line]) -> Decimal:
    """The sum of the lines."""
    return sum((line.amount for line in lines), Decimal("0.00"))
