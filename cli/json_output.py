"""What `--json` prints: one document on standard output, with the same names from version to version.

Times are ISO 8601 in UTC, money is text, `run` names the run in Prefect. What goes wrong is on standard error, as ever.
"""

import json
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic_core import to_jsonable_python

from cli.runtime import last_run

if TYPE_CHECKING:
    from ecommerce.importing.loading.report import ImportReport
    from flows.archive_orders import ArchiveReport

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]

_COUNTS = ("read", "accepted", "unchanged", "changed", "rejected")
_FILE = ("path", "rows_are", *_COUNTS, "reasons", "notes", "error", "seconds")
_RUN = (
    "run_id", "kind", "state", "cutoff", "orders", "days", "bytes_before", "bytes_after", "superseded", "seconds",
)  # fmt: skip


def print_json(document: object, *, with_run: bool = True) -> None:
    """Print a document; with the run in Prefect that made it, where there was one."""
    content = to_jsonable_python(document, serialize_unknown=True)
    if with_run:
        content = {**content, "run": last_run()}
    typer.echo(json_text(content, indent=2))


def json_text(content: Any, indent: int | None = None) -> str:
    """JSON, which has no NaN and no infinity: they are text, as a Decimal's are."""
    try:
        return json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(content), indent=indent, ensure_ascii=False)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(each) for name, each in content.items()}
    if isinstance(content, list):
        return [_finite(each) for each in content]
    return str(Decimal(content)) if isinstance(content, float) and not isfinite(content) else content


def import_document(report: "ImportReport") -> dict[str, Any]:
    """Counts of all files together, then each file."""
    files = [_fields(file, _FILE) for file in report.files]
    left = [one._asdict() for one in report.left]
    return {**_fields(report, _COUNTS), "files": files, "notes": report.notes, "left": left}


def archive_document(report: "ArchiveReport") -> dict[str, Any]:
    """The plan, and the archive runs that were finished."""
    plan = report.plan
    of_day = ("orders", "bytes", "open_orders")
    days = [{"day": day.order_date, **_fields(day, of_day)} for day in plan.days if day.orders]
    totals = _fields(plan, ("cutoff", "orders", "bytes", "staying_open", "staying_young"))
    waiting = _fields(report.waiting, (*_RUN, "answer_until")) if report.waiting else None
    runs = [_fields(run, _RUN) for run in report.runs]
    return {"plan": totals | {"days": days}, "archive_runs": runs, "waiting": waiting}


def _fields(record: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}
