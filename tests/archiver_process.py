"""An archiver in a process of its own, to be killed: `python -m tests.archiver_process archive|compact`.

Its runs have small chunks, so that a small run has many transactions.
"""

import sys

from ecommerce.archive import archiver, spark
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.settings import get_settings

CHUNK_ORDERS = 5
STOP_TIMEOUT_SECONDS = 800
"""A JVM that writes its classes to a file when it ends needs a while on busy cores."""


def main() -> None:
    archiver.CHUNK_ORDERS = CHUNK_ORDERS
    spark.STOP_TIMEOUT_SECONDS = STOP_TIMEOUT_SECONDS
    if sys.argv[1] == "compact":
        compact_archive(get_settings())
    else:
        archive_orders(get_settings())


if __name__ == "__main__":
    main()
