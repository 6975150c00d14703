"""Live mode: orders appear second by second, and live faster than in life, until it is stopped."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ecommerce.errors import InputError
from ecommerce.generate.advance import advance_life
from ecommerce.generate.catalog import CatalogSpec, check_basket
from ecommerce.generate.catalog_store import ensure_catalog
from ecommerce.generate.first import FIRST_CATALOG, SEED
from ecommerce.generate.rhythm import from_ms
from ecommerce.generate.store import store_windows
from ecommerce.generate.windows import RATE_MAX, SPEED_MAX, second
from ecommerce.mongo import MongoDatabase, prepare_database
from ecommerce.progress import Progress, silent

LIVE_SPEED = 8_640.0
"""A day passes in ten seconds, so that one sees orders shipped after a quarter and delivered after two minutes."""
ADVANCE_SECONDS = 2
CATCH_UP_SECONDS = 60
"""After a longer pause (a laptop that slept) the seconds before are left out."""


def check_modes(options: Mapping[str, object]) -> None:
    """Raise InputError where given options belong to different modes. What is None or 0 is not given."""
    given = {name for name, value in options.items() if value}
    if "rate" in given:
        for name in ("start", "end", "to", "format", "dirt"):
            if name in given:
                raise InputError(f"--{name} and --rate: live orders are made now and go into MongoDB; leave one out")
    for name in ("format", "dirt"):
        if name in given and "to" not in given:
            raise InputError(f"--{name} is for files; say with --to where to write them")


@dataclass(slots=True)
class Lived:
    """What a stretch of live mode did."""

    accepted: int = 0
    steps: int = 0
    """Steps of open orders: shipped, delivered, cancelled, returned."""

    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def check_rate(rate: float, speed: float) -> None:
    """Raise InputError where live mode cannot have this rate or speed."""
    if not 0 < rate <= RATE_MAX:
        raise InputError(f"--rate {rate:g}: give orders a second, more than 0 and at most {RATE_MAX}")
    if not 1 <= speed <= SPEED_MAX:
        raise InputError(f"--speed {speed:g}: give a number from 1 (as in life) to {SPEED_MAX:g}")


def generate_live(
    database: MongoDatabase,
    spec: CatalogSpec,
    rate: float,
    *,
    seed: int,
    preset: str,
    speed: float = LIVE_SPEED,
    orders: int | None = None,
    progress: Progress = silent,
) -> Lived:
    """Make `rate` orders a second, each at its moment, and let open orders live, until Ctrl-C or `orders` were made.

    The orders of a second come in one transaction when it is over; what was started is finished before it ends.
    """
    check_rate(rate, speed)
    result = Lived()
    next_second = int(time.time())
    advanced_at = 0.0
    try:
        while orders is None or result.accepted < orders:
            time.sleep(max(0.0, next_second + 1 - time.time()))
            now = int(time.time())
            due = range(max(next_second, now - CATCH_UP_SECONDS), now)
            made = [second(start * 1000, rate, seed=seed, preset=preset, speed=speed) for start in due]
            windows = [window for window in made if window is not None]
            result.accepted += store_windows(database, spec, windows, from_ms(now * 1000)).accepted
            next_second = now
            if now - advanced_at >= ADVANCE_SECONDS:
                result.steps += advance_life(database, datetime.now(UTC)).orders
                advanced_at = now
            progress(result.accepted, orders, "orders")
    except KeyboardInterrupt:
        return result
    return result


def live(
    database: MongoDatabase,
    *,
    rate: float,
    seed: int = SEED,
    preset: str = FIRST_CATALOG.preset,
    locale: str = FIRST_CATALOG.locale,
    users: int = FIRST_CATALOG.users,
    products: int = FIRST_CATALOG.products,
    speed: float = LIVE_SPEED,
    orders: int | None = None,
    progress: Progress = silent,
) -> Lived:
    """Live mode with all that it needs: a prepared database and a catalog. Raises InputError for impossible options."""
    wanted = CatalogSpec(seed, locale, preset, users, products)
    check_rate(rate, speed)
    check_basket(wanted, preset)
    prepare_database(database)
    spec = ensure_catalog(database, wanted)
    return generate_live(database, spec, rate, seed=seed, preset=preset, speed=speed, orders=orders, progress=progress)
