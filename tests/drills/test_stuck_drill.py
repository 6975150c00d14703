"""What happens in every company, one thing after the other, to one running shop: each is named by a command, all other
orders go on being counted, and after the remedy that is named `ecommerce check` is good and every order is there.

The shop lies in a folder with odd characters, on a machine whose name has no address, and is worked with from a shell
full of another Spark, Hadoop and Prefect. What needs services of its own is in test_load_drill.py,
test_disk_full_drill.py, test_vandal_drill.py, test_summaries_history.py (images, an oplog that is full),
test_clock_back.py, test_foreign_environment.py (no network, a home that cannot be written), and in tests/upgrade
(programs that are older and newer than the database).
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, mongo_uri
from ecommerce.services.marks import marked_processes
from tests.drills.stuck_shop import (
    HOURLY,
    NEW,
    OLD,
    UNKNOWN_HOST,
    Shop,
    add_what_is_no_order,
    break_the_position,
    come_from_a_newer_version,
    damage_a_file,
    delete_a_deployment,
    delete_a_run_that_runs,
    delete_the_work_pool,
    hold_the_lease,
    leave_a_run_pending,
    nothing,
    pause_a_queue,
    refund_more_tax_than_money,
    set_a_time_of_1969,
    spoil_an_amount,
)
from tests.foreign_shell import foreign_shell
from tests.programs import Up, ecommerce, new_settings, states, wait_until
from tests.unit.test_odd_paths import ODD

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]


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
