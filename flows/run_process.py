"""`python -m flows.run_process`: the process of a flow run that a worker starts; the environment names the run."""

import runpy

from ecommerce.quick_process import import_when_used, run_to_its_end
from flows import UNUSED_BY_RUNS


def run() -> None:
    """Run the flow run of the environment, as Prefect's own command does."""
    import_when_used(*UNUSED_BY_RUNS)
    from flows.own_run import send_no_heartbeats_at_home

    send_no_heartbeats_at_home()
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run_to_its_end(run)
