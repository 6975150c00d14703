"""What the cards of the pipeline page, and the stock card, say: pure functions to the JSON texts that are drawn."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.pipeline import Pipeline, Stock
from dashboard.tables import Content, column, head, table
from dashboard.text import NOTHING, in_a_line, moment
from dashboard.theme import ARCHIVED_COLOR, HOT_COLOR
from ecommerce.attention.stock import SOLD_DAYS, LowStock
from ecommerce.documents.bson_codec import finite_number
from ecommerce.importing.reasons import NO_ROWS
from ecommerce.order_search.one_order import part_of
from ecommerce.readable import compact, duration, exact
from ecommerce.sizes import size_text

GOOD_STATES = {"committed", "done", "COMPLETED"}
BAD_STATES = {"failed", "interrupted", "FAILED", "CRASHED"}


STOCK_COLUMNS = [
    column("Product"),
    column("Warehouse"),
    column("Left", number=True),
    column("Sold a day", number=True),
    column("Days of cover", number=True),
]
STOCK_NOT_READ = table("Low stock", "", STOCK_COLUMNS, [], "Not read yet")


def stock_card(stock: Stock) -> str:
    """The products that run out as a table; each leads to its orders."""
    few, days = (
        f"{exact(stock.at_most)} pieces or fewer in a warehouse",
        f"less than {stock.cover_days:g} days of cover",
    )
    rows = [{"key": str(low.product_id), "cells": _stock_cells(low, stock)} for low in stock.low]
    shown = f"{exact(len(rows))} of {exact(stock.count)}" if stock.count > len(rows) else ""
    note = in_a_line(shown, f"{few}, or {days} at the sales of {SOLD_DAYS} days", "of all products")
    empty = f"No product has {few}, or {days}"
    return table("Low stock", note, STOCK_COLUMNS, rows, empty, scrolls=True)


def _stock_cells(low: LowStock, stock: Stock) -> list[object]:
    name = stock.products.get(low.product_id, f"#{low.product_id}")
    houses = [(stock.warehouses.get(house, f"#{house}"), quantity) for house, quantity in low.warehouses]
    cover: object = NOTHING if low.cover_days is None else f"{low.cover_days:.1f}"
    return [
        {"text": name, "title": f"Orders with {name}", "go": f"?page=orders&product={low.product_id}"},
        houses[0][0] if len(houses) == 1 else ", ".join(f"{house} {exact(quantity)}" for house, quantity in houses),
        {"text": exact(low.quantity), "tone": "bad"} if low.quantity <= 0 else exact(low.quantity),
        f"{low.sold_per_day:.1f}",
        {"text": cover, "tone": "bad"} if low.is_short else cover,
    ]


def pipeline_cards(pipeline: Pipeline, lag_seconds: float, took_seconds: float, zone: ZoneInfo) -> dict[str, str]:
    """Name of each card of the pipeline page → its content as JSON."""
    return {
        "pipeline": head("Pipeline", "", _headlines(pipeline, lag_seconds, took_seconds)),
        "archive_runs": _archive_runs(pipeline, zone),
        "imports": _imports(pipeline, zone),
        "rejected": _rejected(pipeline),
        "flows": _flows(pipeline, zone),
    }


TITLES = {"flows": "Flows", "archive_runs": "Archive runs", "imports": "Imports", "rejected": "Rejected rows"}


def failed_cards(problem: str) -> dict[str, str]:
    """The cards of the pipeline page where its records could not be read or drawn."""
    tables = {name: table(title, "", [], [], "Not known now") for name, title in TITLES.items()}
    return {"pipeline": head("Pipeline", problem)} | tables


def _number(value: object) -> int:
    """A count as somebody wrote it; 0 where it is none."""
    return int(finite_number(value) or 0)


def _headlines(pipeline: Pipeline, lag_seconds: float, took_seconds: float) -> list[Content]:
    total = pipeline.hot_orders + pipeline.archived_orders
    parts = (("hot", pipeline.hot_orders, HOT_COLOR), ("archived", pipeline.archived_orders, ARCHIVED_COLOR))
    share = [{"key": key, "size": size, "color": color} for key, size, color in parts if size]
    per_order = pipeline.archived_bytes / pipeline.archived_orders if pipeline.archived_orders else 0
    return [
        _headline("hot", "Hot orders", pipeline.hot_orders, f"{size_text(pipeline.hot_bytes)} in MongoDB"),
        _headline(
            "archived", "Archived orders", pipeline.archived_orders, f"{size_text(pipeline.archived_bytes)} of Parquet"
        ),
        _headline("total", "Orders ever accepted", total, "hot and archived") | {"share": share},
        _text("density", "Archived bytes per order", f"{per_order:.0f} B", "of Parquet") if per_order else
        _text("density", "Archived bytes per order", NOTHING, "nothing archived yet"),
        _headline("rejected", "Rejected rows", pipeline.rejected_rows, "kept with their reason"),
        _text("lag", "Summary lag", duration(lag_seconds), f"last refresh took {duration(took_seconds)}"),
    ]  # fmt: skip


def _headline(key: str, label: str, number: int, note: str) -> Content:
    return {"key": key, "label": label, "value": compact(number), "exact": exact(number), "note": note}


def _text(key: str, label: str, value: str, note: str) -> Content:
    return {"key": key, "label": label, "value": value, "exact": value, "note": note}


def _archive_runs(pipeline: Pipeline, zone: ZoneInfo) -> str:
    columns = [
        column("Run"), column("State"), column("Started"), column("Orders", number=True),
        column("Days", number=True), column("Parquet", number=True), column("Took", number=True),
    ]  # fmt: skip
    rows = []
    for run in pipeline.archive_runs:
        seconds = sum(float(finite_number(step) or 0) for step in part_of(run, "seconds").values())
        name = str(run["_id"]) if run.get("kind") == "archive" else f"{run['_id']} ({run.get('kind')})"
        cells = [
            {"text": name, "link": run["link"], "title": "Open in Prefect"} if run.get("link") else name,
            _state(run.get("state")),
            moment(_time(run.get("started_at")), zone),
            exact(_number(run.get("orders"))),
            exact(_number(run.get("days"))),
            size_text(_number(run.get("bytes_after"))),
            duration(seconds) if seconds else NOTHING,
        ]
        rows.append({"key": str(run["_id"]), "cells": cells})
    return table(TITLES["archive_runs"], "latest first", columns, rows, "Nothing has been archived yet")


def _imports(pipeline: Pipeline, zone: ZoneInfo) -> str:
    columns = [
        column("File"), column("State"), column("Started"), column("Read", number=True),
        column("Accepted", number=True), column("Changed", number=True), column("Unchanged", number=True),
        column("Rejected", number=True), column("Reason", wide=True),
    ]  # fmt: skip
    rows = []
    for record in pipeline.imports:
        path = str(record.get("file", ""))
        counts = [exact(_number(record.get(name))) for name in ("read", "accepted", "changed", "unchanged")]
        rejected = _number(record.get("rejected"))
        cells = [
            {"text": PurePath(path).name or path, "title": path},
            _state(record.get("state")),
            moment(_time(record.get("started_at")), zone),
            *counts,
            {"text": exact(rejected), "tone": "bad"} if rejected else "0",
            _import_reason(record),
        ]
        rows.append({"key": str(record["_id"]), "cells": cells})
    return table(TITLES["imports"], "latest first", columns, rows, "No file has been imported yet")


def _import_reason(record: Mapping[str, Any]) -> str:
    """Why a file failed, that it had no rows, or how many of its rows were rejected for what."""
    if error := record.get("error"):
        return str(error)
    if record.get("empty"):
        return NO_ROWS
    if record.get("state") == "interrupted":
        return "its process ended; it goes on with the next import of this file"
    return ", ".join(f"{code} {exact(_number(rows))}" for code, rows in part_of(record, "reasons").items())


def _rejected(pipeline: Pipeline) -> str:
    columns = [column("File"), column("Line", number=True), column("Code"), column("Reason", wide=True)]
    rows = [
        {
            "key": f"{place}",
            "cells": [
                {"text": PurePath(str(row.get("file", ""))).name, "title": str(row.get("file", ""))},
                str(row.get("line", "")),
                str(row.get("code", "")),
                str(row.get("reason", "")),
            ],
        }
        for place, row in enumerate(pipeline.rejected)
    ]
    return table(TITLES["rejected"], "latest first", columns, rows, "No row has been rejected")


def _flows(pipeline: Pipeline, zone: ZoneInfo) -> str:
    columns = [
        column("Flow"), column("Last run"), column("State"), column("Started"), column("Took", number=True),
        column("Reason", wide=True),
    ]  # fmt: skip
    if pipeline.flow_runs is None:
        return table(TITLES["flows"], "", columns, [], "Prefect does not answer")
    rows = [
        {
            "key": run.flow,
            "cells": [
                run.flow,
                {"text": run.run, "link": run.link, "title": "Open in Prefect"},
                _state(run.state),
                moment(run.started, zone),
                duration(run.seconds) if run.seconds else NOTHING,
                run.reason,
            ],
        }
        for run in pipeline.flow_runs
    ]
    return table(TITLES["flows"], "last run of each", columns, rows, "No flow has run yet")


def _state(state: object) -> Content:
    tone = "good" if state in GOOD_STATES else "bad" if state in BAD_STATES else "plain"
    return {"text": str(state or NOTHING).lower(), "tone": tone}


def _time(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None
