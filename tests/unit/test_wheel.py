"""What is in the wheel, and what the library needs of what is not in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.wheel import ROOT, build_wheel

HEAVY = {"pyspark", "prefect", "panel", "bokeh", "holoviews", "fastapi", "sqlalchemy"}
LIBRARY = (
    "ecommerce.importing.import_files",
    "ecommerce.generate.request",
    "ecommerce.summaries.advance",
    "ecommerce.kpis",
    "ecommerce.ingest.accept",
    "cli.app",
)


def test_the_wheel_has_all_that_is_not_python_and_nothing_of_the_containers(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(tmp_path)) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    folders = ("ecommerce/", "flows/", "dashboard/", "cli/", "deployments/")
    wanted = {name for name in tracked if name.startswith(folders) and (ROOT / name).exists()}
    wanted -= {name for name in wanted if name.startswith(("deployments/docker/", "deployments/Dockerfile"))}
    assert wanted <= packed
    assert {"ecommerce/py.typed", "ecommerce/mappings/olist.yaml", "deployments/prefect.yaml"} <= packed
    assert not {name for name in packed if name.startswith(("deployments/docker", "tests", "benchmarks"))}


def test_the_library_is_imported_without_spark_panel_and_prefect() -> None:
    code = f"import sys, {', '.join(LIBRARY)}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not HEAVY & set(done.stdout.split())
