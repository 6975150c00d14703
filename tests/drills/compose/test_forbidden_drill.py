"""What is forbidden is tried from inside the containers, as who has taken one over would try it."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo import MongoClient

from tests.compose.shop import try_deployment
from tests.compose.stack import Stack

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]


def running(stack: Stack) -> list[str]:
    return sorted(name for name, state in stack.states().items() if state.startswith("Up"))


def test_every_service_runs_as_nobody_on_a_root_that_it_cannot_write(stack: Stack) -> None:
    script = "id -u; (echo x > /x) 2>&1; grep NoNewPrivs /proc/self/status"
    for name in running(stack):
        user, refused, privileges = stack.execute(name, "sh", "-c", script).splitlines()
        assert user != "0", name
        assert "Read-only file system" in refused, name
        assert privileges.split()[1] == "1", name
        container = stack.inspect(name)
        assert container["HostConfig"]["Memory"] > 0, name
        assert container["HostConfig"]["CapDrop"] == ["ALL"], name


DOORS = {
    "mongo": 27017, "namenode": 9800, "datanode-1": 9866, "spark-master": 7077, "postgres": 5432, "redis": 6379,
    "prefect-server": 4200, "dashboard": 5006, "metrics": 9108,
}  # fmt: skip

OPEN_DOORS = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def is_open(door):
    try:
        socket.create_connection(door, timeout=3).close()
        return True
    except OSError:
        return False
doors = list(json.loads(sys.argv[1]).items())
with ThreadPoolExecutor(16) as pool:
    print(json.dumps([door[0] for door, found in zip(doors, pool.map(is_open, doors)) if found]))
"""


def test_each_service_reaches_what_it_shares_a_network_with_and_nothing_else(stack: Stack) -> None:
    outside = {"1.1.1.1": 443}
    names = ("worker", "archiver", "dashboard", "metrics", "prefect-services", "spark-worker-1", "datanode-2")
    doors = json.dumps(DOORS | outside)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda name: json.loads(stack.execute(name, "python", "-c", OPEN_DOORS, doors)), names)
    for name, reached in zip(names, found, strict=True):
        networks = set(stack.services[name]["networks"])
        allowed = {host for host in DOORS if networks & set(stack.services[host]["networks"])}
        assert set(reached) - outside.keys() == allowed, name
        assert "edge" in networks or not set(reached) & outside.keys(), name


def test_no_service_holds_a_secret_that_it_does_not_need(stack: Stack) -> None:
    for name in running(stack):
        given = dict(line.partition("=")[::2] for line in stack.inspect(name)["Config"]["Env"])
        held = {secret for secret, value in stack.variables.items() if any(value in text for text in given.values())}
        named = set(re.findall(r"\$\{(\w+)", json.dumps(stack.services[name]["environment"])))
        assert held <= named, name
        assert "MONGO_ROOT_PASSWORD" not in held, name


def test_nobody_gets_in_without_a_password(stack: Stack) -> None:
    fetch = (
        "import sys, urllib.request, urllib.error\n"
        "try: answer = urllib.request.urlopen(sys.argv[1]); print(answer.status, answer.url)\n"
        "except urllib.error.HTTPError as error: print(error.code)"
    )
    answer = stack.execute("prefect-services", "python", "-c", fetch, "http://prefect-server:4200/api/admin/version")
    assert answer.split() == ["401"]
    assert "/login" in stack.execute("dashboard", "python", "-c", fetch, "http://127.0.0.1:5006/app")
    with pytest.raises(RuntimeError, match=r"refuses|[Aa]uthentication|requires"):
        anonymous = {"ECOMMERCE_MONGO_URI": "mongodb://mongo:27017/?replicaSet=ecommerce"}
        stack.execute("worker", "ecommerce", "kpis", environment=anonymous)


DEEDS = """
import json
from pymongo.errors import OperationFailure
from ecommerce.mongo import get_database
database = get_database()
deeds = {
    "delete an order": lambda: database.orders.delete_one({"_id": -1}),
    "make an order": lambda: database.orders.insert_one({"_id": -1}),
    "drop the orders": lambda: database.orders.drop(),
    "weaken the validator": lambda: database.command("collMod", "orders", validationLevel="off"),
    "make a user": lambda: database.command("createUser", "intruder", pwd="x", roles=[]),
    "read password hashes": lambda: database.client.admin["system.users"].find_one(),
    "leave the database": lambda: database.client.another.things.insert_one({}),
    "run code in the server": lambda: list(database.orders.find({"$where": "sleep(1) || true"}).limit(1)),
}
ended = {}
for name, deed in deeds.items():
    try:
        deed()
        ended[name] = None
    except OperationFailure as error:
        ended[name] = error.code
print(json.dumps(ended))
"""
ALLOWED = {"archiver": {"delete an order"}, "worker": {"make an order"}}
"""Their work. The order that the worker makes here is none, which the validator says."""
CODE_IN_QUERIES = "run code in the server"
UNAUTHORIZED, NOT_VALID = 13, 121


@pytest.mark.parametrize("service", ["worker", "archiver", "dashboard", "metrics"])
def test_each_service_s_user_of_mongodb_may_do_its_work_only(stack: Stack, service: str) -> None:
    ended: dict[str, Any] = json.loads(stack.execute(service, "python", "-c", DEEDS))
    allowed = ALLOWED.get(service, set())
    refused = {name for name, code in ended.items() if code == UNAUTHORIZED}
    # Who may read orders may ask with code of its own; it runs in the server's sandbox and sees no more.
    assert ended.keys() - refused - {CODE_IN_QUERIES} <= allowed, ended
    assert ended["make an order"] == (NOT_VALID if service == "worker" else UNAUTHORIZED)


def row(order_id: Any) -> str:
    order = {
        "order_id": order_id, "user_id": 1, "order_time": "2026-02-01T10:00:00Z", "total_amount": "5", "quantity": 1,
        "discount": "0", "payment_type": {"$ne": None},
    }  # fmt: skip
    return json.dumps({"order": order, "order_items": []})


def test_hostile_files_of_the_inbox_take_nothing_and_leave_nothing(shop: Stack) -> None:
    """Operators of MongoDB in place of values, names that are commands or paths, a link to the worker's secrets."""
    inbox = shop.volume("inbox")
    names = (
        "-rf.jsonl",
        "$(touch pwned).jsonl",
        "orders..%2f..%2fpwned.jsonl",
        "a;touch pwned;.jsonl",
        "line\nbreak.jsonl",
    )
    for number, name in enumerate(names):
        (inbox / name).write_text(row({"$gt": number}) + "\n" + row("'; return true; //") + "\n")
    (inbox / "link.csv").symlink_to("/proc/1/environ")
    (inbox / "folder.csv").symlink_to("/etc")
    before = orders_of(shop)
    try_deployment(shop, "import-files/hourly", settle_seconds=0)
    assert orders_of(shop) == before
    assert not {path.name for path in inbox.iterdir()} & set(names), "each is in done/ or failed/"
    assert not [path for path in shop.volume("worker-home").rglob("*pwned*") if "done" not in path.parts]
    assert (inbox / "link.csv").is_symlink() and (inbox / "folder.csv").is_symlink(), "links stay where they are"
    with administrator(shop) as client:
        stored = str([list(client.ecommerce[name].find()) for name in ("rejected_rows", "imports")])
    assert "'; return true; //" in stored
    assert not [name for name, secret in shop.variables.items() if secret in stored]


def administrator(stack: Stack) -> MongoClient[Any]:
    where = f"{stack.address('mongo')}:27017/?directConnection=true"
    return MongoClient(f"mongodb://root:{stack.variables['MONGO_ROOT_PASSWORD']}@{where}")


def orders_of(stack: Stack) -> int:
    # Of before this year's schedules: those add an hour's orders whenever they like.
    with administrator(stack) as client:
        return client.ecommerce.orders.count_documents({"user_id": 1, "payment_type": {"$type": "object"}})


def test_no_secret_is_in_a_process_list_a_log_or_an_artifact(shop: Stack, command_lines: set[str]) -> None:
    values = set(shop.variables.values()) | {shop.variables["PREFECT_AUTH"].partition(":")[2]}
    assert any("CoarseGrainedExecutorBackend" in line for line in command_lines)
    assert not [line for line in command_lines for value in values if value in line]
    # Postgres has the logs and artifacts of all runs.
    places = [shop.volume("postgres-data"), shop.volume("worker-home"), shop.volume("archiver-home")]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert files
    logs = {name: shop.log(name).encode() for name in shop.services if not shop.services[name].get("profiles")}
    contents = {str(path): path.read_bytes() for path in files if path.name != "spark-defaults.conf"} | logs
    assert not [(name, secret) for name, content in contents.items() for secret in values if secret.encode() in content]
