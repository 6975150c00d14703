"""`python -m ecommerce.services.first_data`: what a newcomer finds, made at the very first start.

A process of its own, so that Ctrl-C can end it and the memory it took is given back.
"""

import sys
from pathlib import Path

from ecommerce.errors import EcommerceError
from ecommerce.generate.first import first_start
from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.readable import counted
from ecommerce.services.environment import settings_environment
from ecommerce.services.jobs import Job
from ecommerce.services.records import run_directory, write_json
from ecommerce.settings import Settings, get_settings
from ecommerce.shop import is_without_demo, note_without_demo
from ecommerce.summaries.advance import advance

LEAVES_OUT = "`ecommerce up --no-demo` in an empty ECOMMERCE_HOME starts a shop without them"
WITHOUT_DEMO = (
    "this shop was started with --no-demo and is still empty: no orders were made up. `ecommerce down`, then "
    "`ecommerce up --demo` makes the demo all the same"
)


def wants_demo(database: MongoDatabase, settings: Settings, asked: bool | None) -> bool:
    """Whether an `up` makes first data where there is none: as it is asked, else as the shop was started.

    An empty shop of the embedded MongoDB remembers what it was asked. One of a server gets none unasked.
    """
    if settings.mongo_uri is not None:
        return bool(asked)
    if asked is not None and (asked or _is_empty(database)):
        note_without_demo(database, not asked)
    return not is_without_demo(database) if asked is None else asked


def _is_empty(database: MongoDatabase) -> bool:
    return database["products"].find_one() is None and database[ORDERS].find_one({}, {"_id": 1}) is None


def is_left_empty(database: MongoDatabase, settings: Settings) -> bool:
    """Whether a shop that was started without demo has nothing yet."""
    return settings.mongo_uri is None and is_without_demo(database) and _is_empty(database)


def first_data(settings: Settings) -> Job | None:
    """The job that makes the first catalog and orders; None where the database already holds some.

    One that was ended before its end is done again: it adds only what is missing.
    """
    database = get_database(settings)
    if not _is_empty(database) and not first_data_begun(settings):
        return None
    write_json(_begun(settings), {"database": settings.database})
    return Job(
        "first-data",
        [sys.executable, "-m", "ecommerce.services.first_data"],
        home=settings.home_directory,
        environment=settings_environment(settings),
    )


def first_data_is_whole(settings: Settings) -> None:
    """Note that nothing of the first data is left to do."""
    _begun(settings).unlink(missing_ok=True)


def first_data_begun(settings: Settings) -> bool:
    """Whether the first data is being made, or was left half made."""
    return _begun(settings).exists()


def _begun(settings: Settings) -> Path:
    return run_directory(settings.home_directory) / "first-data-begun.json"


def main() -> int:
    """Make the data and its figures; exit code 1 with one line where that fails."""
    settings = get_settings()
    try:
        database = get_database(settings)
        added = first_start(database)
        # The first `status` would say of every order that it is newer than the figures, until somebody opens a page.
        advance(database)
    except EcommerceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(counted(added, "order"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
