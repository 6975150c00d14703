"""Load: a thousand imports of one file at once; a hundred thousand changes between two ticks of many pages."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from ecommerce.check import check_orders
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.ledger import IMPORTS, REJECTED_ROWS
from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.settings import Settings
from tests.import_samples import complete_row

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

PROCESSES, IMPORTS_EACH = 20, 50
GOOD, BAD = 900, 100


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
