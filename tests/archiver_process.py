"""An archiver in a process of its own, to be killed: `python -m tests.archiver_process archive|compact|forget`.

Its runs have small chunks, so that a small run has many transactions.
"""

import sys

from ecommerce.archive import archiver, spark
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.forget.forget import forget
from ecommerce.forget.records import FORGET_RUNS
from ecommerce.mongo import get_database
from ecommerce.settings import get_settings

CHUNK_ORDERS = 5
STOP_TIMEOUT_SECONDS = 800
"""A JVM that writes its classes to a file when it ends needs a while on busy cores."""


def main() -> None:
    archiver.CHUNK_ORDERS = CHUNK_ORDERS
    spark.STOP_TIMEOUT_SECONDS = STOP_TIMEOUT_SECONDS
    settings = get_settings()
    if sys.argv[1] == "compact":
        compact_archive(settings)
    elif sys.argv[1] == "forget":
        for request in get_database(settings)[FORGET_RUNS].find():
            forget(settings, request["_id"])
    else:
        archive_orders(settings)


if __name__ == "__main__":
    main()
