"""`/readiness`: 200 when MongoDB answers, else 503. For `panel serve --plugins dashboard.readiness`.

`--liveness` tells whether the process serves at all. A process without its database is alive, and keeps the last
figures on every screen; it should not be restarted, only get no new viewers.
"""

import asyncio

from pymongo.errors import PyMongoError
from tornado.web import RequestHandler

from ecommerce.mongo import get_database


class Readiness(RequestHandler):
    """Answers whether a new viewer would get figures."""

    async def get(self) -> None:
        try:
            await asyncio.to_thread(get_database().command, "ping")
        except PyMongoError:
            self.set_status(503)
            self.finish("MongoDB does not answer\n")
        else:
            self.finish("ready\n")


ROUTES: list[tuple[str, type[RequestHandler], dict[str, object]]] = [("/readiness", Readiness, {})]
