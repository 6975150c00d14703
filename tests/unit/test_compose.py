"""docker-compose.yml and the image: what can be held without an engine. The compose drill runs all of it."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from ecommerce.security.roles import USERS
from ecommerce.services.environment import HEARTBEAT_SECONDS
from ecommerce.services.mongod import TRANSACTION_SECONDS
from tests.compose.compose_file import (
    COMPOSE_FILE,
    REPOSITORY,
    MissingVariable,
    dotenv,
    final_stage,
    image_environment,
    load,
)
from tests.compose.engine import COMPOSE_VERSION_MIN, compose_version, installed_compose

DOCKERFILE = (REPOSITORY / "deployments" / "Dockerfile").read_text()
EXAMPLE = dotenv((REPOSITORY / ".env.example").read_text())
SECRETS = {name: f"{name.lower().replace('_', '')}4711" for name in EXAMPLE}
DOCUMENT, SERVICES = load(SECRETS)
NAMES = sorted(SERVICES)

OPTIONAL = {"METABASE_DATABASE_PASSWORD", "METABASE_EMAIL", "METABASE_PASSWORD"}
"""Only the profile `bi` needs them, and compose demands variables of profiles that are not active, too."""

KEYS = {
    "build", "cap_drop", "command", "depends_on", "deploy", "dns_opt", "entrypoint", "environment", "healthcheck",
    "hostname", "image", "init", "logging", "network_mode", "networks", "ports", "profiles", "pull_policy", "read_only",
    "restart", "security_opt", "stop_grace_period", "tmpfs", "user", "volumes",
}  # fmt: skip
"""Keys of a service in the compose specification that this file uses."""


def body(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["services"][name]
    return found


def test_the_document_has_the_form_of_the_compose_specification() -> None:
    extensions = {key for key in DOCUMENT if key.startswith("x-")}
    assert set(DOCUMENT) - extensions == {"name", "services", "networks", "volumes"}
    for name in NAMES:
        service = body(name)
        assert set(service) <= KEYS, name
        assert all(isinstance(value, str) for value in service.get("environment", {}).values()), name
        assert set(service.get("networks", [])) <= set(DOCUMENT["networks"]), name
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] in {"service_healthy", "service_completed_successfully"}
            assert how["condition"] != "service_healthy" or "healthcheck" in body(other), f"{name} waits for {other}"
        for source, _, _ in SERVICES[name].volumes:
            assert source in DOCUMENT["volumes"] or (REPOSITORY / source).exists(), f"{name}: {source}"


def test_an_old_compose_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "docker-compose"
    old.write_text("#!/bin/sh\necho 1.29.2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compose_version(["docker-compose"]) == (1, 29) < COMPOSE_VERSION_MIN
    assert compose_version(["docker", "compose"]) == ()


def test_compose_itself_accepts_the_file_where_it_is_installed(tmp_path: Path) -> None:
    variables = tmp_path / "env"
    variables.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    if command := installed_compose():
        files = ("--env-file", str(variables), "-f", str(COMPOSE_FILE))
        subprocess.run([*command, *files, "--profile", "*", "config", "--quiet"], check=True)
        return
    # No compose here, or one that knows no profile `*`: the test above and the drill hold the file's form.
    assert yaml.safe_load(COMPOSE_FILE.read_text())["name"] == "ecommerce"


@pytest.mark.parametrize("name", sorted(set(EXAMPLE) - OPTIONAL))
def test_nothing_starts_without_a_secret(name: str) -> None:
    with pytest.raises(MissingVariable, match=f"{name}.*in .env"):
        load(SECRETS | {name: ""})


def test_the_example_sets_no_secret_and_lists_every_variable() -> None:
    assert all(value == "" for value in EXAMPLE.values())
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE_FILE.read_text()))
    described = set(re.findall(r"^#?(\w+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    assert used - {"PIPELINE_VERSION"} == described


def test_no_secret_is_in_a_command_a_label_or_a_health_check() -> None:
    for name in NAMES:
        without_environment = {key: value for key, value in body(name).items() if key != "environment"}
        text = yaml.safe_dump(without_environment)
        assert not [secret for secret in SECRETS.values() if secret in text], name


def test_each_part_gets_only_the_secrets_it_needs() -> None:
    def secrets_of(name: str) -> set[str]:
        text = yaml.safe_dump(body(name))
        return {variable for variable, secret in SECRETS.items() if secret in text}

    assert {name for name in NAMES if "MONGO_ROOT_PASSWORD" in secrets_of(name)} == {"mongo-init"}
    assert secrets_of("worker") == {"PREFECT_AUTH", "MONGO_INGEST_PASSWORD"}
    assert secrets_of("archiver") == {"PREFECT_AUTH", "MONGO_ARCHIVE_PASSWORD", "SPARK_SECRET", "POSTGRES_PASSWORD"}
    assert secrets_of("dashboard") == {"MONGO_DASHBOARD_PASSWORD", "DASHBOARD_PASSWORD", "DASHBOARD_COOKIE_SECRET"}
    assert {f"MONGO_{user.upper()}_PASSWORD" for user in USERS} <= secrets_of("mongo-init")


def test_every_port_is_published_on_loopback_only() -> None:
    published = [port for name in NAMES for port in body(name).get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_holds_data_cannot_be_reached_from_outside() -> None:
    inside = {name for name, network in DOCUMENT["networks"].items() if (network or {}).get("internal")}
    for name in (
        "mongo",
        "namenode",
        "datanode-1",
        "datanode-2",
        "spark-master",
        "postgres",
        "redis",
        "worker",
        "archiver",
    ):
        assert set(SERVICES[name].networks) <= inside, name


@pytest.mark.parametrize("name", NAMES)
def test_every_service_is_pinned_limited_confined_and_comes_back(name: str) -> None:
    service = body(name)
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?[\w.-]*", service["image"]), service["image"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["restart"] in {"unless-stopped", "on-failure:5"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    if name != "metabase":  # unpacks its drivers beside its jar
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    once = service["restart"] == "on-failure:5"
    # Prefect's background services listen on no port.
    assert once or "healthcheck" in service or name == "prefect-services"


def test_the_containers_keep_the_same_times_as_the_embedded_services() -> None:
    for name in ("worker", "archiver"):
        assert SERVICES[name].environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == str(HEARTBEAT_SECONDS)
    for deployment in yaml.safe_load((REPOSITORY / "deployments" / "prefect.yaml").read_text())["deployments"]:
        given = deployment["work_pool"]["job_variables"]["env"]
        assert given == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)}
    script = (REPOSITORY / "deployments" / "docker" / "mongo.sh").read_text()
    assert f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}\n" in script


SHARED = {"inbox": ["worker", "archiver"]}
"""One imports its files, the other rewrites them when a person is to be forgotten."""


def test_every_volume_is_used_and_belongs_to_one_service() -> None:
    users: dict[str, list[str]] = {}
    for service in SERVICES.values():
        for source, _, _ in service.volumes:
            users.setdefault(source, []).append(service.name)
    assert set(DOCUMENT["volumes"]) == {source for source in users if "/" not in source}
    shared = {source: names for source, names in users.items() if "/" not in source and len(names) > 1}
    assert shared == SHARED


def test_the_image_is_built_of_files_that_exist_and_reach_the_builder() -> None:
    allowed = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.*)$", DOCKERFILE, re.MULTILINE)
    sources = [source for line in copied for source in line.split()[:-1]]
    assert sources
    for source in sources:
        assert (REPOSITORY / source).exists(), source
        assert source == "." or source.split("/")[0] in allowed, source


def test_the_layer_of_the_jars_holds_the_code_that_fetches_them(tmp_path: Path) -> None:
    stage = DOCKERFILE[
        DOCKERFILE.index("AS jars") : DOCKERFILE.index("RUN cd /build && python -m ecommerce.services.fetch")
    ]
    for line in re.findall(r"^COPY (.*)$", stage, re.MULTILINE):
        *sources, target = line.split()
        folder = tmp_path / target.removeprefix("/build/")
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            shutil.copy(REPOSITORY / source, folder)
    code = "import ecommerce.services.fetch as fetch; print(fetch.__file__)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.stdout.strip() == str(tmp_path / "ecommerce/services/fetch.py"), done.stderr


def test_the_image_runs_as_nobody_in_particular_and_its_layers_change_in_order() -> None:
    last = final_stage(DOCKERFILE)
    assert ("USER", "10001:10001") in last
    stages = ("COPY requirements.lock", "COPY --from=packages", "COPY --from=jars", "COPY --from=project")
    assert [*sorted(map(DOCKERFILE.index, stages))] == [*map(DOCKERFILE.index, stages)]
    assert all("latest" not in line for line in re.findall(r"^FROM .*", DOCKERFILE, re.MULTILINE))
    assert image_environment(DOCKERFILE)["HADOOP_CONF_DIR"] == "/app/deployments/docker/hadoop"


def test_the_image_leaves_out_what_only_developers_need() -> None:
    entries = of_the_image("lock_entries")
    lock = (REPOSITORY / "requirements.lock").read_text()
    assert names_of(entries.build_entries(lock)) == entries.BACKEND
    installed = names_of(entries.runtime_entries(lock))
    assert {"prefect", "pyspark", "panel", "pymongo", "pillow"} <= installed
    assert not {"pytest", "playwright", "mypy", "ruff", "hypothesis", "fonttools"} & installed
    assert installed == names_of(lock) - entries.OF_ONE_MACHINE and names_of(lock) > entries.OF_ONE_MACHINE


def test_what_developers_add_is_of_the_versions_that_run() -> None:
    locks = [(REPOSITORY / name).read_text() for name in ("requirements.lock", "requirements-dev.lock")]
    assert {"pytest", "playwright", "ruff"} <= names_of(locks[1]) and not names_of(locks[0]) & names_of(locks[1])


def test_the_image_leaves_out_tests_of_packages_source_maps_and_jars_that_nothing_uses(tmp_path: Path) -> None:
    jars = "pyspark/jars"
    removed = {"panel/tests/ui/x.py", "pandas/tests/x.py", "panel/dist/panel.js.map", "pyarrow/include/arrow/api.h",
               f"{jars}/rocksdbjni-9.8.4.jar", f"{jars}/kubernetes-client-7.4.1.jar",
               f"{jars}/netty-codec-native-quic-4.2.7.Final-osx-x86_64.jar"}  # fmt: skip
    kept = {"numpy/testing/x.py", "panel/dist/panel.js", "pyarrow/lib.so", f"{jars}/spark-core_2.13-4.1.4.jar",
            f"{jars}/netty-codec-native-quic-4.2.7.Final-linux-x86_64.jar", "prefect/testing/x.py"}  # fmt: skip
    for name in removed | kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1234")
    assert sum(of_the_image("trim").trim(tmp_path).values()) == 4 * len(removed)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == kept


def of_the_image(name: str) -> Any:
    """A script that builds the image, as a module."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "deployments" / "docker" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names_of(entries: str) -> set[str]:
    """The packages of entries of a lock, each of which has its hashes."""
    assert all("--hash=" in entry for entry in re.split(r"\n(?=\S)", entries.strip()))
    return {Requirement(entry).name for entry in re.findall(r"^([\w.\[\]-]+)==", entries, re.MULTILINE)}


@pytest.mark.parametrize("script", sorted((REPOSITORY / "deployments" / "docker").glob("*.sh")), ids=lambda it: it.name)
def test_the_scripts_are_sound_shell(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text()
