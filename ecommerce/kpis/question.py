"""What a figure is asked for: a span of hours of the shop, and filters."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ecommerce.errors import InputError
from ecommerce.hours import Hours, seconds_of


@dataclass(frozen=True, slots=True)
class Span:
    """The orders whose order_time is in [start, end): whole hours of the shop; None is open. Naive times are UTC."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        """Raises InputError where the span is empty."""
        for name in ("start", "end"):
            time = getattr(self, name)
            if time is None:
                continue
            object.__setattr__(self, name, (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC))
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise InputError(
                f"span from {self.start.isoformat()} to {self.end.isoformat()}: the end is not after the start"
            )

    def require_whole(self, hours: Hours) -> None:
        """Raise InputError where a bound is not the beginning of an hour."""
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment and (moment.microsecond or hours.start(moment) != seconds_of(moment)):
                shown = moment.astimezone(hours.zone).isoformat()
                raise InputError(
                    f"span {name} {shown}: figures are kept by the hour, give a whole hour ({hours.time_zone})"
                )


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
    currency: str | None = None
    """Of all amounts; None is the shop's. It leaves counts as they are."""

    @property
    def choose_orders(self) -> bool:
        """Whether any filter on orders is set."""
        return bool(self.payment_types or self.statuses or self.courier_ids or self.locations)

    @property
    def choose_items(self) -> bool:
        """Whether any filter on order items is set."""
        return bool(self.categories or self.warehouse_ids)
