"""The dashboard: `panel serve dashboard/app.py`. Settings come from the environment."""

import panel as pn

from dashboard.views.page import DashboardPage
from ecommerce.settings import get_settings

pn.extension(notifications=False, browser_info=False)

query = pn.state.location.search if pn.state.location else ""
page = DashboardPage(get_settings(), query, touch="Mobi" in pn.state.headers.get("User-Agent", ""))
page.start()
page.servable(title="Orders")
