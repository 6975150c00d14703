"""A plan in figures for a billion orders: arithmetic with what was measured, for docs/scaling.md."""

from collections.abc import Iterator, Sequence

from benchmarks.common import Result

HOT_DAYS, PER_DAY, ALL = 30, 1_000_000, 1_000_000_000
HOT = HOT_DAYS * PER_DAY
SECONDS_A_DAY = 86_400
PEAK = 7.6
"""Orders of a Black Friday by those of a median day, as at Olist."""

COPIES = 2
GB, MB = 1e9, 1e6


def plan_text(results: Sequence[Result]) -> str:
    """The plan as a table, with a row for each figure that has been measured."""
    head = f"| | {PER_DAY:,} orders a day, {HOT_DAYS} days hot, {ALL:,} in all |\n| --- | --- |\n"
    return head + "".join(f"| {what} | {figure} |\n" for what, figure in _rows(results))


def _rows(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    found = {result.name: result.value for result in results}
    archived = [
        result.value for result in results if result.name.endswith("archived, start to committed") and result.target
    ]
    parquet = [result.value for result in results if result.name.endswith("Parquet per order")]
    yield "arriving", f"{PER_DAY / SECONDS_A_DAY:,.0f} orders/s, {PEAK * PER_DAY / SECONDS_A_DAY:,.0f} on Black Friday"
    if rate := found.get("import JSON Lines, new orders"):
        yield "one importer, as measured", f"{rate:,.0f} orders/s"
    if size := found.get("a hot order: BSON"):
        yield "hot orders, as BSON", f"{HOT * size / GB:,.0f} GB"
        disk, indexes = found["a hot order: on MongoDB's disk"], found["a hot order: indexes"]
        yield "hot orders, on MongoDB's disk", f"{HOT * (disk + indexes) / GB:,.1f} GB with their indexes"
    for seconds in archived[-1:]:
        yield "archiving a day, as measured for a million orders", f"{seconds:,.0f} s"
    for size in parquet[-1:]:
        yield "Parquet of a day", f"{PER_DAY * size / MB:,.0f} MB"
        yield "Parquet of all", f"{ALL * size / GB:,.0f} GB, {COPIES * ALL * size / GB:,.0f} with {COPIES} copies"
    if size := found.get("an archived order: its entry in MongoDB"):
        yield "`archived_orders`, on MongoDB's disk", f"{ALL * size / GB:,.0f} GB with its index"
