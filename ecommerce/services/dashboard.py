"""The dashboard's server: `panel serve` on loopback."""

import sys
from pathlib import Path

from ecommerce.errors import ServiceError
from ecommerce.jvm import Changes
from ecommerce.services.daemons import Daemon
from ecommerce.services.ports import LOOPBACK, http_answers, listens, require_free_port
from ecommerce.services.prefect import REPOSITORY
from ecommerce.settings import Settings

APP = Path("dashboard/app.py")
PLUGINS = ("dashboard.log_times", "dashboard.readiness", "dashboard.metrics", "dashboard.orders_csv")
"""Times of the log in UTC; and modules with routes of their own: `/readiness`, `/metrics`, `/orders.csv`."""


def dashboard(settings: Settings, environment: Changes) -> Daemon:
    """The dashboard, not started yet."""
    if not (REPOSITORY / APP).exists():
        raise ServiceError(f"{REPOSITORY / APP} is missing: run `ecommerce up` from a checkout of the project")
    port = settings.dashboard_port
    require_free_port(port, "ECOMMERCE_DASHBOARD_PORT", "the dashboard")
    return Daemon(
        "dashboard",
        [*serve_command(port), "--index", APP.stem],
        home=settings.home_directory,
        address=dashboard_url(settings),
        ready=lambda _: http_answers(f"http://{LOOPBACK}:{port}/liveness"),
        answers=lambda _: listens(f"http://{LOOPBACK}:{port}/liveness"),
        environment=environment,
        cwd=REPOSITORY,
    )


def serve_command(port: int) -> list[str]:
    """`panel serve` on loopback with all that it offers: a first page as fast as the next ones, health and metrics."""
    origins = [part for host in (LOOPBACK, "localhost") for part in ("--allow-websocket-origin", f"{host}:{port}")]
    return [
        sys.executable, "-m", "panel", "serve", str(APP), "--address", LOOPBACK, "--port", str(port), *origins,
        "--warm", "--liveness", *(part for plugin in PLUGINS for part in ("--plugins", plugin)),
    ]  # fmt: skip


def dashboard_url(settings: Settings) -> str:
    """Where a browser finds the dashboard."""
    return f"http://{LOOPBACK}:{settings.dashboard_port}"
