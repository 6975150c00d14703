"""A shop whose services run, and what people and disks do to it."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from bson import Decimal128, Int64

from ecommerce.archive.lease import archive_lease
from ecommerce.gate import FORMAT, GATE
from ecommerce.java import java_home
from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.services.hdfs import hdfs_shell
from ecommerce.services.prefect import WORK_POOL
from ecommerce.services.stuck import PENDING_SECONDS_MAX
from ecommerce.settings import Settings
from ecommerce.summaries.state import STATE
from tests.programs import Up, ecommerce, wait_until

DAILY = "archive-orders/daily"

HOURLY = "import-files/hourly"

UNKNOWN = "import os, socket, sys; socket.sethostname('no-such-host_1'); os.execv(sys.argv[1], sys.argv[1:])"

UNKNOWN_HOST = ("unshare", "--uts", sys.executable, "-c", UNKNOWN)

OLD = ("--start", "2025-01-01", "--end", "2025-03-01")

NEW = tuple(f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}" for days in (20, 10))
"""Days to which the hourly schedule adds nothing, and whose orders stay hot."""

FIGURES = ("orders", "revenue", "quantity", "by_status", "by_payment_type", "late_share", "sales")


@dataclass
class Shop:
    """The running services, and what is undone at the end of a row."""

    settings: Settings
    up: Up
    shell: Mapping[str, str]
    undo: ExitStack = field(default_factory=ExitStack)

    @property
    def database(self) -> MongoDatabase:
        return get_database(self.settings)

    def api(self, path: str, body: dict[str, Any] | None = None, method: str = "") -> Any:
        url = f"http://127.0.0.1:{self.settings.prefect_port}/api/{path}"
        answer = httpx.request(method or ("GET" if body is None else "POST"), url, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def run(self, *arguments: str, **others: str) -> subprocess.CompletedProcess[str]:
        return ecommerce(self.settings, *arguments, shell={**self.shell, **others}, within=UNKNOWN_HOST)

    def done(self, *arguments: str, **others: str) -> str:
        ended = self.run(*arguments, **others)
        assert ended.returncode == 0, f"{arguments}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def figures(self) -> dict[str, Any]:
        """Of all orders but those that a schedule may make meanwhile, and how many documents are set aside."""
        found = json.loads(self.done("kpis", "--json", "--start", OLD[1], "--end", NEW[1]))
        return {name: found[name] for name in FIGURES} | {"aside": found.get("aside") or 0}

    def change(self, change: dict[str, Any]) -> None:
        """Change an order past the validator, look at the figures, and change it back at the end."""
        orders = self.database[ORDERS]
        start, end = (datetime.fromisoformat(f"{day}T00:00:00Z") for day in NEW)
        before = orders.find_one({"order.order_time": {"$gte": start, "$lt": end}})
        assert before is not None
        same = {"_id": before["_id"]}
        orders.update_one(same, {"$set": change}, bypass_document_validation=True)
        self.undo.callback(orders.replace_one, same, before)
        self.done("kpis")

    def hdfs(self, *arguments: str) -> str:
        configuration = self.settings.home / "hdfs" / "conf"
        return hdfs_shell(configuration, java_home(self.settings), self.settings.cache, *arguments)


def spoil_an_amount(shop: Shop) -> None:
    shop.change({"order.total_amount": Decimal128("12.34567")})


def set_a_time_of_1969(shop: Shop) -> None:
    shop.change({"order.order_time": datetime(1969, 7, 20, tzinfo=UTC)})


def refund_more_tax_than_money(shop: Shop) -> None:
    refund = {"refund_id": Int64(1), "refund_time": datetime.now(UTC), "amount": Decimal128("5.0000")}
    shop.change({"refunds": [refund | {"tax_amount": Decimal128("9.0000")}]})


def add_what_is_no_order(shop: Shop) -> None:
    orders = shop.database[ORDERS]
    orders.insert_one({"_id": "x2", "order": {"order_time": "2025-01-05"}}, bypass_document_validation=True)
    shop.undo.callback(orders.delete_one, {"_id": "x2"})
    shop.done("kpis")


def break_the_position(shop: Shop) -> None:
    shop.database[STATE].update_one({}, {"$set": {"token": {"_data": 5}}})


def damage_a_file(shop: Shop) -> None:
    """Somebody empties a file of the archive with Hadoop's own shell, and puts it back from a copy."""
    files = [line.split(maxsplit=7)[-1] for line in shop.hdfs("-ls", "-R", "/archive").splitlines()]
    data = next(file for file in files if file.endswith(".parquet"))
    place = shop.settings.home.parent  # Hadoop's shell reads what is odd in a path
    copy, empty = place / "kept.parquet", place / "empty.parquet"
    empty.write_bytes(b"")
    copy.unlink(missing_ok=True)
    shop.hdfs("-get", data, str(copy))
    shop.hdfs("-put", "-f", str(empty), data)
    shop.undo.callback(shop.hdfs, "-put", "-f", str(copy), data)


def delete_a_deployment(shop: Shop) -> None:
    found = shop.api(f"deployments/name/{HOURLY}")
    shop.api(f"deployments/{found['id']}", method="DELETE")


def delete_the_work_pool(shop: Shop) -> None:
    shop.api(f"work_pools/{WORK_POOL}", method="DELETE")


def pause_a_queue(shop: Shop) -> None:
    queue = f"work_pools/{WORK_POOL}/queues/archive"
    shop.undo.callback(shop.api, queue, {"is_paused": False}, "PATCH")
    shop.api(queue, {"is_paused": True}, "PATCH")


def leave_a_run_pending(shop: Shop) -> None:
    """What a worker leaves that dies between Pending and Running."""
    found = shop.api(f"deployments/name/{HOURLY}")
    shop.api(f"work_pools/{WORK_POOL}", {"is_paused": True}, method="PATCH")

    def is_pending() -> bool:
        # Refused, and the run cancelled, where one of the schedule's is at work at this moment.
        run = shop.api(f"deployments/{found['id']}/create_flow_run", {})
        answer = shop.api(f"flow_runs/{run['id']}/set_state", {"state": {"type": "PENDING"}})
        return bool(answer["status"] == "ACCEPT")

    wait_until(is_pending, 120)
    shop.api(f"work_pools/{WORK_POOL}", {"is_paused": False}, method="PATCH")
    time.sleep(PENDING_SECONDS_MAX + 10)


def delete_a_run_that_runs(shop: Shop) -> None:
    deployment = shop.api(f"deployments/name/{DAILY}")
    run = shop.api(f"deployments/{deployment['id']}/create_flow_run", {"parameters": {"older_than_days": 60}})
    wait_until(lambda: shop.api(f"flow_runs/{run['id']}")["state_type"] == "RUNNING", 120)
    shop.api(f"flow_runs/{run['id']}", method="DELETE")


def hold_the_lease(shop: Shop) -> None:
    shop.undo.enter_context(archive_lease(shop.database))


def come_from_a_newer_version(shop: Shop) -> None:
    gate = shop.database[GATE]
    before = gate.find_one({"_id": "format"})
    assert before is not None
    gate.update_one({"_id": "format"}, {"$set": {"format": FORMAT + 1, "version": "9.9.9"}})
    shop.undo.callback(gate.replace_one, {"_id": "format"}, before)


def nothing(shop: Shop) -> None:
    """The command itself is the mistake."""
