"""Prometheus of the profile `monitoring`: it scrapes, each alert fires, and Grafana's queries have answers."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose.prometheus import PROFILE, ask, firing, wait_for
from tests.compose.shop import try_deployment
from tests.compose.stack import Stack
from tests.unit.test_docs import ALERTS
from tests.unit.test_grafana import queries

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]


def test_it_scrapes_what_the_configuration_names_and_knows_every_rule(watched: Stack) -> None:
    def up() -> set[str]:
        targets = ask(watched, "targets")["activeTargets"]
        return {one["labels"]["instance"] for one in targets if one["health"] == "up"}

    wait_for("both targets are up", 90, lambda: up() == {"metrics:9108", "dashboard:5006"})
    rules = [rule for group in ask(watched, "rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {alert["alert"] for alert in ALERTS}


def test_a_file_that_cannot_be_imported_raises_its_alert(watched: Stack) -> None:
    # It was down while services were killed.
    wait_for("PipelineDown is over", 90, lambda: "PipelineDown" not in firing(watched))
    (watched.volume("inbox") / "broken.parquet").write_bytes(b"PAR1 nothing")
    try_deployment(watched, "import-files/hourly", settle_seconds=0)
    wait_for("ImportsFail", 120, lambda: "ImportsFail" in firing(watched))


def test_every_query_of_grafana_s_dashboard_is_answered(watched: Stack) -> None:
    for query in queries():
        ask(watched, "query", query=query)
    assert ask(watched, "query", query="ecommerce_orders")["result"]


DAY = 86_400
QUIET = {
    "ecommerce_up": 1, "ecommerce_disk_free_ratio": 0.5, "ecommerce_summary_lag_seconds": 60,
    "ecommerce_tick_seconds": 0.1, "ecommerce_tick_failed": 0, "ecommerce_archive_age_seconds": 3 * DAY,
    "ecommerce_oldest_hot_order_age_seconds": 31 * DAY, "ecommerce_archive_unfinished_seconds": 60,
    "ecommerce_failed_imports": 0, "ecommerce_rejected_rows": 500,
}  # fmt: skip
"""An archive that did not run for days, as nothing was old enough, is no reason for an alert."""

LOUD: dict[str, dict[str, object]] = {
    "PipelineDown": {"ecommerce_up": 0},
    "DiskNearlyFull": {"ecommerce_disk_free_ratio": 0.09},
    "SummariesLag": {"ecommerce_summary_lag_seconds": 7201},
    "TickSlow": {"ecommerce_tick_failed": 1},
    "ArchiveLate": {"ecommerce_oldest_hot_order_age_seconds": 33 * DAY},
    "ArchiveRunStuck": {"ecommerce_archive_unfinished_seconds": 7 * 3600},
    "ImportsFail": {"ecommerce_failed_imports": 1},
    "RowsRejected": {"ecommerce_rejected_rows": "0+1x480"},
}
"""What makes each alert fire, and no other one."""


def test_each_alert_fires_for_its_own_reason_and_no_other_does(watched: Stack, tmp_path: Path) -> None:
    annotations = {alert["alert"]: alert["annotations"] for alert in ALERTS}
    assert LOUD.keys() == annotations.keys()

    def case(changed: dict[str, object], loud: str | None) -> dict[str, Any]:
        series = QUIET | changed
        given = [
            {"series": f'{name}{{job="e"}}', "values": value if isinstance(value, str) else f"{value}x480"}
            for name, value in series.items()
        ]
        expected = [{"exp_labels": {"job": "e"}, "exp_annotations": annotations[loud]}] if loud else []
        tests = [
            {"eval_time": "3h", "alertname": name, "exp_alerts": expected if name == loud else []}
            for name in annotations
        ]
        return {"interval": "30s", "input_series": given, "alert_rule_test": tests}

    cases = [case({}, None), *(case(changed, name) for name, changed in LOUD.items())]
    rules = {"rule_files": ["/etc/prometheus/alerts.yml"], "evaluation_interval": "30s", "tests": cases}
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(rules))
    (tmp_path / "cases.yml").chmod(0o644)
    tmp_path.chmod(0o755)
    promtool = ("run", "--rm", "--no-deps", "-T", "--volume", f"{tmp_path}:/cases:ro", "--entrypoint", "promtool")
    watched.compose(*PROFILE, *promtool, "prometheus", "check", "config", "/etc/prometheus/prometheus.yml")
    watched.compose(*PROFILE, *promtool, "prometheus", "test", "rules", "/cases/cases.yml")
