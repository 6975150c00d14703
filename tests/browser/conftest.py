"""The shop, its dashboard and the browser that the tests of this folder share."""

from tests.dashboard_shop import address, browser, open_tab, shop, tab  # noqa: F401
