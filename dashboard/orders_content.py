"""What the orders page shows a viewer: a list of orders or one order, read and put into words."""

from collections.abc import Mapping
from dataclasses import replace

from dashboard.feed import Feed
from dashboard.order_cards import order_cards
from dashboard.orders import read_listing, read_order
from dashboard.orders_cards import listing_cards
from dashboard.orders_view import OrdersView
from dashboard.session import Session
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings


def orders_content(
    database: MongoDatabase, settings: Settings, feed: Feed, session: Session, *, customers: bool
) -> Mapping[str, str]:
    """Name of each card → its content as JSON. `customers`: names and e-mails may be seen. Raises PyMongoError."""
    view, zone = session.view, session.zone
    if view.orders.order is not None:
        one = read_order(database, settings, view.orders.order, customers=customers)
        return order_cards(one, view, feed.currency, zone)
    listing = replace(read_listing(database, settings, view, zone, customers=customers), currency=feed.currency)
    return listing_cards(listing, view, feed.last.choices, _counted(feed, session), zone)


def _counted(feed: Feed, session: Session) -> int | None:
    """How many orders the figures count for the page, the archived too; None where none counts the same."""
    orders, filters = session.view.orders, session.view.filters
    if orders != OrdersView(sort=orders.sort) or filters.choose_items:
        return None
    return feed.answer(session.asked()).answer.kpis.orders
