"""Links from a run's pages: to the dashboard with the days that the run is about, and to the run itself."""

from datetime import date, timedelta

from prefect.artifacts import create_link_artifact
from prefect.runtime import flow_run

from ecommerce.archive.run import Run
from ecommerce.documents.kinds import EPOCH
from ecommerce.mongo import get_database
from ecommerce.prefect_api import run_url
from ecommerce.settings import get_settings
from ecommerce.shop import read_shop
from flows.sending import send


def dashboard_url(first: date | None = None, last: date | None = None) -> str:
    """The dashboard's page for these days, both included; without them, as it opens by itself."""
    settings = get_settings()
    address = (settings.dashboard_url or f"http://127.0.0.1:{settings.dashboard_port}").rstrip("/")
    return f"{address}/app" + (f"?from={first}&to={last or first}" if first else "")


def link_dashboard(first: date | None = None, last: date | None = None) -> None:
    """Publish a link to these days in the dashboard, under one key for each flow."""
    days = "" if first is None else f" of {first}" + (f" to {last}" if last and last != first else "")
    send(
        create_link_artifact,
        key=f"{flow_run.flow_name}-dashboard",
        link=dashboard_url(first, last),
        link_text=f"figures{days}",
        description=f"The dashboard with the figures{days}.",
    )


def archive_links(run: Run) -> str:
    """Markdown for an archive run's page: its days in the dashboard, and the flow run that began it."""
    days = [day.order_date for day in run.per_day]
    links = [f"[its days in the dashboard]({dashboard_url(days[0], days[-1])})"] if days else []
    if run.flow_run:
        links.append(f"[the flow run that began it]({run_url(get_settings(), run.flow_run)})")
    return " · ".join(links)


def day_of(milliseconds: int) -> date:
    """The business day of the moment so many milliseconds after 1970."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).astimezone(read_shop(get_database()).zone).date()
