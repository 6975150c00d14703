"""Takes the pictures of Prefect's pages in docs/operations.md: `python deployments/screenshots.py http://127.0.0.1:4200`.

The services must be up (`ecommerce up`), with an import that rejected rows, an archive run that is suspended
(`approve`) and one that is done. Needs Playwright and a Chromium, as `dashboard/screenshots.py` does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboard.screenshots import WAIT_MS, a_browser, main
from ecommerce.prefect_api import call

WIDTH, HEIGHT, HEIGHT_OF_A_FORM = 1280, 800, 1440
SETTLED_MS = 4_000
"""Prefect's pages fill in piece by piece and draw their graphs with an animation."""


def pages(api: str) -> Iterator[tuple[str, str, str | None]]:
    """Name of the picture, path of the page, and what to click on there first. Forms that are asked for are higher."""
    yield "prefect-runs", "/runs", None
    archived = newest_page(api, "archive-orders", "archive-run", ["Completed"])
    yield "prefect-graph", f"/runs/flow-run/{archived['flow_run_id']}", None
    yield "prefect-page", f"/artifacts/artifact/{archived['id']}", None
    imported = newest_page(api, "import-files", "imported-files", ["Completed", "Failed"])
    yield "prefect-table", f"/artifacts/artifact/{imported['id']}", None
    waiting = newest_run(api, "archive-orders", ["Suspended"])
    yield "prefect-form", f"/runs/flow-run/{waiting['id']}", "Resume"
    yield "prefect-automations", "/automations", None
    backfill = call(api, "/deployments/name/generate-orders/backfill")
    yield "prefect-parameters", f"/deployments/deployment/{backfill['id']}/run", None


def newest_run(api: str, flow: str, states: list[str]) -> dict[str, Any]:
    """The newest run of a flow in one of the states."""
    filters = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"state": {"name": {"any_": states}}}}
    found = call(api, "/flow_runs/filter", filters | {"sort": "START_TIME_DESC", "limit": 1})
    if not found:
        raise SystemExit(f"error: no run of {flow} is {' or '.join(states)}: run one first")
    run: dict[str, Any] = found[0]
    return run


def newest_page(api: str, flow: str, key: str, states: list[str]) -> dict[str, Any]:
    """The newest page that a run of a flow published under a key; not each run has one, as where nothing was due."""
    filters = {
        "artifacts": {"key": {"any_": [key]}},
        "flows": {"name": {"any_": [flow]}},
        "flow_runs": {"state": {"name": {"any_": states}}},
    }
    found = call(api, "/artifacts/filter", filters | {"sort": "CREATED_DESC", "limit": 1})
    if not found:
        raise SystemExit(f"error: no run of {flow} that is {' or '.join(states)} has a page {key}: run one first")
    page: dict[str, Any] = found[0]
    return page


def take(address: str, folder: Path) -> Iterator[Path]:
    """Take all pictures of the Prefect server at `address`; yields the files."""
    address = address.rstrip("/")
    with a_browser() as browser:
        for name, path, button in pages(f"{address}/api"):
            height = HEIGHT_OF_A_FORM if path.endswith("/run") else HEIGHT
            page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
            page.goto(address + path, timeout=WAIT_MS)
            page.wait_for_load_state("networkidle", timeout=WAIT_MS)
            page.wait_for_timeout(SETTLED_MS)
            if button:
                page.get_by_role("button", name=button).first.click()
                page.wait_for_timeout(SETTLED_MS)
            file = folder / f"{name}.png"
            page.screenshot(path=file)
            page.close()
            yield file


if __name__ == "__main__":
    main("Prefect's pages", "http://127.0.0.1:4200", take)
