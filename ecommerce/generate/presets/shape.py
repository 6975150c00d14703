"""The parameters that a preset is made of."""

from dataclasses import dataclass

Shares = tuple[tuple[str, float], ...]
"""(name, relative frequency) rows."""
Counts = tuple[tuple[int, float], ...]
"""(number, relative frequency) rows."""
Quantiles = tuple[tuple[float, float], ...]
"""(probability, value) rows from probability 0 to 1; smooth between them."""


@dataclass(frozen=True, slots=True)
class SaleDay:
    """A day of the year on which demand is `factor` times that of a usual day."""

    name: str
    month: int
    factor: float
    day: int = 0
    """Day of the month; 0 where the day is the `nth` `weekday` (Monday is 0) of the month, plus `offset` days."""
    weekday: int = 0
    nth: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How demand varies: relative weights, each table with an average of its own."""

    hours: tuple[float, ...]
    """24 weights, from midnight UTC."""
    weekdays: tuple[float, ...]
    """7 weights, Monday first."""
    months: tuple[float, ...]
    """12 weights, January first."""
    sale_days: tuple[SaleDay, ...]
    noise: float
    """Sigma of the log-normal noise of each hour."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What becomes of orders, as shares of all; the rest is delivered."""

    cancelled: float
    returned: float
    """Refused by the customer or undeliverable: Shipped, then Returned."""
    stuck_in_shipped: float
    """Lost on the way; written off as Returned after months."""
    stuck_in_pending: float
    """Never sent; cancelled after months."""


@dataclass(frozen=True, slots=True)
class Charges:
    """What orders name beside the prices of their items."""

    tax_percent: int = 0
    """Of the items after discount; 0: orders name no tax."""
    tax_included: bool = False
    """Whether that tax is in the prices."""
    shipping: Quantiles = ()
    """What a line pays for shipping; none: orders name no shipping."""
    shipping_by_order: bool = False
    """Whether an order pays it once, not for each line."""
    free_shipping_from: int | None = None
    """Orders whose items come to this after discount pay no shipping."""
    currencies: Shares = (("", 1.0),)
    """Without a name: the shop's own, which orders do not write."""
    channels: Shares = (("", 1.0),)
    """Without a name: orders name none."""


@dataclass(frozen=True, slots=True)
class Refunds:
    """What goes back of what was paid. A returned order gets all of it back."""

    partly: float
    """Share of delivered orders for which one unit of the first line is paid back at delivery."""
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryTimes:
    """When orders are handed over, delivered and promised, in days since the order."""

    days: Quantiles
    promise_days: Quantiles
    promise_foresees: float
    """How much of an order's delivery time the promise knows beforehand, from 0 to 1: far places are promised later."""
    handover: tuple[float, float]
    """Hand-over to the courier, as a fraction of the delivery time: between these two."""
    daytime: tuple[float, float] | None
    """Deliveries happen between these hours of the day; None: at any time."""
    weekend_handovers: float
    """Share of weekend hand-overs that stay on the weekend; the others wait for Monday."""
    weekend_deliveries: float


@dataclass(frozen=True, slots=True)
class Preset:
    """The shape of one kind of shop."""

    name: str
    title: str
    rhythm: Rhythm
    items: Counts
    """Items of an order."""
    quantities: Counts
    """Units of an item."""
    prices: Quantiles
    """Unit prices in the catalog."""
    price_step: int
    """Prices are multiples of this many hundredths; with discounts in tenths goods have at most two decimals."""
    popularity: tuple[float, float]
    """Zipf-Mandelbrot exponent, and its offset as a share of the number of products."""
    repeat_share: float
    """Share of orders by users who bought before."""
    weekly_habit: bool
    """Whether those users keep to their weekday."""
    payments: Shares
    discounts: Counts
    """Discount in tenths."""
    sale_discounts: Counts
    """The same on sale days."""
    charges: Charges
    refunds: Refunds
    delivery: DeliveryTimes
    outcomes: Outcomes
    locations: tuple[float, ...]
    """Relative sizes of the cities, the largest first."""
    categories: tuple[tuple[str, tuple[str, ...]], ...]
    """(category, its products' nouns) from the cheapest to the dearest."""
