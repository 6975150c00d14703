"""Windows of orders into MongoDB: by `accept_orders`, in several threads, stock taken once."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pymongo.errors import DuplicateKeyError

from ecommerce.errors import InputError
from ecommerce.generate.into_mongodb.encode import encode_orders
from ecommerce.generate.into_mongodb.stock import units_sold
from ecommerce.generate.into_mongodb.windows_done import stored_moments, take_stock_once
from ecommerce.generate.model.catalog import CatalogSpec, check_basket
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.orders import BLOCK_ORDERS, make_orders
from ecommerce.generate.model.people import catalog_names
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import Window
from ecommerce.generate.presets import get_preset
from ecommerce.ingest.accept import Accepted, accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress, silent
from ecommerce.readable import counted

log = logging.getLogger(__name__)

SERIES = "generator_series"
"""Who has which number in the order ids: {_id: number, series, preset, speed}. The advance of life reads it."""

INSERTING_THREADS = 3

Work = TypeVar("Work")
Done = TypeVar("Done")


@dataclass(slots=True)
class Generated:
    """What became of the orders of some windows."""

    accepted: int = 0
    unchanged: int = 0
    """In the database or the archive already."""

    @property
    def orders(self) -> int:
        """All orders that were made."""
        return self.accepted + self.unchanged


def never(_stored: bytes, _incoming: bytes) -> bool:
    """A generated order is no news: a stored one has moved on, and running a window again reverts nothing."""
    return False


def register_series(database: MongoDatabase, window: Window) -> None:
    """Claim the window's number for its series. Raises InputError where another series has it (1 pair in 16 384)."""
    record = {"_id": window.number, "series": window.series, "preset": window.preset, "speed": window.speed}
    try:
        database[SERIES].insert_one(record)
    except DuplicateKeyError:
        holder = database[SERIES].find_one({"_id": window.number}) or {}
        if holder.get("series") != window.series:
            raise InputError(
                f"--seed {window.seed}: its orders would have the ids of those generated as {holder.get('series')!r}; "
                "give another seed"
            ) from None


def store_windows(
    database: MongoDatabase,
    spec: CatalogSpec,
    windows: Sequence[Window],
    moment: datetime,
    progress: Progress = silent,
) -> Generated:
    """Bring the orders of windows into `orders`, in the state that they have at `moment`, and take their stock.

    Of a window that is not over at `moment` only the orders placed by then are made; a later run adds the others.
    Orders that are there already, hot or archived, stay as they are, so running a window again, or to its end after it
    was stopped, adds only what is missing, in the state that the first run stored: `advance_life` brings all of them
    to that of today. Raises InputError for impossible options.
    """
    for series in {window.series: window for window in windows}.values():
        check_basket(spec, series.preset)
        register_series(database, series)
    moment_ms = to_ms(moment)
    counts = {window: window.placed_by(moment_ms) for window in windows}
    moments = stored_moments(database, windows, moment_ms)
    total = sum(counts.values())
    result = Generated()
    sold: dict[Window, Ints] = {}

    def store(blocks: list[tuple[Window, int, int]]) -> tuple[Accepted, list[tuple[Window, Ints]]]:
        encoded, units = _make(spec, blocks, moments)
        return accept_orders(database, encoded, is_news=never), units

    for accepted, units in _in_threads(store, _batches(counts)):
        result.accepted += accepted.accepted
        result.unchanged += (
            accepted.unchanged + accepted.changed + len(accepted.already_archived) + len(accepted.expired)
        )
        for window, of_block in units:
            sold[window] = sold[window] + of_block if window in sold else of_block
        progress(result.orders, total, "orders")
    log.info(
        "%s of %s: %s were there",
        counted(result.orders, "order"),
        counted(len(windows), "window"),
        f"{result.unchanged:,}",
    )
    take_stock_once(database, spec, {window: sold[window] for window in sold if window.end_ms <= moment_ms})
    return result


def _batches(counts: dict[Window, int]) -> Iterator[list[tuple[Window, int, int]]]:
    """(window, first order, number of orders) of about BLOCK_ORDERS at a time; small windows go together."""
    batch: list[tuple[Window, int, int]] = []
    size = 0
    for window, count in counts.items():
        for first in range(0, count, BLOCK_ORDERS):
            block = min(BLOCK_ORDERS, count - first)
            if size + block > BLOCK_ORDERS:
                yield batch
                batch, size = [], 0
            batch.append((window, first, block))
            size += block
    if batch:
        yield batch


def _make(
    spec: CatalogSpec, blocks: list[tuple[Window, int, int]], moments: Mapping[Window, int]
) -> tuple[list[EncodedOrder], list[tuple[Window, Ints]]]:
    encoded: list[EncodedOrder] = []
    units: list[tuple[Window, Ints]] = []
    cities = catalog_names(spec).cities
    for window, first, count in blocks:
        columns = make_orders(spec, window, first, count, moments[window])
        encoded += encode_orders(columns, get_preset(window.preset), cities)
        units.append((window, units_sold(columns, spec)))
    return encoded, units


def _in_threads(work: Callable[[Work], Done], items: Iterable[Work]) -> Iterator[Done]:
    """Results in order, few items ahead: the server works on one batch while NumPy makes another."""
    with ThreadPoolExecutor(INSERTING_THREADS) as pool:
        running: deque[Future[Done]] = deque()
        try:
            for item in items:
                running.append(pool.submit(work, item))
                if len(running) > INSERTING_THREADS:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
