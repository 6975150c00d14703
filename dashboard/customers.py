"""Who may see the names and e-mails of customers: a viewer who is logged in; on loopback whoever the setting allows."""

import logging
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from ecommerce.mongo import Document, MongoDatabase
from ecommerce.settings import Settings

log = logging.getLogger(__name__)

GUEST = "guest"
"""What Panel calls a viewer of `--oauth-optional` who did not log in."""


def may_see_customers(settings: Settings, user: str | None, address: str | None) -> bool:
    """`user`: who is logged in, None without a login; `address`: where the browser is."""
    return user not in (None, "", GUEST) or (settings.customers_on_loopback and _is_loopback(address))


def customers_of(database: MongoDatabase, ids: Iterable[int]) -> Mapping[int, tuple[str, str]]:
    """Name and e-mail of customers, by id."""
    found: Iterable[Document] = database["users"].find({"_id": {"$in": list(ids)}}, {"name": 1, "email": 1})
    return {user["_id"]: (str(user.get("name") or ""), str(user.get("email") or "")) for user in found}


def record_download(user: str | None, address: str | None, query: str) -> None:
    """Write down who downloaded names and e-mails of whom. At a level that is always logged."""
    log.warning("download of customers' names and e-mails: user %r at %r, orders %r", user, address, query)


def _is_loopback(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False
