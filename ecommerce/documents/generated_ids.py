"""How the ids of generated orders are made: an order that came from elsewhere is told by its id alone."""

from ecommerce.documents.kinds import HOUR_MS

FIRST_HOUR = 946_684_800_000 // HOUR_MS
"""2000-01-01, from which the hours in the ids count."""
POSITION_BITS = 20
SERIES_BITS = 14
HOUR_BITS = 19


def holds_its_hour(order_id: int, time_ms: int) -> bool:
    """Whether an id holds the hour of its order, as those of all generated orders do, in any database or file.

    Of other ids none does but by chance, one of half a million.
    """
    return order_id >> (SERIES_BITS + POSITION_BITS) == time_ms // HOUR_MS - FIRST_HOUR
