"""A server that keeps its history for too short a time: the summaries notice and are built anew, and figures are right.

The oplog holds 8 MB here and pre-images a second, so that both are gone after some thousand changes.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from pymongo.read_concern import ReadConcern

from ecommerce.check import check_orders
from ecommerce.doctor.findings import OK, PROBLEM
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services import mongod as services
from ecommerce.settings import Settings
from ecommerce.summaries import advance as advance_module
from ecommerce.summaries.advance import advance
from ecommerce.summaries.rebuild import _Rebuild
from tests.beside import Beside
from tests.doctoring import look
from tests.import_samples import stored_orders
from tests.ports import free_port
from tests.programs import wait_until
from tests.summaries_data import accept, random_orders
from tests.vandalism import assert_figures_of


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a mongod with a small oplog; it cuts oplog and pre-images every second."""
    home, port = tmp_path_factory.mktemp("forgetful"), free_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(services, "OPLOG_MB", 8)
        daemon = services.mongod(home, port)
    daemon.command_parts += ["--syncdelay", "1"]  # the oplog is cut up to the last checkpoint
    daemon.command_parts += ["--setParameter", "expiredChangeStreamPreImageRemovalJobSleepSecs=1"]
    daemon.start()
    yield Settings(mongo_uri=f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce", home=home)
    daemon.stop()


@pytest.fixture
def settings(forgetful: Settings) -> Settings:
    return forgetful.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})


@pytest.fixture
def database(settings: Settings) -> MongoDatabase:
    database = get_database(settings)
    prepare_database(database)
    accept(database, random_orders(500))
    advance(database)
    return database


def oldest(database: MongoDatabase) -> Any:
    entry = database.client["local"]["oplog.rs"].find_one(sort=[("$natural", 1)])
    assert entry is not None
    return entry["ts"]


def fill_the_oplog(database: MongoDatabase) -> None:
    """Write until nothing that happened before is in the oplog."""
    before = database.client.admin.command("hello")["lastWrite"]["opTime"]["ts"]
    other, text = database["other"], "x" * 100_000

    def cut() -> bool:
        other.insert_many([{"text": text} for _ in range(20)])
        return bool(oldest(database) > before)

    wait_until(cut, 60)


def let_images_go(database: MongoDatabase) -> None:
    """Wait until no image of a changed document is left."""
    admin = database.client.admin
    admin.command("setClusterParameter", {"changeStreamOptions": {"preAndPostImages": {"expireAfterSeconds": 1}}})
    # Change streams read what a majority has.
    images = database.client["config"].get_collection("system.preimages", read_concern=ReadConcern("majority"))
    wait_until(lambda: images.find_one({}, {"_id": 1}) is None, 60)


def assert_right(database: MongoDatabase) -> None:
    assert_figures_of(database, stored_orders(database))


@pytest.mark.parametrize(
    ("lose", "says"), [(fill_the_oplog, "the change stream cannot go on"), (let_images_go, "has no image")]
)
def test_a_position_that_the_server_no_longer_has_leads_to_a_rebuild(
    database: MongoDatabase, settings: Settings, lose: Callable[[MongoDatabase], None], says: str
) -> None:
    database[ORDERS].update_many({"_id": {"$lt": 300}}, {"$set": {"delivery.status": "Returned"}})
    accept(database, random_orders(700)[500:])
    lose(database)
    advanced = advance(database)
    assert (advanced.mode, advanced.changes) == ("rebuilt", 700)
    assert says in advanced.reason
    assert_right(database)
    database[ORDERS].update_many({"_id": {"$lt": 9}}, {"$set": {"delivery.status": "Cancelled"}})
    assert advance(database).mode == "advanced"
    assert_right(database)
    assert check_orders(database, settings).is_good


def test_a_rebuild_that_takes_longer_than_the_oplog_is_as_of_its_beginning(
    database: MongoDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = _Rebuild.build

    entered: list[datetime] = []

    def slow(self: _Rebuild, read_concern: Any) -> None:
        entered.append(datetime.now(UTC))
        built(self, read_concern)
        accept(database, random_orders(900, seed=4)[500:])
        fill_the_oplog(database)

    with monkeypatch.context() as patched:
        patched.setattr(_Rebuild, "build", slow)
        patched.setattr(advance_module, "load_newest_state", lambda _: (None, "first run"))
        began = datetime.now(UTC)
        advanced = advance(database)
    assert (advanced.mode, advanced.changes) == ("rebuilt", 500)
    assert began <= advanced.as_of <= entered[0]
    following = advance(database)
    assert (following.mode, following.changes) == ("rebuilt", 900)
    assert_right(database)
    assert check_orders(database, settings).is_good


def test_figures_go_on_while_writers_outrun_the_oplog(database: MongoDatabase, settings: Settings) -> None:
    numbers = count(1)

    def write() -> None:
        number = next(numbers)
        database["other"].insert_many([{"text": "x" * 100_000} for _ in range(20)])
        accept(database, random_orders(500 + number, seed=5)[-1:])
        database[ORDERS].update_one({"_id": number % 500}, {"$set": {"delivery.location": f"L{number}"}})

    before = 0
    with Beside(write):
        for _ in range(20):
            orders = compute_kpis(database).orders
            assert orders >= before
            before = orders
    assert before > 500
    assert_right(database)
    assert check_orders(database, settings).is_good


def test_doctor_says_that_the_oplog_is_short_and_its_remedy_helps(database: MongoDatabase, settings: Settings) -> None:
    fill_the_oplog(database)
    found = look(settings, "mongodb", "replica set", "oplog")["oplog"]
    assert found.state == PROBLEM
    assert "the oplog of 8 MB reaches back" in found.says
    size = re.search(r"db.adminCommand\({replSetResizeOplog: 1, size: Double\((\d+)\)}\)", found.remedy)
    assert size is not None
    database.client.admin.command("replSetResizeOplog", 1, size=float(size[1]))
    assert look(settings, "mongodb", "replica set", "oplog")["oplog"].state == OK
