"""What the bytes of a file of orders are made of: block after block, each by itself, by any process."""

import gzip
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import zstandard

from ecommerce.generate.into_files.malformed import BadRowCounts, make_late, make_malformed
from ecommerce.generate.into_files.text import CSV_HEADER, csv_rows, json_lines
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.orders import BLOCK_ORDERS, make_orders
from ecommerce.generate.model.windows import Window
from ecommerce.generate.presets import get_preset

Format = Literal["json", "csv"]
ZSTD_LEVEL = 3
GZIP_LEVEL = 4
"""Level 6 makes files 4 % smaller in twice the time."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """All that determines the bytes of a file of orders."""

    spec: CatalogSpec
    window: Window
    moment_ms: int
    format: Format
    compression: str
    bad_rows: float

    @property
    def identity(self) -> dict[str, Any]:
        """What a started file must be of to be continued, as JSON has it."""
        return asdict(self)

    def block(self, number: int, cities: Sequence[str]) -> tuple[bytes, BadRowCounts]:
        """The bytes of the file's `number`-th block, the first is 0, and its bad rows. `cities` are the catalog's."""
        first = number * BLOCK_ORDERS
        columns = make_orders(
            self.spec, self.window, first, min(BLOCK_ORDERS, self.window.orders - first), self.moment_ms
        )
        if self.bad_rows:
            columns = make_late(columns, self.bad_rows)
        write = json_lines if self.format == "json" else csv_rows
        rows = write(columns, get_preset(self.window.preset), cities)
        bad_rows = BadRowCounts()
        if self.bad_rows:
            rows, bad_rows = make_malformed(rows, columns.order_id, self.bad_rows)
        header = CSV_HEADER if self.format == "csv" and number == 0 else b""
        return _compressed(header + b"".join(rows), self.compression), bad_rows

    @property
    def blocks(self) -> int:
        """Number of blocks of the file."""
        return -(-self.window.orders // BLOCK_ORDERS)


def _compressed(data: bytes, compression: str) -> bytes:
    match compression:
        case ".gz":
            return gzip.compress(data, GZIP_LEVEL, mtime=0)
        case ".zst":
            return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(data)
        case _:
            return data
