"""`/readiness`: 200 when MongoDB answers, else 503. For `panel serve --plugins dashboard.readiness`.

`--liveness` tells whether the process serves at all. A process without its database is alive, and keeps the last
figures on every screen; it should not be restarted, only get no new viewers.
"""

from tornado.web import RequestHandler

from dashboard.silence import answers
from ecommerce.mongo import get_database


class Readiness(RequestHandler):
    """Answers whether a new viewer would get figures."""

    async def get(self) -> None:
        if await answers(get_database()):
            self.finish("ready\n")
        else:
            self.set_status(503)
            self.finish("MongoDB does not answer\n")


ROUTES: list[tuple[str, type[RequestHandler], dict[str, object]]] = [("/readiness", Readiness, {})]
