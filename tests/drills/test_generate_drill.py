"""Days of scheduled traffic, and a large file, killed again and again: in the end nothing tells."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.stock import LOT, REORDER_LEVEL
from ecommerce.generate.model.orders import BLOCK_ORDERS
from ecommerce.generate.model.people import inventory
from ecommerce.generate.model.windows import hour
from ecommerce.mongo import ORDERS, MongoDatabase, mongo_uri
from ecommerce.settings import Settings
from tests.generator_samples import MARCH, encoded, file_job, small_catalog, wait_for, writing_process
from tests.transactions import short_transactions

HOURS = 8 * 24
AVERAGE = 120
KILLS = 6

_TRAFFIC = """
import json, sys
from datetime import datetime, timedelta
from pathlib import Path
from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.windows import hour
from ecommerce.mongo import get_database
from ecommerce.settings import Settings
given = json.loads(sys.argv[1])
database = get_database(Settings(mongo_uri=given["uri"], database=given["database"]))
spec, march, at = CatalogSpec(**given["spec"]), datetime.fromisoformat(given["march"]), Path(given["at"])
for number in range(max(0, int(at.read_text()) - 3), given["hours"]):
    start = march + timedelta(hours=number)
    now = start + timedelta(hours=1)
    store_windows(database, spec, [hour(start, given["average"], seed=1, preset="marketplace")], now)
    advance_life(database, now)
    at.write_text(str(number + 1))
"""


def traffic(database: MongoDatabase, settings: Settings, at: Path) -> subprocess.Popen[bytes]:
    """A process that runs the hours from three before the one it had come to."""
    given = {
        "uri": mongo_uri(settings),
        "database": settings.database,
        "spec": asdict(small_catalog()),
        "march": MARCH.isoformat(),
        "at": str(at),
        "hours": HOURS,
        "average": AVERAGE,
    }
    return subprocess.Popen([sys.executable, "-c", _TRAFFIC, json.dumps(given)], start_new_session=True)


@pytest.mark.drill
@pytest.mark.timeout(600)
def test_days_of_killed_hours_ends_as_if_nothing_had_happened(
    database: MongoDatabase, settings: Settings, tmp_path: Path
) -> None:
    spec, at = ensure_catalog(database, small_catalog()), tmp_path / "at"
    at.write_text("0")
    moments = random.Random(7)
    with short_transactions(database):
        for kill in range(KILLS):
            process = traffic(database, settings, at)
            goal = (kill + 1) * HOURS // (KILLS + 1)
            wait_for(lambda goal=goal: int(at.read_text() or 0) >= goal, 180)
            time.sleep(moments.random() / 10)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            at.write_text(str(goal))
        assert traffic(database, settings, at).wait(180) == 0
    end = MARCH + timedelta(hours=HOURS)
    expected: dict[int, bytes] = {}
    for number in range(HOURS):
        window = hour(MARCH + timedelta(hours=number), AVERAGE, seed=1, preset="marketplace")
        expected |= {order.order_id: order.bson for order in encoded(window, end)}
    stored = {document["_id"]: encode_order(decode_order(document)) for document in database[ORDERS].find()}
    assert len(stored) == len(expected)
    assert stored == expected
    sold: dict[int, int] = {}
    for bson in expected.values():
        order = decode_order(bson)
        for item in order.order_items if order.delivery.status != "Cancelled" else ():
            sold[item.product_id] = sold.get(item.product_id, 0) + item.quantity
    left = {record["product_id"]: record["stock_quantity"] for record in database["inventory"].find()}
    assert min(left.values()) >= REORDER_LEVEL
    for record in inventory(spec, 1, spec.products):
        taken = (record.stock_quantity or 0) - left[record.product_id] - sold.get(record.product_id, 0)
        assert taken % LOT == 0


@pytest.mark.drill
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("format", "compression", "processes"), [("json", ".gz", 2), ("csv", "", 1)])
def test_a_large_file_killed_again_and_again_has_the_same_bytes(
    tmp_path: Path, format: str, compression: str, processes: int
) -> None:
    job = file_job(40 * BLOCK_ORDERS, format, compression, bad_rows=0.01)
    whole, killed = tmp_path / f"whole{compression}", tmp_path / f"killed{compression}"
    write_orders(whole, job)
    mark = killed.with_name(killed.name + ".progress")
    moments = random.Random(7)
    blocks = 0
    for _ in range(5):
        process = writing_process(killed, job, processes)
        goal = blocks + moments.randint(2, 5)
        wait_for(lambda goal=goal: mark.exists() and json.loads(mark.read_text())["blocks"] >= goal, 120)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        blocks = json.loads(mark.read_text())["blocks"]
    assert writing_process(killed, job, processes).wait(300) == 0
    assert killed.read_bytes() == whole.read_bytes()
