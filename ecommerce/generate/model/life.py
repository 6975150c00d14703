"""An order's life: when it is handed over, and when and how it ends, decided by its id alone.

The generator uses it for the state an order has by now, the advance for the next step of a stored one; both come to
the same because neither draws from anything but the order id.
"""

from dataclasses import dataclass

import numpy as np

from ecommerce.documents import statuses
from ecommerce.documents.kinds import DAY_MS, HOUR_MS
from ecommerce.generate.model.draws import Flags, Floats, Ints, at_quantile, pick, uniform
from ecommerce.generate.model.rhythm import weekday_of
from ecommerce.generate.presets.shape import Preset

STATUSES = tuple(status.name for status in statuses.STATUSES)
"""The generator writes the table's own names."""

PENDING, SHIPPED, DELIVERED, CANCELLED, RETURNED = map(
    STATUSES.index,
    (statuses.PENDING, statuses.SHIPPED, statuses.DELIVERED, statuses.CANCELLED, statuses.RETURNED),
)
NEVER = np.int64(2**62)
SATURDAY = 5

_OUTCOME_STATUS = np.array([DELIVERED, CANCELLED, RETURNED, RETURNED, CANCELLED])
_IS_SHIPPED = np.array([True, False, True, True, False])
_IS_STUCK = np.array([False, False, False, True, True])


@dataclass(frozen=True, slots=True)
class Lives:
    """The lives of orders, times in ms; `shipped_at` is NEVER for those that are never handed over."""

    ordered_at: Ints
    shipped_at: Ints
    ended_at: Ints
    end: Ints
    """Index into STATUSES of the terminal status."""

    def at(self, moment_ms: int) -> tuple[Ints, Ints]:
        """(status, time of the last change) of each order at a moment."""
        ended = self.ended_at <= moment_ms
        shipped = self.shipped_at <= moment_ms
        status = np.where(ended, self.end, np.where(shipped, SHIPPED, PENDING))
        changed = np.where(ended, self.ended_at, np.where(shipped, self.shipped_at, self.ordered_at))
        return status, changed


def lives(order_ids: Ints, ordered_at: Ints, preset: Preset, speed: float = 1.0) -> Lives:
    """The lives of orders placed at `ordered_at` (ms), `speed` times as fast as in life."""
    outcomes, delivery = preset.outcomes, preset.delivery
    others = (outcomes.cancelled, outcomes.returned, outcomes.stuck_in_shipped, outcomes.stuck_in_pending)
    outcome = pick(uniform(order_ids, "fate"), (1.0 - sum(others), *others))
    days = at_quantile(uniform(order_ids, "delivery days"), delivery.days)
    duration = (days * DAY_MS).astype(np.int64)
    low, high = delivery.handover
    handover = (duration * (low + (high - low) * uniform(order_ids, "handover"))).astype(np.int64)
    delivered_at, shipped_at = ordered_at + duration, ordered_at + handover
    if speed == 1.0 and delivery.daytime is not None:
        delivered_at = _in_daytime(delivered_at, uniform(order_ids, "daytime"), delivery.daytime)
        delivered_at = _off_weekend(delivered_at, uniform(order_ids, "weekend delivery") < delivery.weekend_deliveries)
        stays = uniform(order_ids, "weekend handover") < delivery.weekend_handovers
        shipped_at = _handed_over(shipped_at, stays, ordered_at)
        delivered_at = np.maximum(delivered_at, shipped_at + 2 * HOUR_MS)
    ended_at = np.where(outcome == 1, ordered_at + handover // 2, delivered_at)
    stuck_days = 120 + 60 * uniform(order_ids, "stuck days")
    ended_at = np.where(_IS_STUCK[outcome], ordered_at + (stuck_days * DAY_MS).astype(np.int64), ended_at)
    if speed != 1.0:
        shipped_at = ordered_at + ((shipped_at - ordered_at) / speed).astype(np.int64)
        ended_at = ordered_at + ((ended_at - ordered_at) / speed).astype(np.int64)
    shipped_at = np.maximum(_whole(shipped_at, speed), ordered_at + 1)
    ended_at = np.maximum(_whole(ended_at, speed), np.where(_IS_SHIPPED[outcome], shipped_at, ordered_at) + 1)
    return Lives(ordered_at, np.where(_IS_SHIPPED[outcome], shipped_at, NEVER), ended_at, _OUTCOME_STATUS[outcome])


def _whole(times: Ints, speed: float) -> Ints:
    return times - times % 1000 if speed == 1.0 else times


def _in_daytime(times: Ints, drawn: Floats, daytime: tuple[float, float]) -> Ints:
    first, last = daytime
    return times - times % DAY_MS + ((first + (last - first) * drawn) * HOUR_MS).astype(np.int64)


def _off_weekend(times: Ints, stays: Flags) -> Ints:
    """Saturdays become Fridays and Sundays Mondays, which keeps the distribution of delivery times in its place."""
    weekday = weekday_of(times)
    moved = np.where(weekday == SATURDAY, -DAY_MS, np.where(weekday > SATURDAY, DAY_MS, 0))
    return times + np.where(stays, 0, moved)


def _handed_over(times: Ints, stays: Flags, ordered_at: Ints) -> Ints:
    """Hand-overs of a weekend wait for Monday; those that do not wait are the share that `stays`."""
    weekday = weekday_of(times)
    wait = np.where(weekday >= SATURDAY, (7 - weekday) * DAY_MS, 0)
    return np.maximum(times + np.where(stays, 0, wait), ordered_at + 1)
