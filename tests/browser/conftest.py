"""The shop, its dashboard and the browser that the tests of this folder share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.dashboard_app import SHOWN_MS
from tests.dashboard_shop import address, browser, open_tab, shop, tab  # noqa: F401


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    """The machine may be busy: expectations wait as long as all else."""
    expect.set_options(timeout=SHOWN_MS)
    yield
    expect.set_options(timeout=None)
