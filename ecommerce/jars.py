"""The jars that PyPI does not carry, fetched once into the cache: HDFS's daemons, Iceberg, its catalog's drivers.

Maven fetches them where it is installed, since it knows the machine's mirrors and credentials; else Apache Ivy, whose
jar PySpark ships. Both use their own default repository unless they are configured otherwise.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement

from ecommerce.errors import ServiceError

FETCH_TIMEOUT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar by its Maven coordinates, and what it must hash to."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


HADOOP_DAEMONS = Jar(
    "org.apache.hadoop",
    "hadoop-client-minicluster",
    "3.4.2",
    "ae2406c544825b7734b8aad4f87eff60d9ec422284f0b16c2856032083b63c77",
)
"""NameNode and DataNode, shaded; the client that it needs beside it is the one in PySpark, of the same version."""

ICEBERG = Jar(
    "org.apache.iceberg",
    "iceberg-spark-runtime-4.1_2.13",
    "1.12.0",
    "3123c3798af642dd537230923548e013ef41cc28b6626e5225808cf5670a0f82",
)
SQLITE = Jar(
    "org.xerial", "sqlite-jdbc", "3.50.3.0", "a3f53a2aa15ae9425a9e793bbe9c8e5288febeb4b65ef5c1a4e80d4c2045cf08"
)
POSTGRES = Jar(
    "org.postgresql", "postgresql", "42.7.8", "2a32a9dcbc42d67a50ad3a0de5efd102c8d2be46720045f2cbd6689f160ab7c7"
)
ARCHIVE_JARS = (ICEBERG, SQLITE, POSTGRES)
"""What Spark needs for the archive's table: Iceberg for its version, and drivers of the catalog's databases."""

# What the daemons load from PySpark's own jars: the Hadoop client and logging. Spark itself stays out of their way.
_PYSPARK_PATTERNS = ("hadoop-client-*.jar", "slf4j-api-*.jar", "log4j-*.jar", "jcl-over-slf4j-*.jar")


def hadoop_jars(cache: Path, java_home: Path | None = None) -> list[Path]:
    """The jars that run HDFS daemons and the HDFS shell. Raises ServiceError where the jar cannot be fetched."""
    jars = fetch_jars((HADOOP_DAEMONS,), cache, java_home)
    return jars + [path for pattern in _PYSPARK_PATTERNS for path in sorted(_pyspark_jars().glob(pattern))]


def archive_jars(cache: Path, java_home: Path | None = None) -> list[Path]:
    """The jars that Spark's class path needs for the archive. Raises ServiceError where one cannot be fetched."""
    return fetch_jars(ARCHIVE_JARS, cache, java_home)


def missing_jars(cache: Path) -> list[str]:
    """File names of the jars that are not in the cache yet."""
    return [jar.file_name for jar in (HADOOP_DAEMONS, *ARCHIVE_JARS) if not _place(cache, jar).exists()]


def fetch_jars(jars: Sequence[Jar], cache: Path, java_home: Path | None = None) -> list[Path]:
    """Paths of the jars in the cache. What is missing is fetched, by one process at a time, checked and moved in."""
    places = [_place(cache, jar) for jar in jars]
    if all(place.exists() for place in places):
        return places
    with _alone(cache):
        missing = [jar for jar in jars if not _place(cache, jar).exists()]
        if missing:
            _fetch(missing, cache, java_home)
    return places


def _place(cache: Path, jar: Jar) -> Path:
    return cache.expanduser().absolute() / "jars" / jar.file_name


def _pyspark_jars() -> Path:
    # find_spec does not import PySpark, which would take a second.
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ServiceError("PySpark is not installed in this environment: run `make install`")
    return Path(spec.origin).parent / "jars"


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    directory = cache.expanduser().absolute() / "jars"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / ".lock").open("w")
    except OSError as error:
        raise ServiceError(f"the cache {directory} cannot be written ({error.strerror}): set ECOMMERCE_CACHE") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(jars: Sequence[Jar], cache: Path, java_home: Path | None) -> None:
    names = ", ".join(jar.file_name for jar in jars)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache.expanduser().absolute() / "jars") as scratch:
        directory = Path(scratch)
        maven = shutil.which("mvn")
        attempts = {"Maven": _maven_command(maven, jars, directory)} if maven else {}
        attempts["Ivy"] = _ivy_command(java_home, jars, directory)
        problems = []
        for tool, command in attempts.items():
            problem = _run(command, java_home)
            if problem is None:
                break
            problems.append(f"{tool}: {problem}")
        else:
            raise ServiceError(
                f"{names} cannot be fetched ({'; '.join(problems)}): "
                f"connect to the network once, or put the files into {cache / 'jars'}"
            )
        for jar in jars:
            _take(directory / jar.file_name, jar, cache)


def _take(fetched: Path, jar: Jar, cache: Path) -> None:
    """Move a fetched jar into the cache, whole and checked."""
    if not fetched.exists():
        raise ServiceError(f"{jar.file_name} was not among what was fetched: check the settings of Maven or Ivy")
    with fetched.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != jar.sha256:
            raise ServiceError(
                f"{jar.file_name} was fetched with sha256 {digest}, not {jar.sha256}: "
                "it was changed on the way; check the mirror that Maven or Ivy uses"
            )
        os.fsync(content.fileno())
    fetched.replace(_place(cache, jar))


def _run(command: Sequence[str], java_home: Path | None) -> str | None:
    """Run a fetching tool; None where it succeeded, else the line that says best why it did not."""
    environment = dict(os.environ) | ({"JAVA_HOME": str(java_home)} if java_home else {})
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_SECONDS,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return str(error)
    except subprocess.TimeoutExpired:
        return f"no answer in {FETCH_TIMEOUT_SECONDS} s"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR" in line or "not found" in line or "Exception" in line]
    return (telling or lines or [f"exit code {done.returncode}"])[0][:300]


def _maven_command(maven: str, jars: Sequence[Jar], directory: Path) -> list[str]:
    project = Element("project")
    for tag, text in (("modelVersion", "4.0.0"), ("groupId", "local"), ("artifactId", "jars"), ("version", "1")):
        SubElement(project, tag).text = text
    dependencies = SubElement(project, "dependencies")
    for jar in jars:
        dependency = SubElement(dependencies, "dependency")
        for tag, text in (("groupId", jar.group), ("artifactId", jar.artifact), ("version", jar.version)):
            SubElement(dependency, tag).text = text
        exclusion = SubElement(SubElement(dependency, "exclusions"), "exclusion")
        SubElement(exclusion, "groupId").text = "*"
        SubElement(exclusion, "artifactId").text = "*"
    pom = directory / "pom.xml"
    ElementTree(project).write(pom)
    return [
        maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
        f"-DoutputDirectory={directory}", "-Dmdep.useBaseVersion=true",
    ]  # fmt: skip


def _ivy_command(java_home: Path | None, jars: Sequence[Jar], directory: Path) -> list[str]:
    module = Element("ivy-module", version="2.0")
    SubElement(module, "info", organisation="local", module="jars")
    dependencies = SubElement(module, "dependencies")
    for jar in jars:
        SubElement(
            dependencies,
            "dependency",
            org=jar.group, name=jar.artifact, rev=jar.version, transitive="false", conf="default",
        )  # fmt: skip
    description = directory / "ivy.xml"
    ElementTree(module).write(description)
    ivy = next(iter(sorted(_pyspark_jars().glob("ivy-*.jar"))), None)
    if ivy is None:
        raise ServiceError(f"PySpark's jar directory {_pyspark_jars()} has no Ivy: run `make install` again")
    return [
        str(java_home / "bin" / "java") if java_home else "java", "-jar", str(ivy), "-ivy", str(description),
        "-cache", str(directory / "ivy-cache"), "-retrieve", str(directory / "[artifact]-[revision].[ext]"),
    ]  # fmt: skip
