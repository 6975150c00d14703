"""What a figure is asked for: a span of hours, and filters."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ecommerce.errors import InputError
from ecommerce.summaries.cells.reference import hour_of


@dataclass(frozen=True, slots=True)
class Span:
    """The orders whose order_time is in [start, end): whole hours, UTC; None is open. Naive times are UTC."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Raises InputError where a bound is not a whole hour or the span is empty."""
        for name in ("start", "end"):
            time = getattr(self, name)
            if time is None:
                continue
            aware = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
            if aware.minute or aware.second or aware.microsecond:
                raise InputError(
                    f"span {name} {aware.isoformat()}: figures are kept by the hour, give a whole hour (UTC)"
                )
            object.__setattr__(self, name, aware)
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise InputError(
                f"span from {self.start.isoformat()} to {self.end.isoformat()}: the end is not after the start"
            )

    @property
    def start_hour(self) -> int | None:
        """First hour, in hours since 1970."""
        return hour_of(self.start) if self.start else None

    @property
    def end_hour(self) -> int | None:
        """The hour after the last one, in hours since 1970."""
        return hour_of(self.end) if self.end else None

    def before(self) -> "Span | None":
        """The span of the same length that ends where this one starts, for comparison; None for an open span."""
        if self.start is None or self.end is None:
            return None
        return Span(self.start - (self.end - self.start), self.start)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which orders and order items count: those with one of the values, in each dimension. Empty is all of them.

    The first four choose orders, the last two order items. A figure obeys those that its cells carry, see
    `Kpis.not_filtered`.
    """

    payment_types: frozenset[str] = field(default_factory=frozenset)
    statuses: frozenset[str] = field(default_factory=frozenset)
    courier_ids: frozenset[int] = field(default_factory=frozenset)
    locations: frozenset[str] = field(default_factory=frozenset)
    categories: frozenset[str] = field(default_factory=frozenset)
    warehouse_ids: frozenset[int] = field(default_factory=frozenset)

    @property
    def choose_orders(self) -> bool:
        """Whether any filter on orders is set."""
        return bool(self.payment_types or self.statuses or self.courier_ids or self.locations)

    @property
    def choose_items(self) -> bool:
        """Whether any filter on order items is set."""
        return bool(self.categories or self.warehouse_ids)
