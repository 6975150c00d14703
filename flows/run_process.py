"""`python -m flows.run_process`: the process of a flow run that a worker starts; the environment names the run."""

import runpy

from ecommerce.quick_process import run_to_its_end

if __name__ == "__main__":
    run_to_its_end(lambda: runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True))
