"""Programs that a machine without a registry of images lacks, each built from its Go module once."""

import subprocess
from pathlib import Path

COMPOSE = ("github.com/docker/compose/v2 v2.40.3", "cmd")
MONGO_TOOLS = "github.com/mongodb/mongo-tools v0.0.0-20240723193119-837c2bc263f4"

GO_BUILD = 'export GOFLAGS=-mod=mod; go mod tidy -e; go build -trimpath -ldflags=-s -o "$1" "$2"'


def docker_compose(cache: Path) -> Path:
    """Two minutes, once."""
    return _built(cache / "docker-compose", *COMPOSE)


def mongodump(cache: Path) -> Path:
    return _built(cache / "mongodump", MONGO_TOOLS, "mongodump/main")


def mongorestore(cache: Path) -> Path:
    return _built(cache / "mongorestore", MONGO_TOOLS, "mongorestore/main")


def _built(program: Path, module: str, package: str) -> Path:
    """The program, built where it is not in the cache. Raises RuntimeError with what the compiler said."""
    if program.exists():
        return program
    folder = program.with_name(f"{program.name}-module")
    folder.mkdir(parents=True, exist_ok=True)
    path = f"{module.partition(' ')[0]}/{package}"
    (folder / "go.mod").write_text(f"module built.local\ngo 1.24\nrequire {module}\n")
    # Names the package, so that `go mod tidy` keeps what it needs.
    (folder / "needed.go").write_text(f'package built\n\nimport _ "{path}"\n')
    done = subprocess.run(
        ["bash", "-ec", GO_BUILD, "bash", str(program), path], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program.name} cannot be built from {module}: {done.stderr[-2000:]}")
    return program
