"""A random life of the store, beside a dict of the orders that were accepted."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from bson import Int64, json_util
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pymongo.read_concern import ReadConcern

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.catalog import TABLE, pyiceberg_catalog
from ecommerce.archive.restore import restore_orders
from ecommerce.archive.selection import Selection
from ecommerce.change_shop import change_shop
from ecommerce.check import check_orders
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.order import OrderDocument, Refund
from ecommerce.hours import hours_of, time_of
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from ecommerce.shop import Shop, read_shop, write_shop
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.records import told
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from tests.sales_recount import SHOP_CURRENCY
from tests.summaries_data import START, STATUSES, accept, document_of, random_order
from tests.summaries_ledger import folded_cells
from tests.summaries_recount import recount
from tests.summaries_workers import Workers

FROM, UNTIL = START + timedelta(days=3, hours=5), START + timedelta(days=36, hours=2)

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns")

WHOLE_HOURS = ZONES[:3]
"""Their hours begin with those of UTC, so that a shop moves between them without its archived orders."""

WORKS = ("advance", "compact", "rebuild")


def purge(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    """What the archiver's purge does to MongoDB, in one transaction as it does it."""
    hours = hours_of(read_shop(database).time_zone)
    ids = [Int64(order.order.order_id) for order in orders]
    entries = [
        {"_id": Int64(order.order.order_id), "content_hash": Int64(content_hash(order)), "run_id": "run"}
        for order in orders
    ]

    def write(session: Any) -> None:
        cells = folded_cells(database, {"_id": {"$in": ids}}, session, hours=hours)
        record = {"_id": f"run/{time.time_ns()}", "order_date": START, "total_orders": Int64(len(ids))}
        database[ARCHIVE_SUMMARY].insert_one(record | told(cells, hours), session=session)
        assert database[ORDERS].delete_many({"_id": {"$in": ids}}, session=session).deleted_count == len(ids)
        database[ARCHIVED_ORDERS].insert_many(entries, session=session)

    with database.client.start_session() as session:
        session.with_transaction(write, read_concern=ReadConcern("snapshot"))


class Program(RuleBasedStateMachine):
    """The store beside a dict of the orders that were accepted."""

    # In a tuple, because Hypothesis asks every attribute of the class for its marks, and a database has any attribute.
    services: tuple[MongoDatabase, Workers]
    settings_of_store = Settings()

    def __init__(self) -> None:
        super().__init__()
        self.database, self.workers = self.services

    @initialize(seed=st.integers(0, 2**32), zone=st.sampled_from(ZONES))
    def begin(self, seed: int, zone: str) -> None:
        self.rng = random.Random(seed)
        for name in self.database.list_collection_names():
            self.database.drop_collection(name)
        prepare_database(self.database)
        self.zone = zone
        write_shop(self.database, Shop(SHOP_CURRENCY, zone))
        self.hot: dict[int, OrderDocument] = {}
        self.archived: dict[int, OrderDocument] = {}
        self.store = KpiStore(self.database)

    def may_move(self, zone: str) -> bool:
        """Without an archive there are no orders to read again."""
        return {self.zone, zone} <= set(WHOLE_HOURS)

    def some_hot(self) -> list[OrderDocument]:
        return self.rng.sample(list(self.hot.values()), self.rng.randint(1, min(len(self.hot), 20)))

    def bring_new(self, orders: list[OrderDocument]) -> None:
        accept(self.database, orders)

    def archive_some(self) -> None:
        purge(self.database, self.some_hot())

    def restore_all(self) -> None:
        self.database["orders_restored"].delete_many({})
        self.database["orders_restored"].insert_many(document_of(order) for order in self.archived.values())

    def put(self, orders: list[OrderDocument]) -> None:
        """Bring orders in; the archived ones among them are refused there."""
        accept(self.database, orders)
        self.hot |= {order.order.order_id: order for order in orders if order.order.order_id not in self.archived}

    @rule(count=st.integers(1, 40), wild=st.booleans())
    def orders_come(self, count: int, wild: bool) -> None:
        first = len(self.hot) + len(self.archived)
        orders = [random_order(self.rng, first + number, wild=wild) for number in range(count)]
        self.bring_new(orders)
        self.hot |= {order.order.order_id: order for order in orders}

    @rule(seconds=st.integers(-3, 3), status=st.sampled_from(STATUSES))
    def orders_come_that_are_due_now(self, seconds: int, status: str) -> None:
        """Time alone makes them late: no event says so."""
        order = random_order(self.rng, len(self.hot) + len(self.archived))
        expected = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        delivery = msgspec.structs.replace(order.delivery, status=status, expected_time=expected)
        self.bring_new([order := msgspec.structs.replace(order, delivery=delivery)])
        self.hot[order.order.order_id] = order

    @precondition(lambda self: self.hot)
    @rule()
    def orders_come_again(self) -> None:
        accept(self.database, self.some_hot() + list(self.archived.values())[:5])

    @precondition(lambda self: self.hot)
    @rule(status=st.sampled_from(STATUSES))
    def statuses_change(self, status: str) -> None:
        chosen = self.some_hot()
        query = {"_id": {"$in": [order.order.order_id for order in chosen]}}
        self.database[ORDERS].update_many(query, {"$set": {"delivery.status": status}})
        for order in chosen:
            delivery = msgspec.structs.replace(order.delivery, status=status)
            self.hot[order.order.order_id] = msgspec.structs.replace(order, delivery=delivery)

    @precondition(lambda self: self.hot)
    @rule(through_the_door=st.booleans(), wild=st.booleans())
    def orders_are_corrected(self, through_the_door: bool, wild: bool) -> None:
        """Amounts, items, days, places: everything but the id may be another."""
        corrected = [random_order(self.rng, order.order.order_id, wild=wild) for order in self.some_hot()]
        if through_the_door:
            self.put(corrected)
        else:
            for order in corrected:
                self.database[ORDERS].replace_one({"_id": order.order.order_id}, document_of(order))
                self.hot[order.order.order_id] = order

    @precondition(lambda self: self.hot)
    @rule()
    def orders_are_archived(self) -> None:
        self.archive_some()
        for entry in self.database[ARCHIVED_ORDERS].find({}, {"_id": 1}):
            if entry["_id"] in self.hot:
                self.archived[entry["_id"]] = self.hot.pop(entry["_id"])

    @precondition(lambda self: self.archived)
    @rule(count=st.integers(1, 5))
    def refunds_come_for_archived_orders(self, count: int) -> None:
        """They are in the figures at once, whoever rebuilds, compacts or is killed meanwhile."""
        for order_id in self.rng.sample(sorted(self.archived), min(count, len(self.archived))):
            order = self.archived[order_id]
            last = max((refund.refund_id for refund in order.refunds), default=0)
            time = START + timedelta(milliseconds=self.rng.randrange(40 * 86_400_000))
            refund = Refund(last + 1, time, Decimal(self.rng.randrange(10**6)).scaleb(-4))
            self.archived[order_id] = msgspec.structs.replace(order, refunds=(*order.refunds, refund))
        accept(self.database, self.archived.values())

    @rule(zone=st.sampled_from(ZONES))
    def the_shop_moves(self, zone: str) -> None:
        if self.may_move(zone):
            change_shop(self.database, self.settings_of_store, Shop(SHOP_CURRENCY, zone))
            self.zone = zone

    @precondition(lambda self: self.archived)
    @rule()
    def orders_are_restored(self) -> None:
        """To look at them: into a collection of its own."""
        self.restore_all()

    @rule(works=st.lists(st.sampled_from([advance, compact, rebuild]), min_size=2, max_size=4))
    def processes_work_at_once(self, works: list[Any]) -> None:
        with ThreadPoolExecutor(len(works)) as threads:
            for running in [threads.submit(work, self.database) for work in works]:
                running.result()

    @precondition(lambda self: self.hot)
    @rule(works=st.lists(st.sampled_from(WORKS), min_size=1, max_size=3, unique=True), data=st.data())
    def processes_are_killed(self, works: list[str], data: st.DataObject) -> None:
        for _ in range(2):
            self.workers.start(*works)
        for _ in range(data.draw(st.integers(1, 3))):
            self.statuses_change(data.draw(st.sampled_from(STATUSES)))
            self.orders_come(3, False)
        time.sleep(self.rng.uniform(0, 0.2))
        self.workers.kill()

    @invariant()
    def every_figure_is_that_of_the_accepted_orders(self) -> None:
        accepted = [*self.hot.values(), *self.archived.values()]
        self.store.refresh()
        hours = hours_of(self.zone)
        for span in (Span(), Span(*(time_of(hours.start(moment)) for moment in (FROM, UNTIL)))):
            figures, as_of = self.said(span)
            assert figures == recount(accepted, span=span, step="day", zone=self.zone, as_of=as_of)

    def said(self, span: Span) -> tuple[dict[str, Any], datetime]:
        figures: dict[str, Any] = json.loads(json.dumps(self.store.kpis(span, Filters()).to_json_dict()))
        assert (figures.pop("hot_orders"), figures.pop("archived_orders")) == (len(self.hot), len(self.archived))
        as_of = datetime.fromisoformat(figures.pop("as_of"))
        assert figures.pop("time_zone") == self.zone
        assert figures.pop("aside") == 0
        return figures, as_of

    def teardown(self) -> None:
        """A process that starts now, and one that builds everything anew, say the same."""
        if not hasattr(self, "hot"):
            return
        for prepare in (advance, compact, rebuild):
            prepare(self.database)
            figures = compute_kpis(self.database).to_json_dict()
            as_of = datetime.fromisoformat(figures["as_of"])
            accepted = [*self.hot.values(), *self.archived.values()]
            expected = recount(accepted, step="day", zone=self.zone, as_of=as_of)
            assert {name: figures[name] for name in expected} == expected


class ProgramWithArchive(Program):
    """The same with the real importer and archiver: Spark, an Iceberg table, and a check of everything at the end."""

    inbox: Path

    def may_move(self, zone: str) -> bool:
        return True

    def bring_new(self, orders: list[OrderDocument]) -> None:
        file = self.inbox / f"{time.time_ns()}.jsonl"
        file.write_text("".join(json_util.dumps(document_of(order)) + "\n" for order in orders))
        report = import_paths(self.database, [file])
        assert report.accepted + report.rejected == len(orders)
        if report.rejected:  # wild ones, which only ingest takes
            accept(self.database, orders)

    def archive_some(self) -> None:
        left = self.rng.randint(0, len(self.hot))
        archive_orders(self.settings_of_store, Selection(None, max_hot_orders=left, include_open=True))

    def restore_all(self) -> None:
        first, last = START - timedelta(days=500), START + timedelta(days=500)
        assert restore_orders(self.settings_of_store, first.date(), last.date()) == len(self.archived)

    def teardown(self) -> None:
        super().teardown()
        report = check_orders(self.database, self.settings_of_store)
        assert report.differences == ()
        # The next program begins with an empty database, which knows nothing of this one's table.
        catalog, table = pyiceberg_catalog(self.settings_of_store), (self.settings_of_store.database, TABLE)
        if catalog.table_exists(table):
            catalog.drop_table(table)
