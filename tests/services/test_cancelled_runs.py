"""A run that somebody ended stops writing, whatever keeps its process: within seconds, and the state stays theirs."""

import threading
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import Abort
from prefect.flow_engine import run_flow
from prefect.states import Cancelled, Cancelling, Suspended

from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from flows.generate_orders import generate_orders

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("suspended", [True, False], ids=["suspended, then cancelled", "cancelled without a worker"])
def test_a_run_that_is_cancelled_stops_writing(
    database: MongoDatabase, flow_settings: Settings, suspended: bool
) -> None:
    parameters = {"rate": 20.0}
    ended = threading.Event()
    with get_client(sync_client=True) as client:
        run: UUID = client.create_flow_run(generate_orders, parameters=parameters).id

        def cancel() -> None:
            while database[ORDERS].find_one() is None:
                if ended.wait(0.1):
                    return
            with get_client(sync_client=True) as other:
                if suspended:
                    other.set_flow_run_state(run, Suspended(timeout_seconds=600), force=True)
                    other.set_flow_run_state(run, Cancelled(), force=True)
                else:
                    other.set_flow_run_state(run, Cancelling())

        canceller = threading.Thread(target=cancel, daemon=True)
        canceller.start()
        try:
            # Live orders have no end of their own: that it returns is what is promised.
            with pytest.raises(Abort, match="ended from outside, as Cancelled"):
                run_flow(generate_orders, flow_run=client.read_flow_run(run), parameters=parameters)
        finally:
            ended.set()
            canceller.join()
        state = client.read_flow_run(run).state
    assert state is not None
    assert state.is_cancelled()
