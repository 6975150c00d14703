"""What a version does whose definition has grown: run in a process of its own, on the sources of that version.

`python -m tests.upgrade.grown_shop SETTINGS FILES`: settings as JSON, and the folder of the files to import.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.archive.selection import Selection
from ecommerce.archive.spark import spark_session
from ecommerce.check import check_orders
from ecommerce.documents.bson_codec import decode_order
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading import decode
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.settings import Settings
from ecommerce.summaries.cells import cells_of_orders
from ecommerce.upgrade import steps_due, upgrade_database
from tests.summaries_ledger import folded_cells

CAMPAIGNS = {9001: ("web", "1.2500"), 9002: (None, None), 9003: ("卡", None)}
"""Order → its campaign and the weight of its items, absent where None."""


def rows() -> list[dict[str, Any]]:
    """Orders with the new fields, on a day that is archived already."""
    from tests.import_samples import complete_row

    made = []
    for order_id, (campaign, weight) in CAMPAIGNS.items():
        time = {"order_time": "2026-03-31T08:00:00Z"} | ({"campaign": campaign} if campaign else {})
        item = {"event_time": "2026-03-31T08:00:00Z"} | ({"weight": weight} if weight else {})
        made.append(complete_row(order_id, status="Delivered", order=time, item=item))
    return made


def the_fast_way_only() -> None:
    """Whatever does not go the fast way ends the program."""

    def slow(*_: Any, **__: Any) -> None:
        raise SystemExit("a row took the lenient way")

    decode.encode_value = slow  # type: ignore[assignment,attr-defined]


def figures(database: MongoDatabase) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(compute_kpis(database).to_json_dict()))
    return {name: said.get(name) for name in ("orders", "revenue", "weight", "incomplete", "archived_orders")}


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    files = Path(sys.argv[2])
    database = get_database(settings)
    told: dict[str, Any] = {"before": figures(database)}
    the_fast_way_only()
    old = import_paths(database, [files / "late.jsonl", files / "hot.jsonl"])
    told["old files"] = [old.read, old.unchanged]
    file = files / "grown.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    told["new file"] = [import_paths(database, [file]).accepted, import_paths(database, [file]).unchanged]
    told["check before"] = [str(difference) for difference in check_orders(database, settings).differences]
    told["due"] = steps_due(database)
    told["moved"] = list(upgrade_database(database, settings).moved)
    told["after"] = figures(database)
    grown = [decode_order(row) for row in database["orders"].find({"_id": {"$in": list(CAMPAIGNS)}})]
    told["fold"] = folded_cells(database, {"_id": {"$in": list(CAMPAIGNS)}}).equals(cells_of_orders(grown))
    runs = archive_orders(settings, Selection(older_than_days=0))
    told["archived"] = [run.state for run in runs]
    told["compacted"] = len(compact_archive(settings, at_least=2).days)
    told["again"] = [import_paths(database, [file]).unchanged, import_paths(database, [files / "hot.jsonl"]).unchanged]
    days = [row["order_date"].date() for row in database["archived_orders"].find({}, {"order_date": 1})]
    restore_orders(settings, min(days), max(days))
    restored = {row["_id"]: row for row in database[ORDERS_RESTORED].find({"_id": {"$in": list(CAMPAIGNS)}})}
    told["restored"] = {
        str(order_id): [row["order"].get("campaign"), str(row["order_items"][0].get("weight"))]
        for order_id, row in sorted(restored.items())
    }
    told["end"] = figures(database)
    told["check"] = [str(difference) for difference in check_orders(database, settings).differences]
    print("TOLD", json.dumps(told), flush=True)


if __name__ == "__main__":
    # One Spark for all that needs it.
    with spark_session(Settings(**json.loads(sys.argv[1]))):
        main()
