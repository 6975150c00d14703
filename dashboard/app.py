"""The dashboard: `panel serve dashboard/app.py`. Settings come from the environment."""

import panel as pn

from dashboard.browser import browser_of
from dashboard.views.page import DashboardPage
from ecommerce.settings import get_settings

pn.extension(notifications=False, browser_info=False)

query = pn.state.location.search if pn.state.location else ""
browser = browser_of(pn.state.cookies, pn.state.headers.get("User-Agent", ""))
page = DashboardPage(get_settings(), query, browser)
page.start()
page.servable(title="Orders")
