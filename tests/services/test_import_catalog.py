"""What order lines say of customers and products on the side: the catalog's gaps are filled, what it says is kept."""

from typing import Any

import bson
import pytest
from bson import Int64

from ecommerce.importing.loading.catalog_tables import CatalogBeside
from ecommerce.mongo import MongoDatabase


def user(**fields: Any) -> tuple[str, bytes]:
    return "users", bson.encode({"_id": Int64(7), "user_id": Int64(7), **fields})


def stored(database: MongoDatabase) -> dict[str, Any]:
    found = database["users"].find_one({"_id": 7}, {"_id": 0, "user_id": 0})
    assert found is not None
    return found


def test_gaps_are_filled_and_what_the_catalog_says_is_kept(database: MongoDatabase) -> None:
    catalog = CatalogBeside(database)
    catalog.ask(set(), set(), [user(name="Ann")])
    catalog.ask(set(), set(), [user(name="Anna", location="Oslo"), user(name="Ann")])
    assert stored(database) == {"name": "Ann", "location": "Oslo"}
    assert catalog.ask(set(), {7}, []).locations == {7: "Oslo"}


@pytest.mark.parametrize("again", [False, True], ids=["in one file", "in another file"])
def test_a_record_that_comes_again_changes_nothing(database: MongoDatabase, again: bool) -> None:
    catalog = CatalogBeside(database)
    catalog.ask(set(), set(), [user(name="Ann")])
    database["users"].update_one({"_id": 7}, {"$set": {"location": "Oslo"}})
    (CatalogBeside(database) if again else catalog).ask(set(), set(), [user(name="Ann")])
    assert stored(database) == {"name": "Ann", "location": "Oslo"}


def test_a_record_whose_id_somebody_wrote_as_another_kind_of_number_stays_as_it_is(database: MongoDatabase) -> None:
    database.command({"insert": "users", "documents": [{"_id": 7, "name": "Ann"}], "bypassDocumentValidation": True})
    CatalogBeside(database).fill([user(name="Anna", location="Oslo")])
    assert list(database["users"].find()) == [{"_id": 7, "name": "Ann"}]
