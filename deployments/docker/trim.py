"""Remove from the installed packages what no container uses, 220 MB: `trim.py SITE_PACKAGES`. Says what each kind had.

Tests of packages, source maps of JavaScript, headers, and jars of PySpark for what this project does not do: streaming
with RocksDB, the Spark Connect server, Kubernetes, and native libraries of other systems.
"""

import re
import shutil
import sys
from pathlib import Path

FOLDERS = {"tests of packages": r".*/(tests|test)", "headers": r"pyarrow/(include|src)"}
FILES = {
    "source maps": r".*\.map",
    "jars": r"pyspark/jars/(rocksdbjni|spark-connect_|spark-kubernetes_|kubernetes-|vertx-).*\.jar",
    "native jars of other systems": r"pyspark/jars/.*-(osx|windows)-.*\.jar",
}


def trim(packages: Path) -> dict[str, int]:
    """Bytes that were removed, by kind."""
    removed = dict.fromkeys([*FOLDERS, *FILES], 0)
    for path in sorted(packages.rglob("*")):
        name = path.relative_to(packages).as_posix()
        if path.is_dir():
            for kind, pattern in FOLDERS.items():
                if re.fullmatch(pattern, name):
                    removed[kind] += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
                    shutil.rmtree(path)
        elif path.is_file():
            for kind, pattern in FILES.items():
                if re.fullmatch(pattern, name):
                    removed[kind] += path.stat().st_size
                    path.unlink()
    return removed


if __name__ == "__main__":
    for kind, size in trim(Path(sys.argv[1])).items():
        print(f"{kind}: {size / 1e6:.0f} MB")
