"""What the dashboard reads of the pipeline: flows and imports that failed, stocks that run low."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from bson import Decimal128
from prefect import flow
from prefect.settings import PREFECT_API_URL

from dashboard.pipeline import LOW_STOCK_SHOWN, read_failures, read_low_stock, read_pipeline
from dashboard.pipeline_cards import pipeline_cards, stock_card
from dashboard.prefect_runs import FlowRun
from ecommerce.attention.kinds import cover
from ecommerce.attention.stock import SOLD_DAYS
from ecommerce.documents.catalog import Inventory, Product, Warehouse
from ecommerce.importing.reasons import NO_ROWS
from ecommerce.kpis.question import Span
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.summaries_data import put_catalog


def add_import(database: MongoDatabase, file: str, state: str, ago: timedelta, **more: object) -> None:
    database["imports"].insert_one({"file": file, "state": state, "started_at": datetime.now(UTC) - ago, **more})


def test_a_failed_import_is_told_with_its_reason_until_the_file_succeeds(
    database: MongoDatabase, settings: Settings
) -> None:
    hour = timedelta(hours=1)
    add_import(database, "/in/bad.csv", "failed", 2 * hour, error="no mapping knows its columns")
    add_import(database, "/in/cut.csv", "interrupted", hour)
    add_import(database, "/in/good.csv", "failed", 3 * hour, error="was mended")
    add_import(database, "/in/good.csv", "done", hour)
    add_import(database, "/in/old.csv", "failed", timedelta(days=30), error="long ago")
    told = {failure.what: failure.reason for failure in read_failures(database, settings)}
    assert told == {
        "import of bad.csv": "no mapping knows its columns",
        "import of cut.csv": "it was interrupted: it goes on with the next import of this file",
    }
    add_import(database, "/in/bad.csv", "done", timedelta(0))
    assert [failure.what for failure in read_failures(database, settings)] == ["import of cut.csv"]


def test_a_file_without_a_row_asks_whether_it_is_the_file(database: MongoDatabase, settings: Settings) -> None:
    add_import(database, "/in/nothing.csv", "done", timedelta(hours=1), read=0, empty=True)
    add_import(database, "/in/good.csv", "done", timedelta(hours=1), read=2, empty=False)
    cards = pipeline_cards(read_pipeline(database, settings), 0, 0, ZoneInfo("UTC"))
    assert cards["imports"].count(NO_ROWS) == 1


def test_a_failed_flow_is_told_with_its_reason_until_it_succeeds(
    prefect_server: None, database: MongoDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))

    @flow(name="breaks")
    def breaks(broken: bool) -> None:
        if broken:
            raise ValueError("HDFS does not answer: see that the NameNode runs")

    def told() -> list[str]:
        """The other tests' flows, some of which failed, are on the same server."""
        return [failure.what for failure in read_failures(database, settings) if failure.what == "breaks"]

    def last_run() -> FlowRun:
        return next(run for run in read_pipeline(database, settings).flow_runs or () if run.flow == "breaks")

    with pytest.raises(ValueError, match="HDFS"):
        breaks(True)
    assert last_run().state == "FAILED"
    assert last_run().reason == "ValueError: HDFS does not answer: see that the NameNode runs"
    assert told() == ["breaks"]
    breaks(False)
    assert last_run().reason == ""
    assert told() == []


def test_products_are_low_by_pieces_or_by_how_long_they_last_and_one_list_has_all(
    database: MongoDatabase, settings: Settings
) -> None:
    """Of 28 days: 560 pieces of product 5 are sold and 100 of 6, so 100 pieces of each last for 5 and for 28 days."""
    stock = [(0, 1, 50), (1, 1, 3), (2, 1, 11), (3, 1, 0), (4, 1, 10), (5, 1, 60), (5, 2, 40), (6, 1, 100), (7, 2, 500),
             (7, 1, 2)]  # fmt: skip
    put_catalog(
        database,
        {
            "inventory": [Inventory(*each) for each in stock],
            "products": [Product(number, f"Product {number}") for number in range(8)],
            "warehouses": [Warehouse(1, "Lima"), Warehouse(2, "Cusco")],
        },
    )
    store, zone = Sold({5: 560, 6: 100, 9: 7}), ZoneInfo("UTC")
    found = read_low_stock(database, store, settings, zone)
    assert [low.product_id for low in found.low] == [5, 3, 1, 4, 7]
    short = found.low[0]
    assert (short.quantity, short.sold_per_day, short.cover_days, short.is_short) == (100, 20, 5, True)
    card = json.loads(stock_card(found))
    cells = {row["cells"][0]["text"]: row["cells"][1:] for row in card["rows"]}
    assert cells["Product 5"] == ["Cusco 40, Lima 60", "100", "20.0", {"text": "5.0", "tone": "bad"}]
    assert cells["Product 3"] == ["Lima", {"text": "0", "tone": "bad"}, "0.0", "–"]
    assert card["note"].startswith("10 pieces or fewer in a warehouse, or less than 7 days of cover")
    (notice,) = cover(database, store, settings, zone, datetime.now(UTC))  # type: ignore[arg-type]
    assert notice.text == "1 product has stock for less than 7 days"
    assert (notice.link, notice.called) == ("#stock", card["title"])
    nothing = read_low_stock(database, Sold({}), settings.model_copy(update={"low_stock": 0}), zone)
    assert [low.product_id for low in nothing.low] == [3]


def test_catalog_records_that_somebody_wrote_by_hand_hide_no_other(database: MongoDatabase, settings: Settings) -> None:
    put_catalog(database, {"inventory": [Inventory(5, 1, 60), Inventory(5, 2, 40)], "products": [Product(5, "Five")]})
    odd: list[dict[str, object]] = [
        {"product_id": 5, "warehouse_id": 3, "stock_quantity": float("nan")},
        {"product_id": 5, "warehouse_id": 4, "stock_quantity": Decimal128("Infinity")},
        {"product_id": 5, "stock_quantity": 7},
        {"product_id": [5], "warehouse_id": 1, "stock_quantity": 7},
        {"product_id": 6, "warehouse_id": 1, "stock_quantity": Decimal128("100")},
        {"product_id": 6, "warehouse_id": "1", "stock_quantity": "many"},
    ]
    for name in ("inventory", "products", "warehouses"):
        database.command({"collMod": name, "validationLevel": "off"})
    database["inventory"].insert_many(odd)
    database["products"].insert_one({"_id": 6})
    database["warehouses"].insert_one({"_id": 1})
    store, zone = Sold({5: 560, 6: 700}), ZoneInfo("UTC")
    found = read_low_stock(database, store, settings, zone)
    assert [(low.product_id, low.warehouses) for low in found.low] == [(6, ((1, 100),)), (5, ((2, 40), (1, 60)))]
    assert "#6" in stock_card(found)
    (notice,) = cover(database, store, settings, zone, datetime.now(UTC))  # type: ignore[arg-type]
    assert notice.reason.startswith("#6 4.0 d, Five 5.0 d")


def test_a_long_list_of_low_stocks_says_how_many_there_are(database: MongoDatabase, settings: Settings) -> None:
    number = LOW_STOCK_SHOWN + 3
    put_catalog(database, {"inventory": [Inventory(each, 1, each % 5) for each in range(number)]})
    card = json.loads(stock_card(read_low_stock(database, Sold({}), settings, ZoneInfo("UTC"))))
    assert len(card["rows"]) == LOW_STOCK_SHOWN
    assert card["note"].startswith(f"{LOW_STOCK_SHOWN} of {number} · ")


@dataclass(frozen=True)
class Sold:
    """Units that were sold of each product, whenever is asked."""

    units: dict[int, int]

    def sold(self, span: Span) -> dict[int, int]:
        assert span.start and span.end and span.end - span.start == timedelta(days=SOLD_DAYS)
        return self.units
