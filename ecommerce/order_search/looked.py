"""How far a search through the archive has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Looked:
    """How far a search has come, of the days that it is about."""

    days: int = 0
    all_days: int = 0
    orders: int = 0
    all_orders: int = 0


class CountOfDays:
    """How many days and orders lie behind each day, from the latest on."""

    def __init__(self, held: Mapping[date, int]) -> None:
        self._behind: dict[date, tuple[int, int]] = {}
        self._orders = sum(held.values())
        self._days = len(held)
        orders = 0
        for days, day in enumerate(sorted(held, reverse=True)):
            self._behind[day] = days, orders
            orders += held[day]
        self._held = held

    def before(self, day: date) -> Looked:
        """How far, before a day was looked through."""
        days, orders = self._behind.get(day, (0, 0))
        return Looked(days, self._days, orders, self._orders)

    def until(self, day: date) -> Looked:
        """How far, when a day was looked through."""
        days, orders = self._behind.get(day, (0, 0))
        return Looked(min(days + 1, self._days), self._days, orders + self._held.get(day, 0), self._orders)

    def all(self) -> Looked:
        """Through all of them."""
        return Looked(self._days, self._days, self._orders, self._orders)
