"""A server of version 0.1.0 is brought to this version, and back to 0.1.0 by its backup.

The database and the archive are what 0.1.0 made (tests/data/version_0_1_0), its users are made by its own program.
There is no image of 0.1.0: its Dockerfile could not be built.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from ecommerce.settings import Settings
from tests.compose.shop import check
from tests.compose.stack import Stack
from tests.drills.compose.test_restored_drill import commands_of
from tests.version_0_1_0 import Frozen, bring_back, unpack_sources

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

STORES = ("mongo", "namenode", "datanode-1", "datanode-2", "postgres")
MONGO_INIT = "docker compose run --rm -T mongo-init"
KEPT = ("orders", "quantity", "hot_orders", "archived_orders")
"""Figures that no later version defines otherwise."""

KPIS_OF_0_1_0 = """
import json
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import get_database
try:
    print(json.dumps(compute_kpis(get_database()).to_json_dict()))
except Exception as error:
    print(json.dumps({"error": str(error)}))
"""


def program_of_0_1_0(sources: Path) -> str:
    """Options of `docker compose run` with which Python finds `ecommerce` of 0.1.0 first."""
    return f"--volume {sources}:/version-0.1.0:ro --env PYTHONPATH=/version-0.1.0"


def told_by_0_1_0(stack: Stack, sources: Path) -> dict[str, Any]:
    options = program_of_0_1_0(sources).split()
    command = ("run", "--rm", "--no-deps", "-T", *options, "archiver", "python", "-c", KPIS_OF_0_1_0)
    told: dict[str, Any] = json.loads(stack.compose(*command).splitlines()[-1])
    return told


def put_back_0_1_0(stack: Stack, sources: Path, directory: Path) -> Frozen:
    """A server of 0.1.0 with its orders, hot and archived, on HDFS."""
    stack.compose("up", "--detach", "--wait", *STORES)
    stack.shell(MONGO_INIT.replace("-T", f"-T {program_of_0_1_0(sources)}"))
    stack.compose("run", "--rm", "-T", "hdfs-init")
    where = f"{stack.address('mongo')}:27017/ecommerce?directConnection=true&authSource=admin"
    uri = f"mongodb://root:{stack.variables['MONGO_ROOT_PASSWORD']}@{where}"
    settings = Settings.model_validate({"mongo_uri": uri, "home": directory / "home"})
    frozen = bring_back("whole", settings, directory, "hdfs://namenode:9800/archive")
    # The upgrade refuses to begin while somebody else is connected.
    frozen.database.client.close()
    for path in [directory, *directory.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    stack.shell(
        "docker compose run --rm --no-deps -T --env HADOOP_USER_NAME=archiver"
        f" --volume {directory}:/frozen:ro hdfs-init bash deployments/docker/hdfs.sh shell -put -f /frozen/archive /"
    )
    return frozen


def test_a_server_of_0_1_0_is_brought_forward_and_back(stack: Stack, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    unpack_sources(sources)
    stack.remove()
    frozen = put_back_0_1_0(stack, sources, tmp_path / "frozen")
    before = told_by_0_1_0(stack, sources)
    assert {name: before[name] for name in KEPT} == {name: frozen.kpis[name] for name in KEPT}
    *backup, starts_again = commands_of("The backup").splitlines()
    assert "up --detach" in starts_again
    stack.shell("rm -rf backup\n" + "\n".join(backup))

    stack.up("archiver")
    assert "done: " in stack.log("upgrade")
    after = json.loads(stack.execute("archiver", "ecommerce", "kpis", "--json"))
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
    assert check(stack)["archived_orders"] == before["archived_orders"]
    assert "use version" in told_by_0_1_0(stack, sources)["error"]

    stack.remove()
    restore = commands_of("Everything back, into empty volumes").partition("docker compose exec -T postgres")[0]
    stack.shell(restore.replace(MONGO_INIT, MONGO_INIT.replace("-T", f"-T {program_of_0_1_0(sources)}")))
    back = told_by_0_1_0(stack, sources)
    # Late orders are told as of now.
    assert {name: back[name] for name in back if name != "as_of"} == {
        name: before[name] for name in before if name != "as_of"
    }
