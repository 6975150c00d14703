"""Load: a thousand imports of one file at once; a hundred thousand changes between two ticks of many pages; an import,
an archive run and rebuilds at once. Figures are right, nothing is lost, nothing is there twice.
"""

import asyncio
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from benchmarks.bench_dashboard import Shop, open_viewers, served_dashboard
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.documents.bson_codec import decode_order
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import IMPORTS, ORDERS, REJECTED_ROWS, MongoDatabase, get_database
from ecommerce.settings import Settings
from ecommerce.summaries.rebuild import rebuild
from tests.archiving import an_order, insert
from tests.beside import Beside
from tests.import_samples import complete_row
from tests.vandalism import assert_figures_of

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

PROCESSES, IMPORTS_EACH = 20, 50
GOOD, BAD = 900, 100
PAGES, CHANGES = 200, 100_000


def import_again_and_again(uri: str, name: str, file: Path) -> list[tuple[int, int, int, int, int]]:
    """What each of some imports of a file counted."""
    database = get_database(Settings(mongo_uri=uri, database=name))
    counts = []
    for _ in range(IMPORTS_EACH):
        (report,) = import_paths(database, [file]).files
        assert report.error is None, report.error
        counts.append((report.read, report.accepted, report.unchanged, report.changed, report.rejected))
    return counts


def test_a_thousand_imports_of_one_file_at_once_take_it_once(
    database: MongoDatabase, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "orders.jsonl"
    rows = [json.dumps(complete_row(number)) for number in range(GOOD)]
    bad = [json.dumps(complete_row(number) | {"colour": "red"}) for number in range(GOOD, GOOD + BAD)]
    file.write_text("\n".join([*rows, *bad]))
    assert settings.mongo_uri is not None
    uri = settings.mongo_uri.get_secret_value()
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("forkserver")) as processes:
        work = [processes.submit(import_again_and_again, uri, settings.database, file) for _ in range(PROCESSES)]
        counts = [one for part in work for one in part.result()]
    assert len(counts) == 1_000
    assert {(read, changed, rejected) for read, _, _, changed, rejected in counts} == {(GOOD + BAD, 0, BAD)}
    assert {accepted + unchanged for _, accepted, unchanged, _, _ in counts} == {GOOD}
    assert sum(accepted for _, accepted, _, _, _ in counts) == GOOD
    assert database[ORDERS].count_documents({}) == GOOD
    assert database[REJECTED_ROWS].count_documents({}) == BAD
    assert database[IMPORTS].count_documents({"state": "done"}) == 1_000
    assert check_orders(database, settings).is_good


def test_a_hundred_thousand_changes_between_two_ticks_reach_every_page(
    database: MongoDatabase, settings: Settings
) -> None:
    shop = Shop(database)

    async def watch(address: str) -> None:
        viewers = await open_viewers(address, PAGES)
        try:
            await asyncio.to_thread(shop.sell, CHANGES)
            for _ in range(2):  # the first update may have begun before the last order came
                for viewer in viewers:
                    viewer.delays.clear()
                async with asyncio.timeout(300):
                    while not all(viewer.delays for viewer in viewers):
                        await asyncio.sleep(0.5)
        finally:
            for viewer in viewers:
                await viewer.close()

    before = database[ORDERS].count_documents({})
    with served_dashboard(database) as (address, _):
        asyncio.run(watch(address))
    assert compute_kpis(database).orders == database[ORDERS].count_documents({}) == before + CHANGES
    assert check_orders(database, settings).is_good


def test_an_import_an_archive_run_and_rebuilds_at_once(
    database: MongoDatabase, archive: Settings, tmp_path: Path, spark: SparkSession
) -> None:
    old = [an_order(number, day=number % 20, items=1 + number % 3) for number in range(20_000)]
    insert(database, old)
    file = tmp_path / "orders.jsonl"
    file.write_text("\n".join(json.dumps(complete_row(number)) for number in range(100_000, 120_000)))
    with Beside(lambda: import_paths(database, [file])) as importing, Beside(lambda: rebuild(database)) as rebuilding:
        (run,) = archive_orders(archive, Selection(older_than_days=400))
        while not (importing.times and rebuilding.times > 1):
            assert not importing.raised + rebuilding.raised
            time.sleep(0.1)
    assert (run.state, run.orders) == ("committed", 20_000)
    new = [decode_order(document) for document in database[ORDERS].find()]
    assert len(new) == 20_000
    assert_figures_of(database, [*old, *new], step="month")
    assert check_orders(database, archive).is_good
