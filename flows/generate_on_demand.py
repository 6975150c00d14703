"""Makes orders that a person asks for: of a span of history, live, or into files. Each has a form of its own.

A parameter has the name of what it asks for in Request, so each flow makes its Request of `locals()`; `dirt` is what
`bad_rows` was called first.
"""

from typing import Any

from pydantic.json_schema import SkipJsonSchema as NotShown

from ecommerce.generate.first import SEED
from ecommerce.generate.live import LIVE_SPEED
from ecommerce.generate.request import Request
from flows.catalog_form import AS_IN_A_NEW_SHOP, Catalog, OldLocale, OldProducts, OldUsers, catalog_fields
from flows.common import pipeline_flow
from flows.forms import Moment
from flows.generate_orders import (
    BadRows,
    Format,
    Orders,
    Preset,
    Processes,
    Rate,
    Seed,
    Speed,
    make,
    run_name,
    warn_of_old_parameters,
)


def requested(parameters: dict[str, Any]) -> Request:
    """What a form asks for; scripts may still call `bad_rows` by its old name."""
    given = dict(parameters)
    catalog = {name: given.pop(name) for name in ("locale", "users", "products")}
    given |= catalog_fields(given.pop("catalog"), **catalog)
    bad_rows = given.pop("dirt", 0.0) or given.pop("bad_rows", 0.0)
    return Request(**given | {"bad_rows": bad_rows})


@pipeline_flow("generate-orders", run_name, timeout_seconds=None)
def backfill_orders(
    start: Moment | None = None,
    end: Moment | None = None,
    orders: Orders | None = None,
    preset: Preset = "marketplace",
    seed: Seed = SEED,
    catalog: Catalog = AS_IN_A_NEW_SHOP,
    locale: OldLocale = None,
    users: OldUsers = None,
    products: OldProducts = None,
    rate: NotShown[Rate | None] = None,
    speed: NotShown[Speed] = LIVE_SPEED,
    to: NotShown[str | None] = None,
    format: NotShown[Format | None] = None,
    dirt: NotShown[BadRows] = 0.0,
    processes: NotShown[Processes] = 1,
) -> dict[str, Any]:
    """Make the orders of a span of history and move open orders on. Running it again adds only what is missing.

    Args:
        start: First moment of the span, UTC. None, with the end: the last whole hour.
        end: End of the span, UTC; itself not in it.
        orders: Orders of the span. None: 40 an hour.
        preset: What the shop looks like.
        seed: The same seed makes the same orders.
        catalog: The shop's users and products: made at the first run, later only extended.
    """
    request = requested(locals())
    warn_of_old_parameters(request)
    return make(request)


@pipeline_flow("generate-orders", run_name, timeout_seconds=None)
def generate_live_orders(
    rate: Rate = 1.0,
    orders: Orders | None = None,
    speed: Speed = LIVE_SPEED,
    preset: Preset = "marketplace",
    seed: Seed = SEED,
    catalog: Catalog = AS_IN_A_NEW_SHOP,
    locale: OldLocale = None,
    users: OldUsers = None,
    products: OldProducts = None,
) -> dict[str, Any]:
    """Make orders second by second, now, until the run is cancelled or there are as many as asked for.

    Args:
        rate: So many orders a second.
        orders: Stop after so many orders. None: when the run is cancelled.
        speed: How much faster than in life orders are shipped and delivered.
        preset: What the shop looks like.
        seed: The same seed makes the same orders.
        catalog: The shop's users and products: made at the first run, later only extended.
    """
    return make(requested(locals()))


@pipeline_flow("generate-orders", run_name, timeout_seconds=None)
def generate_files(
    to: str,
    orders: Orders | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    format: Format | None = None,
    bad_rows: BadRows = 0.0,
    processes: Processes = 1,
    preset: Preset = "marketplace",
    seed: Seed = SEED,
    catalog: Catalog = AS_IN_A_NEW_SHOP,
    locale: OldLocale = None,
    users: OldUsers = None,
    products: OldProducts = None,
    dirt: NotShown[BadRows] = 0.0,
) -> dict[str, Any]:
    """Write orders and their catalog into files, on the machine of the worker. MongoDB is not touched.

    Args:
        to: A directory, or a file such as orders.json.zst or orders.csv.gz.
        orders: Orders of the span. None: 40 an hour.
        start: First moment of the span, UTC. None, with the end: the last whole hour.
        end: End of the span, UTC; itself not in it.
        format: Format of the file in a directory.
        bad_rows: Share of malformed, late and repeated rows.
        processes: Processes that make them.
        preset: What the shop looks like.
        seed: The same seed makes the same orders.
        catalog: The shop's users and products: made at the first run, later only extended.
    """
    return make(requested(locals()))
