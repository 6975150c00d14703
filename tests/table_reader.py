"""A reader that knows nothing of this project, beside archivers that are killed: `python -m tests.table_reader URI`.

It opens `main` of the table of every database named in `drill.watched` by PyIceberg, all the time, and keeps what it
saw in `drill.tables`: an order twice, one that is hot, one that was never archived. Nothing of that is the promise.
"""

import sys
import time
from collections import Counter
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pymongo import MongoClient

PAUSE_SECONDS = 0.2


def main() -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(sys.argv[1])
    while True:
        for watched in client["drill"]["watched"].find():
            name = watched["_id"]
            ids = ids_in_main(name, watched["catalog"])
            wrong = wrong_in(client[name], ids) if ids is not None else []
            update: dict[str, Any] = {"$inc": {"looks": 1}, "$max": {"orders": len(ids or ())}}
            if wrong:
                update["$push"] = {"wrong": {"$each": wrong[:5]}}
            client["drill"]["tables"].update_one({"_id": name}, update, upsert=True)
        time.sleep(PAUSE_SECONDS)


def ids_in_main(name: str, catalog: str) -> list[int] | None:
    """Ids of the orders that a query of `main` gives; None where there is no table yet."""
    # HDFS's client is the one thing that PyIceberg does not bring along.
    files = "ecommerce.archive.files.ArchiveFiles"
    try:
        table = SqlCatalog("archive", uri=catalog, **{"py-io-impl": files}).load_table((name, "orders"))
    except NoSuchTableError:
        return None
    if table.snapshot_by_name("main") is None:
        return None
    rows = table.scan(selected_fields=("order.order_id",)).to_arrow()
    return [row["order_id"] for row in rows["order"].to_pylist()]


def wrong_in(database: Any, ids: list[int]) -> list[str]:
    """What of these ids should not be in `main`. MongoDB is read after the table: an order never goes back."""
    hot = {row["_id"] for row in database["orders"].find({"_id": {"$in": ids}}, {"_id": 1})}
    archived = {row["_id"] for row in database["archived_orders"].find({"_id": {"$in": ids}}, {"_id": 1})}
    twice = [f"{order_id} is there {count} times" for order_id, count in Counter(ids).items() if count > 1]
    never = [f"{order_id} was never archived" for order_id in sorted(set(ids) - archived)]
    return [*twice, *(f"{order_id} is hot" for order_id in sorted(hot)), *never]


if __name__ == "__main__":
    main()
