"""Makes orders: of the hour before the scheduled time, of a span of history, live, or into files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.generate.first import FIRST_CATALOG, SEED
from ecommerce.generate.into_files.catalog_files import write_catalog
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.orders_file import PROCESSES_MAX, write_orders
from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.into_mongodb.windows_due import CATCH_UP_HOURS_MAX, due_hours
from ecommerce.generate.live import LIVE_SPEED, generate_live
from ecommerce.generate.model.catalog import PRODUCTS_MAX, USERS_MAX, CatalogSpec
from ecommerce.generate.model.windows import RATE_MAX, SPEED_MAX, Window
from ecommerce.generate.request import SEED_MAX, Request
from ecommerce.mongo import get_database
from ecommerce.schema import prepare_database
from flows.common import TASK_SECONDS, finished, named, scheduled_time
from flows.progress import progress_artifact
from flows.schedules import look_at_schedule


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def prepare_catalog(wanted: CatalogSpec) -> CatalogSpec:
    """The catalog in the database, made or extended."""
    prepare_database(get_database())
    with progress_artifact("catalog") as progress:
        return ensure_catalog(get_database(), wanted, progress)


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def find_windows(request: Request, catch_up_hours: int) -> list[Window]:
    """The window that is asked for; of the schedule, also hours before it that no run has made."""
    own = request.window(scheduled_time())
    if own.mode != "hour" or not catch_up_hours:
        return [own]
    look_at_schedule()
    windows = due_hours(get_database(), own, request.average, datetime.now(UTC), catch_up_hours)
    if len(windows) > 1:
        get_run_logger().warning("%d hours before are missing and are made now", len(windows) - 1)
    return windows


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def store_orders(spec: CatalogSpec, windows: list[Window]) -> dict[str, int]:
    """Bring the windows' orders in."""
    with progress_artifact("store") as progress:
        made = store_windows(get_database(), spec, windows, datetime.now(UTC), progress)
    return {"accepted": made.accepted, "unchanged": made.unchanged}


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def advance_orders() -> dict[str, int]:
    """Move open orders on."""
    with progress_artifact("advance") as progress:
        return advance_life(get_database(), datetime.now(UTC), progress).counts()


@task(cache_policy=NO_CACHE)
def live_orders(
    spec: CatalogSpec, rate: float, seed: int, preset: str, speed: float, orders: int | None
) -> dict[str, int]:
    """Make orders second by second until the run is cancelled."""
    with progress_artifact("live") as progress:
        return generate_live(
            get_database(), spec, rate, seed=seed, preset=preset, speed=speed, orders=orders, progress=progress
        ).counts()


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def write_files(path: Path, job: FileJob, processes: int) -> dict[str, Any]:
    """Write the file of orders, and the catalog's beside it."""
    with progress_artifact("write files") as progress:
        written = write_orders(path, job, processes, progress)
    catalog = write_catalog(path.parent, job.spec)
    return written.counts() | {"files": [str(file) for file in (path, *catalog)]}


def run_name(parameters: dict[str, Any]) -> str:
    """What a run makes, and for when."""
    if rate := parameters.get("rate"):
        return f"generate live, {rate:g} a second"
    start, end = parameters.get("start"), parameters.get("end")
    into = " into files" if parameters.get("to") else ""
    if start and end:
        return f"generate {start:%Y-%m-%d} to {end:%Y-%m-%d}{into}"
    return f"generate {scheduled_time() - timedelta(hours=1):%Y-%m-%d %Hh}{into}"


@flow(name="generate-orders", flow_run_name=named(run_name))
def generate_orders(
    orders: Annotated[int | None, Field(ge=1, le=10**9)] = None,
    start: datetime | None = None,
    end: datetime | None = None,
    preset: Literal["marketplace", "grocery", "b2b"] = "marketplace",
    seed: Annotated[int, Field(ge=0, le=SEED_MAX)] = SEED,
    locale: str = FIRST_CATALOG.locale,
    users: Annotated[int | None, Field(ge=1, le=USERS_MAX)] = None,
    products: Annotated[int | None, Field(ge=1, le=PRODUCTS_MAX)] = None,
    rate: Annotated[float | None, Field(gt=0, le=RATE_MAX)] = None,
    speed: Annotated[float, Field(ge=1, le=SPEED_MAX)] = LIVE_SPEED,
    to: str | None = None,
    format: Literal["json", "csv"] | None = None,
    dirt: Annotated[float, Field(ge=0, le=1)] = 0.0,
    processes: Annotated[int, Field(ge=1, le=PROCESSES_MAX)] = 1,
    catch_up_hours: Annotated[int, Field(ge=0, le=CATCH_UP_HOURS_MAX)] = 0,
) -> dict[str, Any]:
    """Make orders in the shape of a preset and move open orders on. Running it again adds only what is missing.

    Args:
        orders: Orders of the span; without a span, of an average hour. Empty: 40 an hour.
        start: First moment of the span, UTC. Empty, with the end: the hour before the scheduled time.
        end: End of the span, UTC; itself not in it.
        preset: What the shop looks like.
        seed: The same seed makes the same orders.
        locale: Language of the catalog's names, as Faker calls it.
        users: Users in the catalog, at least. Empty: as many as there are orders, from 2 000 to 100 000.
        products: Products in the catalog, at least. Empty: a tenth of the orders, from 500 to 10 000.
        rate: Live: so many orders a second, until the run is cancelled.
        speed: Live: how much faster than in life orders are shipped and delivered.
        to: Write files there: a directory, or a file like orders.json.zst. Empty: into MongoDB.
        format: Format of the file in a directory: json, or csv.
        dirt: Files: share of malformed, late and repeated rows.
        processes: Files: processes that make them.
        catch_up_hours: Without a span: also make what is missing of so many hours before, for example after an outage.
    """
    request = Request(
        orders, start, end, preset, seed, locale, users, products, rate, speed, to, format, dirt, processes
    )
    now = datetime.now(UTC)
    request.check(now)
    if to is not None:
        written = write_files(*request.file(scheduled_time(), now), processes)
        return finished(written, f"{written['orders']:,} orders in {to}")
    spec = prepare_catalog(request.catalog)
    if rate is not None:
        lived = live_orders(spec, rate, seed, preset, speed, orders)
        return finished(lived, f"{lived['accepted']:,} orders made live")
    stored = store_orders(spec, find_windows(request, catch_up_hours))
    done = stored | advance_orders()
    return finished(done, "; ".join(f"{name} {count:,}" for name, count in done.items()))
