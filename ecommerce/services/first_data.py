"""`python -m ecommerce.services.first_data`: what a newcomer finds, made at the very first start.

A process of its own, so that Ctrl-C can end it and the memory it took is given back.
"""

import sys
from pathlib import Path

from ecommerce.errors import EcommerceError
from ecommerce.generate.first import first_start
from ecommerce.mongo import ORDERS, get_database
from ecommerce.services.environment import settings_environment
from ecommerce.services.jobs import Job
from ecommerce.services.records import run_directory, write_json
from ecommerce.settings import Settings, get_settings
from ecommerce.summaries.advance import advance


def first_data(settings: Settings) -> Job | None:
    """The job that makes the first catalog and orders; None where the database already holds some.

    One that was ended before its end is done again: it adds only what is missing.
    """
    database = get_database(settings)
    no_order = database[ORDERS].find_one({}, {"_id": 0, "updated_at": 1}) is None
    empty = database["products"].find_one() is None and no_order
    begun = _begun(settings)
    if not empty and not first_data_begun(settings):
        return None
    write_json(begun, {"database": settings.database})
    return Job(
        "first-data",
        [sys.executable, "-m", "ecommerce.services.first_data"],
        home=settings.home_directory,
        environment=settings_environment(settings),
        timeout_seconds=300,
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
    print(f"{added} orders")
    return 0


if __name__ == "__main__":
    sys.exit(main())
