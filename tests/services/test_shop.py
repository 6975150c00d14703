"""The shop of a database is recorded once; a setting that says another one later is refused."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from ecommerce.errors import SettingsError
from ecommerce.mongo import GENERATOR, IMPORTS, MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings, get_settings, load_settings
from ecommerce.shop import SHOP, Shop, read_shop, require_same_shop


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    get_settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    get_settings.cache_clear()


def says(environment: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        environment.setenv(f"ECOMMERCE_{name}", value)
    get_settings.cache_clear()


@pytest.fixture
def new(settings: Settings) -> Iterator[MongoDatabase]:
    database = get_database(settings)
    yield database
    database.client.drop_database(database.name)


def test_the_first_start_records_what_the_settings_say(new: MongoDatabase, environment: pytest.MonkeyPatch) -> None:
    says(environment, CURRENCY="INR", TIMEZONE="Asia/Kolkata")
    prepare_database(new)
    assert read_shop(new) == Shop("INR", "Asia/Kolkata")
    says(environment, CURRENCY="", TIMEZONE="")
    prepare_database(new)
    assert read_shop(new) == Shop("INR", "Asia/Kolkata")


def test_without_settings_it_is_dollars_and_utc(new: MongoDatabase) -> None:
    prepare_database(new)
    assert read_shop(new) == Shop("USD", "UTC")


@pytest.mark.parametrize(
    ("name", "value", "option"), [("TIMEZONE", "Asia/Kolkata", "--time-zone"), ("CURRENCY", "EUR", "--currency")]
)
def test_a_setting_that_says_another_shop_later_names_the_way_to_change_it(
    new: MongoDatabase, environment: pytest.MonkeyPatch, name: str, value: str, option: str
) -> None:
    prepare_database(new)
    says(environment, **{name: value})
    with pytest.raises(SettingsError, match=rf"ECOMMERCE_{name}={value}.*`ecommerce shop {option} {value}`"):
        prepare_database(new)
    assert read_shop(new) == Shop("USD", "UTC")


@pytest.mark.parametrize("imported", [False, True])
def test_where_all_orders_are_made_up_it_says_how_to_start_an_own_shop(
    new: MongoDatabase, environment: pytest.MonkeyPatch, imported: bool
) -> None:
    prepare_database(new)
    new[GENERATOR].insert_one({"_id": "catalog"})
    if imported:
        new[IMPORTS].insert_one({"file": "orders.csv"})
    says(environment, TIMEZONE="Europe/Berlin")
    with pytest.raises(SettingsError) as refused:
        require_same_shop(new, get_settings().model_copy(update={"mongo_uri": None}))
    message = str(refused.value)
    assert ("`ecommerce shop --time-zone Europe/Berlin` changes it" in message) is imported
    home = get_settings().home_directory
    for own in (
        "set ECOMMERCE_HOME to another folder",
        f"(`ecommerce down`) and remove {home}",
        "`ecommerce up --no-demo`",
    ):
        assert (own in message) is not imported
    assert "set ECOMMERCE_TIMEZONE to UTC or to nothing" in message
    if not imported:
        server = get_settings().model_copy(update={"mongo_uri": SecretStr("mongodb://db")})
        with pytest.raises(SettingsError, match="set ECOMMERCE_DATABASE to another name"):
            require_same_shop(new, server)


def test_a_database_of_0_1_0_was_counted_in_utc(new: MongoDatabase, environment: pytest.MonkeyPatch) -> None:
    prepare_database(new)
    new[SHOP].drop()
    says(environment, CURRENCY="EUR", TIMEZONE="Asia/Kolkata")
    assert read_shop(new) == Shop("EUR", "UTC")
    with pytest.raises(SettingsError, match="--time-zone Asia/Kolkata"):
        require_same_shop(new)


@pytest.mark.parametrize(("name", "value"), [("TIMEZONE", "Mars/Olympus"), ("TIMEZONE", "../x"), ("CURRENCY", "usd")])
def test_what_is_no_zone_and_no_currency_is_refused(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(f"ECOMMERCE_{name}", value)
    with pytest.raises(SettingsError, match=f"ECOMMERCE_{name}='{value}'"):
        load_settings()
