"""What happens in every company, one thing after the other, to one running shop: each is named by a command, all other
orders go on being counted, and after the remedy that is named `ecommerce check` is good and every order is there.

The shop lies in a folder with odd characters, on a machine whose name has no address, and is worked with from a shell
full of another Spark, Hadoop and Prefect. What needs services of its own is in test_load_drill.py,
test_disk_full_drill.py, test_vandal_drill.py, test_summaries_history.py (images, an oplog that is full),
test_clock_back.py, test_foreign_environment.py (no network, a home that cannot be written), and in tests/upgrade
(programs that are older and newer than the database).
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from bson import Decimal128, Int64

from ecommerce.archive.lease import archive_lease
from ecommerce.gate import FORMAT, GATE
from ecommerce.java import java_home
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, get_database, mongo_uri
from ecommerce.services.hdfs import hdfs_shell
from ecommerce.services.marks import marked_processes
from ecommerce.services.prefect import WORK_POOL
from ecommerce.services.stuck import PENDING_SECONDS_MAX
from ecommerce.settings import Settings
from ecommerce.summaries.state import STATE
from tests.foreign_shell import foreign_shell
from tests.programs import Up, ecommerce, new_settings, states, wait_until
from tests.unit.test_odd_paths import ODD

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

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


@dataclass(frozen=True)
class Row:
    """Something that happens, the command that names it, what that says, and the remedy."""

    provoke: Callable[[Shop], None]
    ask: tuple[str, ...]
    says: str
    remedy: tuple[str, ...] = ()
    """A command, after what was changed by hand is changed back."""
    healed: str = ""
    """What a running `up` says that it mended by itself."""
    counted: bool = True
    """Whether the figures can be asked for meanwhile."""


ROWS = {
    "an amount with five decimals": Row(
        spoil_an_amount, ("doctor",), r"12\.34567 has more than 4 decimals.*`ecommerce summarize`", ("summarize",)
    ),
    "a time of 1969": Row(set_a_time_of_1969, ("check",), r"set aside.*1969-07-20.* is out of range", ("summarize",)),
    "a refund of more tax than money": Row(
        refund_more_tax_than_money,
        ("doctor",),
        r"the tax and shipping of refund 1, 9\.0000, are more than its amount, 5\.0000.*`ecommerce summarize`",
        ("summarize",),
    ),
    "a document that is no order": Row(
        add_what_is_no_order, ("status",), r"_id \"x2\" \(_id: x2 is of type string, not long\)", ("summarize",)
    ),
    "a position that nobody can read": Row(break_the_position, ("summarize",), "rebuilt", ("summarize",)),
    "a file of the archive that was emptied": Row(damage_a_file, ("check",), r"is damaged.*has 0 bytes of"),
    "a deployment deleted in the UI": Row(
        delete_a_deployment,
        ("status",),
        f"not deployed: {HOURLY}.*`ecommerce up`, which runs",
        healed=f"{HOURLY} had been deleted",
    ),
    "the work pool deleted in the UI": Row(
        delete_the_work_pool,
        ("status",),
        "the work pool of .* was deleted.*`ecommerce up`, which runs",
        healed="had been deleted; they were deployed again",
    ),
    "a work queue paused in the UI": Row(
        pause_a_queue, ("status",), "the work queue 'archive' is paused: `PREFECT_API_URL=.* work-queue resume archive"
    ),
    "a run left Pending": Row(
        leave_a_run_pending, ("doctor",), "is Pending for.*prefect flow-run delete", healed="it is called crashed"
    ),
    "a run deleted while it runs": Row(
        delete_a_run_that_runs,
        ("status",),
        "prefect-worker work pool ecommerce +up",
        ("archive", "--older-than-days", "60"),
    ),
    "another archiver": Row(
        hold_the_lease, ("archive",), "another archiver is at work: process", ("archive", "--older-than-days", "50")
    ),
    "a database of a newer version": Row(
        come_from_a_newer_version, ("kpis",), r"made by version 9\.9\.9", ("kpis",), counted=False
    ),
    "a second up": Row(nothing, ("up",), "already running in"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("place")
    (place / ODD).mkdir()
    settings = new_settings(place / ODD)
    shell = foreign_shell(place)
    up = Up(settings, "--no-demo", shell=shell, within=UNKNOWN_HOST)
    running = Shop(settings, up, shell)
    try:
        up.wait_for("Look first")
        running.done("generate", "--orders", "3000", *OLD)
        running.done("generate", "--orders", "300", "--seed", "2", "--start", NEW[0], "--end", NEW[1])
        running.done("archive", "--older-than-days", "660")
        yield running
    finally:
        running.run("down")
    assert marked_processes(settings.home_directory) == []


def order_ids(database: MongoDatabase) -> set[Any]:
    return {one["_id"] for name in (ORDERS, ARCHIVED_ORDERS) for one in database[name].find({}, {"_id": 1})}


@pytest.mark.parametrize("name", ROWS)
def test_it_is_named_and_its_remedy_mends_it(shop: Shop, name: str) -> None:
    row, ids, figures = ROWS[name], order_ids(shop.database), shop.figures()
    with shop.undo:
        row.provoke(shop)
        ended = shop.run(*row.ask)
        said = " ".join((ended.stdout + ended.stderr).split())
        assert "Traceback" not in said
        # An `up` may have mended it before the command looked.
        assert re.search(row.says, said) or (row.healed and row.healed in shop.up.text), said
        if row.counted:
            meanwhile = shop.figures()
            # A document that is set aside is in no figure; all others are in each.
            assert figures["orders"] - meanwhile["orders"] in (0, meanwhile["aside"])
            assert meanwhile["aside"] or meanwhile == figures
    if row.healed:
        shop.up.wait_for(row.healed, 400)
    if row.remedy:
        # The lease of an archiver that died ends within a minute, as the message says.
        wait_until(lambda: shop.run(*row.remedy).returncode == 0, 120, lambda: shop.run(*row.remedy))
    wait_until(lambda: all(state["healthy"] for state in states(shop.settings).values()), 120, lambda: shop.up.text)
    shop.done("check")
    assert order_ids(shop.database) >= ids
    assert shop.figures() == figures


def test_two_databases_share_its_archive(shop: Shop) -> None:
    other = {"ECOMMERCE_DATABASE": "other_shop"}
    figures = shop.figures()
    shop.done("generate", "--orders", "500", "--seed", "5", *OLD, **other)
    shop.done("archive", "--older-than-days", "60", **other)
    shop.done("check", **other)
    shop.done("check")
    assert shop.figures() == figures


def test_a_second_home_with_an_archive_of_its_own_is_refused(shop: Shop, tmp_path: Path) -> None:
    other = new_settings(tmp_path).model_copy(
        update={"mongo_uri": mongo_uri(shop.settings), "archive_uri": (tmp_path / "archive").as_uri()}
    )
    before = order_ids(shop.database)
    for command in (("archive", "--older-than-days", "5"), ("restore", "--start", OLD[1], "--end", "2025-01-02")):
        ended: subprocess.CompletedProcess[str] = ecommerce(other, *command)
        assert ended.returncode == 1
        assert "the orders of database 'ecommerce' are in the table" in ended.stderr, ended.stderr
    assert order_ids(shop.database) == before
    shop.done("check")
