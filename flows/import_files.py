"""Imports what lies in the inbox, or the files it is given: a task per file, a table of counts and rejected rows."""

from pathlib import Path
from typing import Annotated

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.importing.files import find_files
from ecommerce.importing.inbox import put_away, waiting_files
from ecommerce.importing.ledger import prepare_ledger
from ecommerce.importing.pipeline import ImportOptions
from ecommerce.importing.report import FileReport, FilesFailed, ImportReport
from ecommerce.importing.run import import_file, plan
from ecommerce.mongo import get_database, prepare_database
from ecommerce.settings import get_settings
from flows.common import described, progress_artifact


@task(cache_policy=NO_CACHE)
def find_work(paths: list[str], settle_seconds: float) -> list[str]:
    """The files to import, catalog tables first; without paths, those that wait in the inbox."""
    settings = get_settings()
    files = find_files(paths) if paths else waiting_files(settings.inbox_directory, settle_seconds)
    prepare_database(get_database(settings))
    prepare_ledger(get_database(settings))
    return [str(path) for path in plan(files)]


@task(cache_policy=NO_CACHE, task_run_name="import {path}")
def import_one(path: str, mapping: str | None, max_rejected_share: float) -> FileReport:
    """Import one file."""
    options = ImportOptions(mapping=mapping, max_rejected_share=max_rejected_share)
    with progress_artifact(f"import {Path(path).name}") as progress:
        return import_file(get_database(), Path(path), progress=progress, options=options)


@task(cache_policy=NO_CACHE, task_run_name="put away {path}")
def put_away_one(path: str, report: FileReport) -> None:
    """Move a file of the inbox to done/ or failed/: its rows are safe."""
    put_away(Path(path), report)


@task(cache_policy=NO_CACHE)
def show(report: ImportReport) -> None:
    """Publish the counts per file and the first rejected rows."""
    counts = ("read", "accepted", "unchanged", "changed", "rejected")
    create_table_artifact(
        key="imported-files",
        table=[
            {"file": file.path.name, "holds": file.rows_are}
            | {name: getattr(file, name) for name in counts}
            | {"error": file.error or ""}
            for file in report.files
        ],
        description="Rows read = accepted + unchanged + changed + rejected",
    )
    rejections = [(file.path.name, rejection) for file in report.files for rejection in file.first_rejections]
    if rejections:
        create_table_artifact(
            key="rejected-rows",
            table=[{"file": name, "line": r.line, "code": r.code, "reason": r.reason} for name, r in rejections],
            description="The first rejected rows of each file; all of them are in the collection rejected_rows",
        )


@flow(name="import-files")
@described
def import_files(
    paths: Annotated[
        list[str] | None,
        Field(description="Files, folders or globs. Empty: what waits in the inbox, which is emptied."),
    ] = None,
    mapping: Annotated[
        str | None, Field(description="Mapping of order lines: a shipped name or a file. Empty: found by the columns.")
    ] = None,
    max_rejected_share: Annotated[
        float, Field(ge=0, le=1, description="A file is stopped when more than this share of its rows is rejected.")
    ] = 0.25,
    settle_seconds: Annotated[
        float,
        Field(ge=0, le=3600, description="Leave files in the inbox that were written to more recently than this."),
    ] = 5.0,
) -> ImportReport:
    """Bring orders and catalog tables in from files. Fails only where someone must act: a file that stopped."""
    report = ImportReport()
    for path in find_work(paths or [], settle_seconds):
        imported = import_one(path, mapping, max_rejected_share)
        report.files.append(imported)
        if not paths:
            put_away_one(path, imported)
    show(report)
    if report.failed:
        raise FilesFailed(report)
    return report
