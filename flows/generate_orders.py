"""Makes the orders of the hour before the scheduled time, and of hours that an outage left out.

generate_on_demand.py has the flows of the same name for a span of history, live orders and files.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema as NotShown

from ecommerce.generate.first import SEED
from ecommerce.generate.into_files.catalog_files import write_catalog
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.orders_file import PROCESSES_MAX, write_orders
from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.into_mongodb.windows_due import CATCH_UP_HOURS_MAX, due_hours
from ecommerce.generate.live import LIVE_SPEED, generate_live
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.rhythm import from_ms
from ecommerce.generate.model.windows import RATE_MAX, SPEED_MAX, Window
from ecommerce.generate.presets import PRESETS
from ecommerce.generate.request import SEED_MAX, Request
from ecommerce.mongo import get_database
from ecommerce.readable import counted
from ecommerce.schema import prepare_database
from flows.catalog_form import AS_IN_A_NEW_SHOP, Catalog, OldLocale, OldProducts, OldUsers, catalog_fields
from flows.common import TASK_SECONDS, finished, pipeline_flow, scheduled_time
from flows.forms import AS_SET, AsSet, Unset, chosen, settings_by_operators
from flows.links import day_of, link_dashboard
from flows.own_run import deployment_id
from flows.progress import progress_artifact
from flows.schedules import look_at_schedule
from flows.sending import send


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
    windows = [own]
    if own.mode == "hour" and catch_up_hours:
        look_at_schedule()
        windows = due_hours(get_database(), own, request.average, datetime.now(UTC), catch_up_hours)
    first, last = from_ms(windows[0].start_ms), from_ms(windows[-1].end_ms)
    get_run_logger().info("%s to make, from %s to %s", counted(len(windows), "window"), first, last)
    if own.mode == "hour" and len(windows) > 1:
        get_run_logger().warning(
            "made now, too, as it is missing: %s beside its own", counted(len(windows) - 1, "hour")
        )
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
) -> dict[str, Any]:
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


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def publish_counts(windows: list[Window], done: dict[str, int]) -> None:
    """Publish what was made and moved on, and for which time."""
    first, last = from_ms(windows[0].start_ms), from_ms(windows[-1].end_ms)
    span = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    send(
        create_table_artifact,
        key="generated-orders",
        table=[{"what": name, "orders": count} for name, count in done.items()],
        description=f"Orders of {span}, in {counted(len(windows), 'window')}, and open orders that moved on",
    )
    get_run_logger().info("page: orders of %s", span)


if TYPE_CHECKING:
    Preset = str
else:  # the form of a run offers those that there are
    Preset = Literal[tuple(PRESETS)]
Seed = Annotated[int, Field(ge=0, le=SEED_MAX)]
Orders = Annotated[int, Field(ge=1, le=10**9)]
Rate = Annotated[float, Field(gt=0, le=RATE_MAX)]
Speed = Annotated[float, Field(ge=1, le=SPEED_MAX)]
Format = Literal["json", "csv"]
BadRows = Annotated[float, Field(ge=0, le=1)]
Processes = Annotated[int, Field(ge=1, le=PROCESSES_MAX)]
# A parameter that is NotShown was in this form in earlier versions: scripts may go on giving it.


def run_name(parameters: dict[str, Any]) -> str:
    """What a run makes, and for when."""
    if rate := parameters.get("rate"):
        return f"generate live, {rate:g} a second"
    start, end = parameters.get("start"), parameters.get("end")
    into = " into files" if parameters.get("to") else ""
    if start and end:
        return f"generate {start:%Y-%m-%d} to {end:%Y-%m-%d}{into}"
    return f"generate {scheduled_time() - timedelta(hours=1):%Y-%m-%d %Hh}{into}"


def make(request: Request, catch_up_hours: int = 0) -> dict[str, Any]:
    """Make what is requested. Raises InputError at once where that cannot be."""
    now = datetime.now(UTC)
    request.check(now)
    if request.to is not None:
        written = write_files(*request.file(scheduled_time(), now), request.processes)
        return finished(written, f"{counted(written['orders'], 'order')} in {request.to}")
    spec = prepare_catalog(request.catalog)
    if request.rate is not None:
        lived = live_orders(spec, request.rate, request.seed, request.preset, request.speed, request.orders)
        return finished(lived, f"{counted(lived['accepted'], 'order')} made live")
    windows = find_windows(request, catch_up_hours)
    stored = store_orders(spec, windows)
    done = stored | advance_orders()
    publish_counts(windows, done)
    link_dashboard(day_of(windows[0].start_ms), day_of(windows[-1].end_ms - 1))
    return finished(done, "; ".join(f"{name} {count:,}" for name, count in done.items()))


def warn_of_old_parameters(request: Request) -> None:
    """Name the deployment that has the form for what is asked, where an old script asks another one."""
    live = request.rate is not None and "rate: live orders are made by generate-orders/live"
    files = request.to is not None and "to: files are written by generate-orders/files"
    if deployment_id() is not None and (said := live or files):
        get_run_logger().warning("%s; this deployment's form does not show it any more", said)


@pipeline_flow("generate-orders", run_name, timeout_seconds=None)
def generate_orders(
    orders: Orders | Unset | None = AS_SET,
    preset: Preset = "marketplace",
    seed: Seed = SEED,
    catch_up_hours: Annotated[int, Field(ge=0, le=CATCH_UP_HOURS_MAX)] | Unset = AS_SET,
    catalog: Catalog = AS_IN_A_NEW_SHOP,
    locale: OldLocale = None,
    users: OldUsers = None,
    products: OldProducts = None,
    start: NotShown[datetime | None] = None,
    end: NotShown[datetime | None] = None,
    rate: NotShown[Rate | None] = None,
    speed: NotShown[Speed] = LIVE_SPEED,
    to: NotShown[str | None] = None,
    format: NotShown[Format | None] = None,
    bad_rows: NotShown[BadRows] = 0.0,
    dirt: NotShown[BadRows] = 0.0,
    processes: NotShown[Processes] = 1,
) -> dict[str, Any]:
    """Make the hour's orders in the shape of a preset and move open orders on. Again, it adds only what is missing.

    Args:
        orders: Orders of an average hour. Empty: as the setting generate_orders_per_hour says, 40 unless changed.
        preset: What the shop looks like.
        seed: The same seed makes the same orders.
        catch_up_hours: Also make what is missing since that hour and of so many hours before now, for example after
            an outage. Empty: as the setting generate_catch_up_hours says, 168 unless changed.
        catalog: The shop's users and products: made at the first run, later only extended.
    """
    settings = settings_by_operators("generate")
    of_the_hour = start is None and end is None and rate is None and to is None
    if isinstance(orders, AsSet):
        orders = settings.generate_orders_per_hour if of_the_hour else None
    fields = catalog_fields(catalog, locale=locale, users=users, products=products)
    request = Request(
        orders, start, end, preset, seed, rate=rate, speed=speed, to=to, format=format, bad_rows=bad_rows or dirt,
        processes=processes, **fields,
    )  # fmt: skip
    warn_of_old_parameters(request)
    # A run without a deployment makes the hour that it is asked for, and no other.
    by_default = settings.generate_catch_up_hours if deployment_id() is not None else 0
    return make(request, chosen(catch_up_hours, by_default))
