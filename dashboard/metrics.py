"""`/metrics` of the dashboard's own process, for Prometheus: `panel serve … --plugins dashboard.metrics`.

Numbers about the tick and nothing else, so it may be read without a login.
"""

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from tornado.web import RequestHandler

from dashboard.live import the_feed

TICK_METRICS = {
    "ecommerce_tick_seconds": "How long the last refresh of the dashboard took.",
    "ecommerce_tick_lag_seconds": "How old its figures were after it.",
    "ecommerce_ticks": "Refreshes since this process started; none happen while nobody watches.",
    "ecommerce_tick_failed": "1 while the figures cannot be brought up to date.",
}


REGISTRY = CollectorRegistry()
_GAUGES = [Gauge(name, text, registry=REGISTRY) for name, text in TICK_METRICS.items()]


class Metrics(RequestHandler):
    """The last tick, as Prometheus reads it."""

    def get(self) -> None:
        freshness = the_feed().last.freshness
        values = (freshness.took_seconds, freshness.lag_seconds, freshness.tick, 0 if freshness.problem is None else 1)
        for gauge, value in zip(_GAUGES, values, strict=True):
            gauge.set(value)
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(generate_latest(REGISTRY))


ROUTES: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [("/metrics", Metrics, {})]
