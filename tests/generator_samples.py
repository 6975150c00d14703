"""What the generator's tests generate: small catalogs, windows, and whole files in their own process."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_mongodb.encode import encode_orders
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.orders import make_orders
from ecommerce.generate.model.people import catalog_names
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import Window, span
from ecommerce.generate.presets import PRESETS, get_preset
from ecommerce.ingest.encoded_order import EncodedOrder

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
MONTH_LATER = APRIL + timedelta(days=30)
PRESET_NAMES = tuple(PRESETS)


def small_catalog(preset: str = "marketplace") -> CatalogSpec:
    return CatalogSpec(seed=5, locale="pt_BR", preset=preset, users=400, products=150)


def march(orders: int = 3_000, seed: int = 3, preset: str = "marketplace") -> Window:
    return span(MARCH, APRIL, orders, seed=seed, preset=preset)


def encoded(window: Window, moment: datetime, first: int = 0, count: int | None = None) -> list[EncodedOrder]:
    """The window's orders as they are at a moment."""
    spec = small_catalog(window.preset)
    columns = make_orders(spec, window, first, window.orders - first if count is None else count, to_ms(moment))
    return encode_orders(columns, get_preset(window.preset), catalog_names(spec).cities)


def file_job(orders: int = 30_000, format: str = "json", compression: str = "", bad_rows: float = 0.0) -> FileJob:
    return FileJob(small_catalog(), march(orders), to_ms(MONTH_LATER), format, compression, bad_rows)  # type: ignore[arg-type]


_WRITER = """
import sys
from pathlib import Path
import msgspec
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.orders_file import write_orders
if __name__ == "__main__":
    write_orders(Path(sys.argv[2]), msgspec.json.decode(sys.argv[1], type=FileJob), int(sys.argv[3]))
"""


def writing_process(path: Path, job: FileJob, processes: int = 1) -> subprocess.Popen[bytes]:
    """A process that writes a file of orders."""
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, json.dumps(job.identity), str(path), str(processes)], start_new_session=True
    )


def wait_for(condition: object, seconds: float = 30) -> None:
    """Wait until a callable is true."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.002)
