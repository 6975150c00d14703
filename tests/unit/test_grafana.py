"""Grafana's dashboard asks for metrics that exist and says what it shows. Grafana itself is not had in the tests."""

import json
import re
from itertools import combinations
from typing import Any

from dashboard.metrics import TICK_METRICS
from ecommerce.metrics import METRICS, SALES_TODAY
from tests.compose.compose_file import REPOSITORY

BOARD: dict[str, Any] = json.loads((REPOSITORY / "deployments/docker/grafana/order-pipeline.json").read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]


def queries() -> list[str]:
    return [str(target["expr"]) for panel in PANELS for target in panel["targets"]]


def test_every_metric_that_it_asks_for_exists_and_none_of_ours_is_left_out() -> None:
    asked = set(re.findall(r"ecommerce_\w+", " ".join(queries())))
    assert asked <= METRICS.keys() | TICK_METRICS.keys()
    assert (METRICS.keys() | TICK_METRICS.keys()) - asked == {
        "ecommerce_summary_deltas",
        "ecommerce_import_age_seconds",
        "ecommerce_ticks",
    }
    figures = re.findall(r'figure=~"([^"]+)"', " ".join(queries()))
    assert {figure for names in figures for figure in names.split("|")} <= set(SALES_TODAY)


def test_its_panels_have_a_title_a_description_and_a_place_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS) > 5
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_it_asks_the_prometheus_that_the_reader_chooses() -> None:
    (variable,) = BOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    sources = {target["datasource"]["uid"] for panel in PANELS for target in [panel, *panel["targets"]]}
    assert sources == {f"${{{variable['name']}}}"}
