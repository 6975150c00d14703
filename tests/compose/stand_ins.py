"""Images for a machine that reaches no registry of images, from Debian's packages and the mongod of its wheel.

Only what cannot be pulled is made here, under the names that Dockerfile and compose file use. All of them are one
Debian with the servers, imported once; they differ by their entrypoint. Our own image is never one of these.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ecommerce.services.mongod import find_mongod
from tests.compose.compose_file import COMPOSE_FILE, REPOSITORY
from tests.compose.go_programs import mongodump, mongorestore

PACKAGES = (
    "ca-certificates", "libcurl4", "postgresql", "prometheus", "python3", "python3-pip", "python3-venv", "redis-server",
    "wget",
)  # fmt: skip
CERTIFICATES = Path("/usr/local/share/ca-certificates")
"""What this machine trusts beside Debian's own, as its network may need."""

POSTGRES = """#!/bin/bash
# What the entrypoint of the Postgres image does.
set -e
export PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") \\
        --auth-local=trust --auth-host=scram-sha-256 "$PGDATA"
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
"""

ENTRYPOINTS = {
    "postgres": ["/usr/local/bin/postgres-entrypoint"],
    "prom/prometheus": ["/usr/bin/prometheus", "--web.console.templates=", "--web.console.libraries="],
}
"""What the images of these names run their command with."""

PREPARE = """
set -e
ln -sf python3 /usr/bin/python
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED /etc/resolv.conf
ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
update-ca-certificates >/dev/null
# Whom the compose file names by number.
echo postgres-70:x:70:70::/var/lib/postgresql:/bin/sh >> /etc/passwd
mkdir -p /data/db /data/configdb /var/lib/postgresql/data /prometheus
chown 999:1000 /data
chown 999:999 /data/db /data/configdb
chown 70:70 /var/lib/postgresql/data
chown 65534:65534 /prometheus
rm -rf /var/cache/apt/archives/*.deb
"""


def wanted_images(profiles: set[str]) -> list[str]:
    """Every image that is not ours and that the Dockerfile or a service of these profiles names."""
    services = yaml.safe_load(COMPOSE_FILE.read_text())["services"].values()
    images = {body["image"] for body in services if set(body.get("profiles", [])) <= profiles and "build" not in body}
    dockerfile = (REPOSITORY / "deployments" / "Dockerfile").read_text()
    images |= set(re.findall(r"^FROM (\S+:\S+)", dockerfile, re.MULTILINE))
    return sorted(image for image in images if not image.startswith("ecommerce-pipeline"))


def make_images(environment: Mapping[str, str], images: Sequence[str], directory: Path, cache: Path) -> list[str]:
    """Pull each image where it is not there yet, and make those that cannot be pulled; returns the names of these."""

    def docker(*command: str, **given: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["docker", *command], env=environment, capture_output=True, check=False, **given)

    def is_there(image: str) -> bool:
        return any(docker(*command, image).returncode == 0 for command in (("image", "inspect"), ("pull",)))

    made = [image for image in images if not is_there(image)]
    if not made:
        return []
    path = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    change = f"ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt {path}"
    with debian(directory, cache).open("rb") as layer:
        base = docker("import", "--change", change, "-", stdin=layer).stdout.decode().strip()
    for image in made:
        entrypoint = json.dumps(ENTRYPOINTS.get(image.partition(":")[0], []))
        dockerfile = f"FROM {base}\nENTRYPOINT {entrypoint}\n"
        built = docker("build", "--tag", image, "-", input=dockerfile.encode())
        if built.returncode != 0:
            raise RuntimeError(f"{image}: {built.stderr.decode()[-2000:]}")
    return made


def remove_images(environment: Mapping[str, str], made: Sequence[str]) -> None:
    """Take away what `make_images` made, with the Debian that they share."""
    if made:
        asked = ["docker", "image", "inspect", "--format", "{{.Parent}}", made[0]]
        base = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.strip()
        names = [*made, *([base] if base else [])]
        subprocess.run(["docker", "image", "rm", "--force", *names], env=environment, capture_output=True, check=False)


def debian(directory: Path, cache: Path) -> Path:
    """A Debian with the servers, as a tar file in the cache; a minute and a half the first time.

    Raises RuntimeError where debootstrap is missing.
    """
    parts = "\n".join((*PACKAGES, PREPARE, POSTGRES, str(find_mongod().stat().st_size)))
    archive = cache / f"debian-{hashlib.sha256(parts.encode()).hexdigest()[:12]}.tar"
    if archive.exists():
        return archive
    for old in cache.glob("debian-*.tar*"):
        old.unlink()
    if shutil.which("debootstrap") is None or os.getuid() != 0:
        raise RuntimeError("no registry of images answers, and none can be made: as root, install debootstrap")
    root = directory / "debian"
    root.mkdir(parents=True)
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", str(root)],
        check=True,
        capture_output=True,
    )
    for certificate in CERTIFICATES.glob("*.crt"):
        shutil.copy(certificate, root / CERTIFICATES.relative_to("/"))
    shutil.copy(find_mongod(), root / "usr/local/bin/mongod")
    (root / "usr/local/bin/mongod").chmod(0o755)
    for program in (mongodump(cache), mongorestore(cache)):
        shutil.copy(program, root / "usr/local/bin")
    entrypoint = root / "usr/local/bin/postgres-entrypoint"
    entrypoint.write_text(POSTGRES)
    entrypoint.chmod(0o755)
    subprocess.run(["chroot", str(root), "sh", "-c", PREPARE], check=True, capture_output=True)
    unfinished = archive.with_suffix(".tar.new")
    subprocess.run(["tar", "-C", str(root), "-cf", str(unfinished), "."], check=True)
    unfinished.rename(archive)
    shutil.rmtree(root)
    return archive
