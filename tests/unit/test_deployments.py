"""The list of deployments: each one fits the flow that it deploys, and has the name that people rely on."""

from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.utilities.importtools import import_object
from prefect.utilities.templating import apply_values

from tests.unit.test_structure import ROOT

SCHEDULED = {
    "generate-orders/hourly",
    "import-files/hourly",
    "summarize-orders/hourly",
    "archive-orders/daily",
    "check-orders/daily",
    "delete-old-runs/daily",
}
ON_DEMAND = {
    "generate-orders/backfill",
    "generate-orders/live",
    "generate-orders/files",
    "restore-orders/on-demand",
    "forget-person/on-demand",
}

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    flow = import_object(deployment["entrypoint"])
    assert isinstance(flow, Flow)
    return flow


def form_of(flow: Flow[..., Any]) -> dict[str, dict[str, Any]]:
    """The fields of a flow's form; one that is a group is described where the group is defined."""
    schema = flow.parameters
    groups = {f"#/definitions/{name}": group for name, group in schema.definitions.items()}
    return {name: groups.get(field.get("$ref", ""), {}) | field for name, field in schema.properties.items()}


def full_name(deployment: dict[str, Any]) -> str:
    return f"{flow_of(deployment).name}/{deployment['name']}"


def test_all_promised_deployments_are_there_and_no_others() -> None:
    names = [full_name(deployment) for deployment in DEPLOYMENTS]
    assert sorted(names) == sorted(SCHEDULED | ON_DEMAND)
    assert {full_name(deployment) for deployment in DEPLOYMENTS if deployment.get("schedules")} == SCHEDULED


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["entrypoint"].split(".")[-1])
def test_a_deployment_fits_its_flow(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    flow = flow_of(deployment)
    # A scheduled run has nobody to fill in a form: defaults and the deployment's parameters must be enough.
    given = deployment.get("parameters", {})
    assert set(given) <= set(flow.parameters.properties)
    if deployment.get("schedules"):
        flow.validate_parameters(given)
    for schedule in deployment.get("schedules", []):
        assert schedule["slug"]
        daily = schedule["slug"] == "daily"
        assert schedule["timezone"] == ("{{ $SHOP_TIME_ZONE }}" if daily else "UTC"), "a day is the shop's"
        monkeypatch.setenv("SHOP_TIME_ZONE", "Asia/Kolkata")
        deployed = apply_values(schedule, {})
        CronSchedule(cron=deployed["cron"], timezone=deployed["timezone"])
        assert deployed["timezone"] == ("Asia/Kolkata" if daily else "UTC")
    assert deployment["description"]
    # What a person asks for waits. Only a schedule whose every run does all that is open may drop one that overlaps.
    drops = full_name(deployment) in {"generate-orders/hourly", "summarize-orders/hourly", "delete-old-runs/daily"}
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW" if drops else "ENQUEUE"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["entrypoint"].split(".")[-1])
def test_every_parameter_makes_a_described_field_of_the_form(deployment: dict[str, Any]) -> None:
    for name, field in form_of(flow_of(deployment)).items():
        for of_name, of in {name: field, **field.get("properties", {})}.items():
            assert of.get("description"), f"{deployment['entrypoint']}: parameter {of_name} has no description"


def test_every_run_has_a_limit_but_that_of_live_orders() -> None:
    without = {full_name(one) for one in DEPLOYMENTS if flow_of(one).timeout_seconds is None}
    assert {name.partition("/")[0] for name in without} == {"generate-orders"}
