"""The shop that a database belongs to: the currency of orders that name none, and the time zone of its days.

Recorded at the first start, from ECOMMERCE_CURRENCY and ECOMMERCE_TIMEZONE. A setting that says otherwise later is
refused: every figure is cut by the shop's days. Only `ecommerce shop` changes it.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pymongo.client_session import ClientSession

from ecommerce.errors import SettingsError
from ecommerce.mongo import GENERATOR, IMPORTS, Document, MongoDatabase, program_version, where_allowed
from ecommerce.settings import Settings, get_settings, is_zone

SHOP = "shop"
"""{_id: "shop", currency, time_zone, version: of the program that recorded it, at,
moving_to?: a zone, without_demo?}."""

SHOP_ID = "shop"
DEFAULT_CURRENCY, DEFAULT_TIME_ZONE = "USD", "UTC"


@dataclass(frozen=True, slots=True)
class Shop:
    """What is the shop's own, wherever machines, browsers and servers are."""

    currency: str
    """ISO 4217; that of orders that name none."""
    time_zone: str
    """IANA; its hours and days are those of every figure."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def read_shop(database: MongoDatabase) -> Shop:
    """The shop of a database. One that was never recorded is of version 0.1.0, which counted in UTC."""
    found = shop_document(database)
    if found is None:
        return Shop(get_settings().currency or DEFAULT_CURRENCY, DEFAULT_TIME_ZONE)
    currency, time_zone = found.get("currency"), found.get("time_zone")
    if not (isinstance(currency, str) and isinstance(time_zone, str) and is_zone(time_zone)):
        raise SettingsError(
            f"the shop of database {database.name!r} has currency {currency!r} and time zone {time_zone!r}: somebody "
            f"edited collection {SHOP!r}. Put them back as they were; `summaries_state` has the zone of the figures"
        )
    return Shop(currency, time_zone)


def shop_document(database: MongoDatabase) -> Document | None:
    """The record as it lies in MongoDB; None where there is none."""
    # Roles of version 0.1.0 do not know the collection; the one-shot that makes roles runs before anything else.
    return where_allowed(lambda: database[SHOP].find_one({"_id": SHOP_ID}), None)


def shop_of_settings(settings: Settings) -> Shop:
    """The shop that a first start records."""
    return Shop(settings.currency or DEFAULT_CURRENCY, settings.timezone or DEFAULT_TIME_ZONE)


def record_shop(database: MongoDatabase, shop: Shop) -> None:
    """Record the shop of a database that has none yet; one that is recorded stays."""
    document = asdict(shop) | {"version": program_version(), "at": datetime.now(UTC)}
    database[SHOP].update_one({"_id": SHOP_ID}, {"$setOnInsert": document}, upsert=True)


def write_shop(database: MongoDatabase, shop: Shop, session: ClientSession | None = None) -> None:
    """Make a database's shop another one: its summaries must be of the zone's hours from the same moment on."""
    document = asdict(shop) | {"version": program_version(), "at": datetime.now(UTC)}
    database[SHOP].update_one({"_id": SHOP_ID}, {"$set": document}, upsert=True, session=session)


def note_move(database: MongoDatabase, time_zone: str | None) -> None:
    """Note that the shop is being moved to another zone, or (None) that it is no more."""
    moving = {"$set": {"moving_to": time_zone}} if time_zone else {"$unset": {"moving_to": ""}}
    database[SHOP].update_one({"_id": SHOP_ID}, moving)


def move_under_way(database: MongoDatabase) -> str | None:
    """The zone to which somebody began to move the shop without coming to an end."""
    moving: str | None = (shop_document(database) or {}).get("moving_to")
    return moving


def note_without_demo(database: MongoDatabase, without: bool) -> None:
    """Note that a shop was started without made-up orders, or that it is to have some after all."""
    change = {"$set": {"without_demo": True}} if without else {"$unset": {"without_demo": ""}}
    database[SHOP].update_one({"_id": SHOP_ID}, change)


def is_without_demo(database: MongoDatabase) -> bool:
    """Whether a shop was started without made-up orders."""
    return bool((shop_document(database) or {}).get("without_demo"))


def require_same_shop(database: MongoDatabase, settings: Settings | None = None) -> None:
    """Raise SettingsError where a setting says another currency or zone than the shop's."""
    settings, shop = settings or get_settings(), read_shop(database)
    for name, wanted, is_now, option in (
        ("ECOMMERCE_TIMEZONE", settings.timezone, shop.time_zone, "--time-zone"),
        ("ECOMMERCE_CURRENCY", settings.currency, shop.currency, "--currency"),
    ):
        if wanted not in (None, is_now):
            of = f"the shop of database {database.name!r}"
            says = f"{name}={wanted}, but {of} has {is_now}, in which its figures are counted"
            back = f"set {name} to {is_now} or to nothing"
            if holds_only_made_up(database):
                raise SettingsError(f"{says}: {_own_shop(settings)}. For the made-up one {back}")
            raise SettingsError(f"{says}: `ecommerce shop {option} {wanted}` changes it, or {back}")


def holds_only_made_up(database: MongoDatabase) -> bool:
    """Whether the generator made a database's orders and nobody imported any. False where that may not be read."""

    def only_made_up() -> bool:
        made_up = database[GENERATOR].find_one({"_id": "catalog"}, {"_id": 1}) is not None
        return made_up and database[IMPORTS].find_one({}, {"_id": 1}) is None

    return where_allowed(only_made_up, otherwise=False)


def _own_shop(settings: Settings) -> str:
    """How one starts a shop of one's own where the database has the demo."""
    if settings.mongo_uri is not None:
        return "its orders are made up. For a shop of your own set ECOMMERCE_DATABASE to another name"
    return (
        "its orders are made up. For a shop of your own set ECOMMERCE_HOME to another folder; or, to give up the "
        f"made-up one, stop everything (`ecommerce down`) and remove {settings.home_directory}; then "
        "`ecommerce up --no-demo`"
    )
