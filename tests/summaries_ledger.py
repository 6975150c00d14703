"""The cells that the summaries hold, and those of the orders themselves: to be equal at any time."""

from datetime import UTC, datetime

from pymongo.client_session import ClientSession

from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.bson_codec import decode_order
from ecommerce.hours import UTC_HOURS, Hours, hours_of
from ecommerce.mongo import ORDERS, Document, MongoDatabase
from ecommerce.shop import read_shop
from ecommerce.summaries.buckets import cells_parts, rollup_parts
from ecommerce.summaries.cells import CellTable, cells_of_orders, fold_documents
from ecommerce.summaries.cells.promises import due_before
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.state import DELTAS, load_state


def folded_cells(
    database: MongoDatabase, match: Document, session: ClientSession | None = None, hours: Hours = UTC_HOURS
) -> CellTable:
    """The cells of the orders that match a query, as of the session's transaction."""
    documents = [document for batch in raw_batches(database, match, session) for document in batch]
    return fold_documents(documents, hours=hours).cells


def ledger(database: MongoDatabase) -> CellTable:
    """The cells that the summaries hold. Its rollups, too, must be those of its cells."""
    state = load_state(database)
    assert state is not None
    cells = [CellTable.decode(data) for data in cells_parts(database, state, None, None)]
    rollups = [Rollup.decode(data) for _, data in rollup_parts(database, state.epoch, None, None)]
    now = due_before(datetime.now(UTC))
    kept = Rollup.sum_of(rollups).due(now).tables
    expected = Rollup.of_cells(CellTable.sum_of(cells)).due(now).tables
    for name, table in expected.items():
        assert kept[name].sort(table.columns).equals(table.sort(table.columns)), name
    deltas = database[DELTAS].find({"_id": {"$gt": state.compacted_seq}})
    return CellTable.sum_of([*cells, *(CellTable.decode(delta["data"]) for delta in deltas)]).settled(now)


def hot_cells(database: MongoDatabase) -> CellTable:
    hours = hours_of(read_shop(database).time_zone)
    cells = cells_of_orders((decode_order(document) for document in database[ORDERS].find()), hours)
    return cells.settled(due_before(datetime.now(UTC)))


def assert_exact(database: MongoDatabase) -> None:
    assert ledger(database).equals(hot_cells(database))
