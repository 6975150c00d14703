"""A shop that was started without made-up orders stays without them until somebody asks for them."""

import pytest
from pydantic import SecretStr

from ecommerce.mongo import MongoDatabase
from ecommerce.services.first_data import is_left_empty, wants_demo
from ecommerce.settings import Settings


@pytest.fixture
def embedded(settings: Settings) -> Settings:
    return settings.model_copy(update={"mongo_uri": None})


def test_an_empty_shop_remembers_that_it_was_started_without_demo(database: MongoDatabase, embedded: Settings) -> None:
    assert wants_demo(database, embedded, None)
    assert not wants_demo(database, embedded, False)
    assert not wants_demo(database, embedded, None)
    assert is_left_empty(database, embedded)
    assert wants_demo(database, embedded, True)
    assert wants_demo(database, embedded, None)
    assert not is_left_empty(database, embedded)


def test_a_shop_with_orders_was_not_started_without(database: MongoDatabase, embedded: Settings) -> None:
    database["products"].insert_one({"_id": 1}, bypass_document_validation=True)
    assert not wants_demo(database, embedded, False)
    assert wants_demo(database, embedded, None)


def test_a_shop_on_a_server_gets_a_demo_only_when_asked(database: MongoDatabase, embedded: Settings) -> None:
    server = embedded.model_copy(update={"mongo_uri": SecretStr("mongodb://db")})
    assert [wants_demo(database, server, asked) for asked in (None, False, None, True)] == [False, False, False, True]
    assert wants_demo(database, embedded, None), "nothing was noted"
