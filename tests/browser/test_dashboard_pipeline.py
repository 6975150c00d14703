"""The pipeline page, and what the overview says of a pipeline in which something failed."""

from datetime import UTC, datetime

from playwright.sync_api import expect

from ecommerce.mongo import get_database
from ecommerce.settings import Settings
from tests.dashboard_app import Tab
from tests.dashboard_shop import HOSTILE


def test_the_pipeline_page_shows_what_the_pipeline_wrote_down(tab: Tab, shop: Settings) -> None:
    database = get_database(shop)
    now = datetime.now(UTC)
    database["imports"].insert_one(
        {"file": f"/inbox/{HOSTILE[1]}", "state": "done", "started_at": now, "read": 5, "accepted": 3, "rejected": 2}
    )
    database["rejected_rows"].insert_one({"file": "/inbox/a.csv", "line": 7, "code": "bad", "reason": HOSTILE[0]})
    tab.page.get_by_role("button", name="Pipeline", exact=True).click()
    tab.page.locator("#headline-hot").wait_for()
    row = tab.card("Imports").locator("tbody tr").first
    expect(row).to_contain_text("done")
    expect(row.locator("td").nth(3)).to_have_text("5")
    expect(tab.card("Rejected rows").locator("tbody tr").first).to_contain_text(HOSTILE[0])
    hot = int(tab.headline("hot").replace(",", ""))
    assert hot == database["orders"].estimated_document_count()
    assert "page=pipeline" in tab.page.url


def test_what_failed_is_said_on_the_overview_and_explained_on_the_pipeline_page(tab: Tab, shop: Settings) -> None:
    imports = get_database(shop)["imports"]
    reason = f"no mapping knows its columns: {HOSTILE[1]}"
    failed = {"file": "/inbox/broken.csv", "state": "failed", "started_at": datetime.now(UTC), "error": reason}
    try:
        imports.insert_one(failed)
        notice = tab.page.get_by_role("status").filter(has_text="import of broken.csv failed")
        notice.wait_for()
        expect(notice).to_contain_text(reason)
        notice.get_by_role("button", name="Pipeline: import of broken.csv").press("Enter")
        tab.page.locator("#headline-hot").wait_for()
        row = tab.card("Imports").locator("tbody tr").filter(has_text="broken.csv")
        expect(row).to_contain_text("failed")
        expect(row).to_contain_text(reason)
    finally:
        imports.delete_one({"file": failed["file"]})
    tab.show("?span=all")
    expect(tab.page.get_by_role("status").filter(has_text="broken.csv")).to_have_count(0, timeout=60_000)
