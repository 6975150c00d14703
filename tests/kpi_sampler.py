"""A process that watches databases while archivers are killed: `python -m tests.kpi_sampler URI`.

It samples every database named in `drill.watched` and keeps each distinct answer in `drill.answers`: what a snapshot of
the orders and the archive's records comes to, and the KPIs as the dashboard computes them. One answer per database is
the promise.
"""

import json
import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.store import KpiStore
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.summaries.cells import CellTable
from tests.summaries_ledger import folded_cells

PAUSE_SECONDS = 0.5


def main() -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(sys.argv[1], tz_aware=True)
    stores: dict[str, KpiStore] = {}
    while True:
        watched = [row["_id"] for row in client["drill"]["watched"].find()]
        stores = {name: stores.get(name) or KpiStore(client.get_database(name, CODEC_OPTIONS)) for name in watched}
        for name, store in stores.items():
            answer = sample(client.get_database(name, CODEC_OPTIONS), store)
            client["drill"]["answers"].update_one(
                {"_id": {"database": name, "answer": answer}}, {"$inc": {"times": 1}}, upsert=True
            )
        time.sleep(PAUSE_SECONDS)


def sample(database: MongoDatabase, store: KpiStore) -> str:
    """Everything that must not move, as text."""
    with database.client.start_session() as session:
        found = session.with_transaction(
            lambda running: snapshot(database, running), read_concern=ReadConcern("snapshot")
        )
    store.refresh()
    figures = store.kpis(Span(None, None), Filters()).to_json_dict()
    # Where the orders are may change; how many there are and what they come to may not.
    found["kpis"] = {
        name: figures[name]
        for name in sorted(figures)
        if name not in ("as_of", "hot_orders", "archived_orders", "aside")
    }
    return json.dumps(found, default=str, sort_keys=True)


def snapshot(database: MongoDatabase, session: ClientSession) -> dict[str, Any]:
    """Orders hot and archived at one moment: how many, how many in both places, and their cells."""
    hot = [row["_id"] for row in database[ORDERS].find({}, {"_id": 1}, session=session)]
    archived = [row["_id"] for row in database[ARCHIVED_ORDERS].find({}, {"_id": 1}, session=session)]
    cells = folded_cells(database, {}, session)
    summaries = database["orders_archive_summary"].find({}, {"cells": 1}, session=session)
    total = CellTable.sum_of((cells, *(CellTable.decode(summary["cells"]) for summary in summaries)))
    return {
        "orders": len(hot) + len(archived),
        "in_both": len(set(hot) & set(archived)),
        "cells": [sorted(map(str, frame.rows())) for frame in (total.orders, total.items)],
    }


if __name__ == "__main__":
    main()
