"""The schedule that makes orders up, in a shop whose orders are somebody's own: there it is deployed paused."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pymongo import timeout
from pymongo.errors import PyMongoError

from ecommerce.mongo import GENERATOR, ORDERS, MongoDatabase, get_database
from ecommerce.prefect_api import PrefectError, call, embedded_api
from ecommerce.services.first_data import first_data_begun
from ecommerce.services.halted import sleeping
from ecommerce.services.prefect import PREFECT_FILE, REPOSITORY, deployed, wanted_deployments
from ecommerce.services.records import run_directory
from ecommerce.settings import Settings

SCHEDULE = "generate-orders/hourly"
DATABASE_SECONDS = 5.0


def is_own_shop(database: MongoDatabase, settings: Settings, *, demo: bool) -> bool:
    """Whether nothing in a database is made up, and this `up` makes nothing up either. Raises PyMongoError.

    With `demo` an empty database gets its first orders in this moment, maybe.
    """
    if not has_no_generator(database):
        return False
    holds_orders = database[ORDERS].find_one({}, {"_id": 1}) is not None
    return not demo or (holds_orders and not first_data_begun(settings))


def has_no_generator(database: MongoDatabase) -> bool:
    """Whether the generator never made a catalog in a database. Raises PyMongoError."""
    return database[GENERATOR].find_one({"_id": "catalog"}, {"_id": 1}) is None


def is_known_without_generator(settings: Settings) -> bool:
    """The same of the settings' database, asked for some seconds; False where MongoDB is away."""
    try:
        with timeout(DATABASE_SECONDS):
            return has_no_generator(get_database(settings))
    except PyMongoError:
        return False  # others say so


def deployments_file(settings: Settings, request: Callable[[str, Any], Any], *, own_shop: bool) -> Path:
    """The file to deploy from: that of the project, or a copy in which the generator's schedule is paused.

    Only what is deployed for the first time is told how its schedule is: later it stays as somebody chose.
    """
    if not own_shop or SCHEDULE in deployed(request):
        return PREFECT_FILE
    copy = run_directory(settings.home_directory) / "deployments.yaml"
    copy.write_text(yaml.safe_dump(with_paused(yaml.safe_load((REPOSITORY / PREFECT_FILE).read_text())), width=1000))
    return copy


def with_paused(document: Mapping[str, Any]) -> dict[str, Any]:
    """The deployments of a file, the generator's schedule among them paused."""
    entries = []
    for entry in document["deployments"]:
        is_it = SCHEDULE in wanted_deployments({"deployments": [entry]})
        schedules = [{**schedule, "active": False} for schedule in entry.get("schedules", [])]
        entries.append({**entry, "schedules": schedules} if is_it else entry)
    return {**document, "deployments": entries}


def paused_line(settings: Settings) -> str:
    """That an own shop gets no made-up orders, and the command that makes it get some; empty where it is not so."""
    if not is_known_without_generator(settings):
        return ""
    api = embedded_api(settings)
    try:
        found = deployed(partial(call, api, timeout_seconds=DATABASE_SECONDS))
    except PrefectError:
        return ""  # `status` says what does not answer
    asleep = dict(sleeping(found, wanted_deployments(), api))
    if SCHEDULE not in asleep:
        return ""
    return f"No orders are made up in this shop: the schedule of {SCHEDULE} is paused. To start it: {asleep[SCHEDULE]}"
