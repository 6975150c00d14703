"""How the data is, for `ecommerce status`: how many orders are where, and what the last check found wrong."""

from pymongo.errors import PyMongoError

from ecommerce.mongo import get_database
from ecommerce.services.records import living_record
from ecommerce.settings import Settings
from ecommerce.summaries.aside import all_aside, aside_sentence
from ecommerce.summaries.checked import check_problems
from ecommerce.summaries.counts import count_orders_now


def order_counts(settings: Settings) -> dict[str, int]:
    """What is in `orders` and in the archive; empty where MongoDB does not answer.

    `hot_orders` are all documents of `orders`: `aside` of them are no orders, and `newer` ones came after the figures,
    so nobody has looked whether they are. `missing` are counted and were deleted, by no archive run.
    """
    if settings.mongo_uri is None and living_record(settings.home_directory, "mongod") is None:
        return {}
    try:
        counts = count_orders_now(get_database(settings))
        return {
            "hot_orders": counts.hot,
            "archived_orders": counts.archived,
            "aside": counts.aside,
            "newer": counts.newer,
            "missing": counts.missing,
        }
    except PyMongoError:
        return {}


def set_aside(settings: Settings) -> str:
    """A line that names the documents of `orders` that are no orders, and what to do."""
    return aside_sentence(*all_aside(get_database(settings)))


def found_by_check(settings: Settings) -> list[str]:
    """A line for each thing that the last check found wrong, with what mends it."""
    return [f"{one.says} → {one.remedy}" for one in check_problems(get_database(settings))]


def check_in_brief(settings: Settings) -> str:
    """What the last check found wrong, in one short line; empty where it found all right, or there was none."""
    found = [one.brief for one in check_problems(get_database(settings))]
    return f"last check: {', '.join(found)} → see `ecommerce check`" if found else ""
