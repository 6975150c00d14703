"""What one asks of the generator, and the refusal of what cannot be, before anything is begun."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecommerce.documents.kinds import HOUR_MS
from ecommerce.errors import InputError
from ecommerce.generate.first import FIRST_CATALOG, ORDERS_AN_HOUR, SEED
from ecommerce.generate.into_files.job import FileJob, Format
from ecommerce.generate.into_files.orders_file import check_file_options, orders_path, started_moment
from ecommerce.generate.live import LIVE_SPEED, check_rate
from ecommerce.generate.model.catalog import CatalogSpec, check_basket, check_catalog
from ecommerce.generate.model.people import check_locale
from ecommerce.generate.model.rhythm import from_ms, to_ms
from ecommerce.generate.model.windows import Window, hour, span
from ecommerce.generate.presets import get_preset

SEED_MAX = 2**63 - 1
USERS_BY_DEFAULT = 100_000
PRODUCTS_BY_DEFAULT = 10_000
"""Largest catalog that nobody asked for: it takes three seconds to make."""


@dataclass(frozen=True, slots=True)
class Request:
    """The options of the generator, as the command line and the flow's form have them. None is not given."""

    orders: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    preset: str = FIRST_CATALOG.preset
    seed: int = SEED
    locale: str = FIRST_CATALOG.locale
    users: int | None = None
    products: int | None = None
    rate: float | None = None
    speed: float = LIVE_SPEED
    to: str | None = None
    format: Format | None = None
    bad_rows: float = 0.0
    processes: int = 1

    @property
    def catalog(self) -> CatalogSpec:
        """The catalog that is asked for. Where its size is not given, it grows with the orders, up to a point."""
        orders = self.orders or 0
        users = min(max(orders, FIRST_CATALOG.users), USERS_BY_DEFAULT) if self.users is None else self.users
        products = min(max(orders // 10, FIRST_CATALOG.products), PRODUCTS_BY_DEFAULT)
        products = products if self.products is None else self.products
        return CatalogSpec(self.seed, self.locale, self.preset, users, products)

    @property
    def average(self) -> int:
        """Orders of an average hour of the schedule."""
        return ORDERS_AN_HOUR if self.orders is None else self.orders

    def check(self, now: datetime) -> None:
        """Raise InputError, with the option's name and what would be right, where this cannot be made at `now`."""
        self._check_modes()
        get_preset(self.preset)
        check_locale(self.locale)
        check_catalog(self.catalog)
        check_basket(self.catalog, self.preset)
        if not 0 <= self.seed <= SEED_MAX:
            raise InputError(f"--seed {self.seed}: give a number from 0 to {SEED_MAX}")
        if self.rate is not None:
            check_rate(self.rate, self.speed)
            return
        window = self.window(now)
        if self.to is not None:
            orders_path(Path(self.to), self.format)
            check_file_options(self.bad_rows, self.processes)
        elif window.mode == "span" and window.end_ms > to_ms(now):
            end = from_ms(window.end_ms)
            raise InputError(f"--end {end:%Y-%m-%d %H:%M} is in the future; give at most {now:%Y-%m-%dT%H:%M} (UTC)")

    def _check_modes(self) -> None:
        if self.rate is not None:
            for name in ("start", "end", "to", "format", "bad_rows"):
                if getattr(self, name):
                    raise InputError(
                        f"{_option(name)} and --rate: live orders are made now and go into MongoDB; leave one out"
                    )
        for name in ("format", "bad_rows"):
            if getattr(self, name) and self.to is None:
                raise InputError(f"{_option(name)} is for files; say with --to where to write them")

    def window(self, scheduled: datetime) -> Window:
        """The span that is asked for, else the hour before the scheduled time, whatever the time is now."""
        if self.start is None and self.end is None:
            this_hour = scheduled.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            return hour(this_hour - timedelta(hours=1), self.average, seed=self.seed, preset=self.preset)
        if self.start is None or self.end is None:
            missing, given = ("--start", "--end") if self.start is None else ("--end", "--start")
            raise InputError(f"{missing} is missing: a span needs it where {given} is given")
        hours = max(1, (to_ms(self.end) - to_ms(self.start)) // HOUR_MS)
        orders = hours * ORDERS_AN_HOUR if self.orders is None else self.orders
        return span(self.start, self.end, orders, seed=self.seed, preset=self.preset)

    def file(self, scheduled: datetime, now: datetime) -> tuple[Path, FileJob]:
        """The file that is asked for. It shows the state of last midnight, so that a day's runs agree, or that of the
        span's end where that is later, or that of a file which was begun and is continued."""
        path, format, compression = orders_path(Path(self.to or "."), self.format)
        window = self.window(scheduled)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        moment = max(midnight, from_ms(window.end_ms))
        job = FileJob(self.catalog, window, to_ms(moment), format, compression, self.bad_rows)
        return path, replace(job, moment_ms=started_moment(path, job))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
