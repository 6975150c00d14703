"""Runs that report to their own home send no heartbeats: nobody listens, and each run would wait for the sender."""

import pytest
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from ecommerce.prefect_api import embedded_api
from ecommerce.settings import load_settings
from flows.own_run import deployment_id, send_no_heartbeats_at_home


@pytest.mark.parametrize(("elsewhere", "sends"), [(False, False), (True, True)])
def test_only_runs_at_home_send_no_heartbeats(elsewhere: bool, sends: bool) -> None:
    home = embedded_api(load_settings())
    with temporary_settings({PREFECT_API_URL: "http://prefect.example:4200/api" if elsewhere else home}):
        send_no_heartbeats_at_home()
        assert (get_current_settings().flows.heartbeat_frequency is not None) == sends
    assert get_current_settings().flows.heartbeat_frequency is not None, "only the run's own settings were changed"


def test_outside_a_run_there_is_no_deployment() -> None:
    assert deployment_id() is None
