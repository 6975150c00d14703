"""The events that flows send to Prefect: what happened to which resource, with counts. docs/operations.md lists them.

Automations react to them (deployments/automations.py). Prefect adds the flow run, its flow and its deployment to each.
"""

from typing import TYPE_CHECKING, Any

from prefect.events import emit_event

from ecommerce.settings import get_settings
from flows.links import dashboard_url

if TYPE_CHECKING:  # a flow needs what it tells of, and not what the others do
    from ecommerce.archive.run import Run
    from ecommerce.attention.kinds import Notice
    from ecommerce.attention.told import Over
    from ecommerce.check import CheckReport
    from ecommerce.importing.loading.report import ImportReport

FILES_NAMED = 20


def orders_imported(report: "ImportReport") -> None:
    """`orders.imported`, where an import brought something in, and `rows.rejected`, where it rejected rows."""
    counts = {name: getattr(report, name) for name in ("read", "accepted", "unchanged", "changed", "rejected")}
    if report.accepted or report.changed:
        files = [file.path.name for file in report.files if file.accepted or file.changed]
        _emit("orders.imported", _database(), **counts, files=files[:FILES_NAMED])
    if report.rejected:
        by_file = {file.path.name: dict(file.reasons) for file in report.files if file.rejected}
        reasons = dict(list(by_file.items())[:FILES_NAMED])
        _emit("rows.rejected", _database(), rejected=report.rejected, read=report.read, reasons=reasons)


def figures_differ(report: "CheckReport") -> None:
    """`figures.differ`: a check found figures that are not what a recomputation gives, or that it could not compare."""
    _emit(
        "figures.differ",
        _database(),
        differences=len(report.differences),
        repaired=report.repaired,
        aside=report.aside,
        damaged=len(report.damaged),
        twice=len(report.twice),
        gone=max(len(report.gone), report.fewer),
        buckets=[found.bucket for found in report.differences[:FILES_NAMED]],
    )


def attention_needed(notice: "Notice") -> None:
    """`attention.needed`: something of the shop needs a person; sent when it begins, once."""
    link = dashboard_url() + (notice.link or "?page=pipeline")
    _emit("attention.needed", _of_shop("attention", notice.key), text=notice.text, reason=notice.reason, link=link)


def attention_over(over: "Over") -> None:
    """`attention.over`: what needed a person is over."""
    _emit("attention.over", _of_shop("attention", over.key), text=over.text, since=over.since.isoformat())


def orders_archived(run: "Run") -> None:
    """`orders.archived`: an archive run is committed."""
    _of_run("orders.archived", run, superseded=run.superseded)


def archive_waiting(run: "Run") -> None:
    """`archive.waiting`: an archive run is verified and waits for a person."""
    until = run.answer_until.isoformat() if run.answer_until else None
    _of_run("archive.waiting", run, answer_until=until)


def archive_answered(run: "Run") -> None:
    """`archive.answered`: a person answered, or nobody did in time."""
    _of_run("archive.answered", run, answer=run.answer, comment=run.comment)


def _of_run(event: str, run: "Run", **more: Any) -> None:
    resource = _of_shop("archive-run", run.run_id, f"archive run {run.run_id}")
    counts = {name: getattr(run, name) for name in ("orders", "days", "bytes_before", "bytes_after")}
    _emit(event, resource, **counts, cutoff=run.cutoff.isoformat(), **more)


def _database() -> dict[str, str]:
    name = get_settings().database
    return {"prefect.resource.id": f"ecommerce.database.{name}", "prefect.resource.name": name}


def _of_shop(kind: str, key: str, name: str = "") -> dict[str, str]:
    return {
        "prefect.resource.id": f"ecommerce.{kind}.{key}",
        "prefect.resource.name": name or key,
        "ecommerce.database": get_settings().database,
    }


def _emit(event: str, resource: dict[str, str], **payload: Any) -> None:
    emit_event(event=event, resource=resource, payload=payload)
