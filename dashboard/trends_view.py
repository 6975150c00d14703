"""What of the trends page is in its link beside span and filters: the measure of its lines, and how fine they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast

Measure = Literal["revenue", "net_sales", "orders", "average_order_value"]
Grain = Literal["hour", "day", "week", "month"]

MEASURES: Mapping[Measure, str] = {
    "revenue": "Revenue",
    "net_sales": "Net sales",
    "orders": "Orders",
    "average_order_value": "Average order value",
}
GRAINS: Mapping[Grain, timedelta] = {
    "hour": timedelta(days=31),
    "day": timedelta(days=800),
    "week": timedelta(days=365 * 10),
    "month": timedelta.max,
}
"""How finely a line may be drawn, and the longest span of which it is: a browser draws 750 points without a pause."""


@dataclass(frozen=True, slots=True)
class TrendsView:
    """The trends page of one viewer."""

    measure: Measure = "revenue"
    grain: Grain | None = None
    """None: as fine as goes well with the span."""

    def pairs(self) -> list[tuple[str, str]]:
        """What of it is in the query of a link."""
        measure = None if self.measure == "revenue" else self.measure
        return [(name, str(value)) for name, value in (("measure", measure), ("by", self.grain)) if value]


def trends_view_of(values: Mapping[str, Sequence[str]]) -> TrendsView:
    """The trends page that a link's query asks for; what is no measure or grain is left out."""
    measure, grain = (values.get(name, [""])[0] for name in ("measure", "by"))
    return TrendsView(
        cast(Measure, measure) if measure in MEASURES else "revenue", cast(Grain, grain) if grain in GRAINS else None
    )


def grains_of(length: timedelta) -> tuple[Grain, ...]:
    """The grains that go with a span of this length."""
    return tuple(grain for grain, most in GRAINS.items() if length <= most)


def grain_of(wanted: Grain | None, length: timedelta) -> Grain:
    """The grain of a span: the one that is wanted where it goes with it, else one that gives some ten to 120 points."""
    if wanted in (possible := grains_of(length)):
        return wanted
    limits: tuple[tuple[Grain, int], ...] = (("hour", 3), ("day", 120), ("week", 800))
    for grain, most in limits:
        if length <= timedelta(days=most) and grain in possible:
            return grain
    return "month"
