"""Which figures an upgrade moves: those told before, by the old definitions, against those that are told now."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from bson import Int64

from ecommerce.gate import OLD_BUCKETS, OLD_DELTAS, OLD_STATE, format_of
from ecommerce.kpis import Filters, Span
from ecommerce.kpis.catalog import load_catalog, product_names
from ecommerce.kpis.compute import kpis_of
from ecommerce.kpis.figures import SALES_FIGURES, share
from ecommerce.mongo import MongoDatabase
from ecommerce.shop import Shop, read_shop
from ecommerce.summaries.advance import advance
from ecommerce.summaries.buckets import rollup_parts
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.cells.table import cells_as_written
from ecommerce.summaries.counts import Counts
from ecommerce.summaries.state import BUCKETS, DELTAS, STATE, STATE_ID, load_state

NOT_COMPARED = {
    "time_zone",
    "hot_orders",
    "archived_orders",
    "as_of",
    "incomplete",
    "top_products",
    "delivery_timeline",
}
"""Where orders are and when they were counted; the lists have no figure of their own."""

NEW_FIGURES = (*SALES_FIGURES, "overdue", "due_late", "due")
"""Figures that older versions did not tell."""


def figures_as_told(database: MongoDatabase) -> dict[str, Any] | None:
    """The figures of all time as the version that made the summaries told them; None where there are no summaries.

    What version 0.1.0 told lies in collections of its own, whatever was asked of this version meanwhile.
    """
    if format_of(database) == 1:
        names = OLD_STATE, OLD_DELTAS, OLD_BUCKETS
    else:
        names = STATE, DELTAS, BUCKETS
        if load_state(database) is not None:
            advance(database)
    state = database[names[0]].find_one({"_id": STATE_ID})
    if state is None:
        return None
    after = {"_id": {"$gt": Int64(state["compacted_seq"]), "$lte": Int64(state["seq"])}}
    deltas = database[names[1]].find(after, {"data": 1})
    parts = rollup_parts(database, state["epoch"], None, None, collection=names[2])
    of_deltas = (Rollup.of_cells(cells_as_written(delta["data"])) for delta in deltas)
    rollup = Rollup.sum_of((*(Rollup.decode(data) for _, data in parts), *of_deltas))
    told = kpis_of(
        rollup,
        Span(),
        Filters(),
        load_catalog(database),
        lambda ids: product_names(database, ids),
        Counts(0, 0),
        state["as_of"],
        Shop(read_shop(database).currency, state.get("time_zone", "UTC")),
    )
    figures = told.to_json_dict()
    late = rollup.tables["status"].get_column("late", default=None)
    if "overdue" in told.incomplete and late is not None:
        figures["late_share"] = share(int(late.sum()), told.delivered)  # as it was defined before there were promises
    return figures


def moved_figures(before: Mapping[str, Any], after: Mapping[str, Any], name: str = "") -> Iterator[str]:
    """A line for each figure that is another one now."""
    for key in [*before, *(key for key in after if key not in before)]:
        if not name and (key in NOT_COMPARED or (key in NEW_FIGURES and before.get(key) is None)):
            continue
        was, now = before.get(key), after.get(key)
        if isinstance(was or {}, Mapping) and isinstance(now or {}, Mapping) and (was or now):
            yield from moved_figures(was or {}, now or {}, f"{name}{key}: ")
        elif was != now:
            yield f"{name}{key} {_shown(was)} → {_shown(now)}{_by(was, now)}"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def _by(was: Any, now: Any) -> str:
    try:
        return f" ({Decimal(str(now)) - Decimal(str(was or 0)):+})"
    except InvalidOperation:
        return ""
