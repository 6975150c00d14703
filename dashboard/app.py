"""The dashboard: `panel serve dashboard/app.py`. Settings come from the environment."""

import panel as pn

from dashboard.browser import browser_of
from dashboard.customers import may_see_customers
from dashboard.views.page import DashboardPage
from ecommerce.settings import get_settings

pn.extension(notifications=False, browser_info=False)

query = pn.state.location.search if pn.state.location else ""
browser = browser_of(pn.state.cookies, pn.state.headers.get("User-Agent", ""))
context = pn.state.curdoc.session_context if pn.state.curdoc else None
address = getattr(context.request, "remote_ip", None) if context else None
customers = may_see_customers(get_settings(), pn.state.user, address)
page = DashboardPage(get_settings(), query, browser, customers=customers)
page.start()
page.servable(title="Orders")
