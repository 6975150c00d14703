"""Images for a machine that reaches no registry of images, from Debian's packages and the mongod of its wheel.

Only what cannot be pulled is made here, under the names that Dockerfile and compose file use. Each image is one Debian
with the servers; what it does comes by the entrypoint. Our own image is never one of these.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from ecommerce.services.mongod import find_mongod
from tests.compose.compose_file import COMPOSE_FILE, REPOSITORY

COMPOSE_MODULE = "github.com/docker/compose/v2 v2.40.3"
GO_BUILD = 'export GOFLAGS=-mod=mod; go mod tidy -e; go build -o "$1" github.com/docker/compose/v2/cmd'

PACKAGES = ("ca-certificates", "libcurl4", "postgresql", "python3", "python3-pip", "python3-venv", "redis-server")
CERTIFICATES = Path("/usr/local/share/ca-certificates")
"""What this machine trusts beside Debian's own, as its network may need."""

POSTGRES = """#!/bin/bash
# What the entrypoint of the Postgres image does.
set -e
export PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") --auth=scram-sha-256 "$PGDATA"
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
"""

PREPARE = """
set -e
ln -sf python3 /usr/bin/python
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED /etc/resolv.conf
ln -s /usr/lib/postgresql/*/bin/pg_isready /usr/local/bin/pg_isready
update-ca-certificates >/dev/null
# Whom the compose file names by number.
echo postgres-70:x:70:70::/var/lib/postgresql:/bin/sh >> /etc/passwd
mkdir -p /data/db /data/configdb /var/lib/postgresql/data
chown 999:1000 /data
chown 999:999 /data/db /data/configdb
chown 70:70 /var/lib/postgresql/data
rm -rf /var/cache/apt/archives/*.deb
"""


def wanted_images(profiles: set[str]) -> list[str]:
    """Every image that is not ours and that the Dockerfile or a service of these profiles names."""
    services = yaml.safe_load(COMPOSE_FILE.read_text())["services"].values()
    images = {body["image"] for body in services if set(body.get("profiles", [])) <= profiles and "build" not in body}
    dockerfile = (REPOSITORY / "deployments" / "Dockerfile").read_text()
    images |= set(re.findall(r"^FROM (\S+:\S+)", dockerfile, re.MULTILINE))
    return sorted(image for image in images if not image.startswith("ecommerce-pipeline"))


def make_images(environment: Mapping[str, str], images: Sequence[str], directory: Path) -> list[str]:
    """Pull each image where it is not there yet, and make those that cannot be pulled; returns the names of these."""

    def can(*command: str) -> bool:
        return subprocess.run(["docker", *command], env=environment, capture_output=True, check=False).returncode == 0

    made = [image for image in images if not can("image", "inspect", image) and not can("pull", image)]
    for image in made:
        changes = ["ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        if image.startswith("postgres:"):
            changes.append('ENTRYPOINT ["/usr/local/bin/postgres-entrypoint"]')
        options = [part for change in changes for part in ("--change", change)]
        with debian(directory).open("rb") as layer:
            command = ["docker", "import", *options, "-", image]
            subprocess.run(command, env=environment, stdin=layer, capture_output=True, check=True)
    return made


def debian(directory: Path) -> Path:
    """A Debian with the servers, as a tar file. Made in a minute and a half. Raises where debootstrap is missing."""
    archive = directory / "debian.tar"
    if archive.exists():
        return archive
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
    entrypoint = root / "usr/local/bin/postgres-entrypoint"
    entrypoint.write_text(POSTGRES)
    entrypoint.chmod(0o755)
    subprocess.run(["chroot", str(root), "sh", "-c", PREPARE], check=True, capture_output=True)
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    shutil.rmtree(root)
    return archive
