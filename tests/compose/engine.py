"""A stand-in for the Docker engine, for machines without one: namespaces, bridges, an overlay of this machine's root.

Each service gets what the compose file says: network interfaces on the networks that it names and on no other, the
hosts that it may know, its volumes, a read-only root, its user, no capabilities, exactly its environment. What images
bring is this machine's: our own image is laid out by the Dockerfile's last stage from the repository and its .venv;
mongod, Postgres and Redis are the installed ones.
"""

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from ecommerce.java import java_home
from ecommerce.services.mongod import find_mongod
from ecommerce.settings import Settings
from tests.compose.compose_file import REPOSITORY, Service, final_stage, image_environment

DOCKERFILE = REPOSITORY / "deployments" / "Dockerfile"
CHROOT, IP = shutil.which("chroot") or "/usr/sbin/chroot", shutil.which("ip") or "/usr/sbin/ip"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)

_POSTGRES = """
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") --auth=scram-sha-256 "$PGDATA"
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
"""
"""What the entrypoint of the Postgres image does."""


LOOK_SECONDS = 2
"""Between two looks at what is not ready: each costs processes, twice a second half of the processor."""


class Engine:
    """Runs services of a compose file until `close`, which ends every process that it started."""

    def __init__(self, services: Mapping[str, Service], directory: Path) -> None:
        self.services = services
        self.directory = directory
        self.root = directory / "root"
        self.unhidden = directory / "unhidden"
        """The same root, without what services mount over it."""
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ready: set[str] = set()
        self._networks: dict[str, int] = {}
        """Process that holds a service's network namespace."""
        # Everything lives in one process namespace: when its first process is killed, the kernel kills the rest.
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sleep", "infinity"]
        )
        self._first = _child_of(self._holder.pid)
        names = sorted({network for service in services.values() for network in service.networks})
        self._network_numbers = {name: number for number, name in enumerate(names, 1)}
        self._addresses = {name: number for number, name in enumerate(services, 2)}
        numbers = self._network_numbers.values()
        try:
            self._lay_out_root()
            self._shell([f"{IP} link add br-{n} type bridge && {IP} link set br-{n} up" for n in numbers], "--net")
        except BaseException:
            self.close()
            raise

    def up(self, timeout_seconds: float = 300) -> None:
        """Start every service without a profile as soon as what it depends on is ready; return when all are."""
        deadline = time.monotonic() + timeout_seconds
        wanted = [service for service in self.services.values() if not service.profiles]
        while unready := [service for service in wanted if service.name not in self._ready]:
            if time.monotonic() > deadline:
                names = ", ".join(service.name for service in unready)
                raise TimeoutError(f"not ready in {timeout_seconds:.0f} s: {names}{self.last_words(unready[0].name)}")
            for service in unready:
                if service.name not in self.processes:
                    if service.depends_on.keys() <= self._ready:
                        self.start(service.name)
                elif self._is_ready(service):
                    self._ready.add(service.name)
            time.sleep(LOOK_SECONDS)

    def start(self, name: str) -> None:
        """Start one service, or start it again."""
        service = self.services[name]
        command = list(service.command)
        if service.image.startswith("postgres:"):
            command = ["bash", "-c", _POSTGRES]
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._command(service, command),
                env=self._environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """kill -9 of a service and all of its processes, as a power cut of its container would."""
        started = self.processes.pop(name)
        if started.poll() is None:
            for process in psutil.Process(started.pid).children(recursive=True):
                process.kill()
        started.wait()
        self._ready.discard(name)

    def execute(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a command beside a service, with its environment and place: `docker compose exec`. Returns its output."""
        done = subprocess.run(
            self._command(self.services[name], command),
            env=self._environment(self.services[name]) | dict(environment or {}),
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {shlex.join(command)}: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    def is_healthy(self, name: str) -> bool:
        """The service's own health check."""
        service = self.services[name]
        running = name in self.processes and self.processes[name].poll() is None
        return running and self._try(service, service.healthcheck)

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def last_words(self, name: str) -> str:
        log = self.log(name)
        return f"; {log}:\n" + log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()
        for process in self.processes.values():
            process.wait()

    def _is_ready(self, service: Service) -> bool:
        """Healthy; without a health check, running; for what runs once, ended well. Raises where it ended badly."""
        code = self.processes[service.name].poll()
        runs_once = any(
            other.depends_on.get(service.name) == "service_completed_successfully" for other in self.services.values()
        )
        if code is not None and (code != 0 or not runs_once):
            raise RuntimeError(f"{service.name} ended with code {code}{self.last_words(service.name)}")
        if runs_once:
            return code == 0
        return self.is_healthy(service.name) if service.healthcheck else True

    def _environment(self, service: Service) -> dict[str, str]:
        ours = image_environment(DOCKERFILE.read_text()) if service.is_ours else {}
        # Ten JVMs boot on the two cores of a small machine: the first compiler alone is what makes that bearable.
        machine = {"PATH": f"{POSTGRES}:/usr/local/bin:/usr/bin:/bin", "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
        return machine | ours | dict(service.environment)

    def _command(self, service: Service, command: Sequence[str]) -> list[str]:
        """The command in the service's place. Its environment is for the caller to give, as arguments can be seen."""
        user, group = service.user
        confined = [
            CHROOT, str(self.root), "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups",
            "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
            "sh", "-c", f"cd {'/app' if service.is_ours else '/'} && exec \"$@\"", "sh", *command,
        ]  # fmt: skip
        script = [f"hostname {service.hostname}", *self._mounts(service), f"exec {shlex.join(confined)}"]
        return [
            "nsenter", f"--target={self._first}", "--mount", "--pid", f"--net=/proc/{self._network_of(service)}/ns/net",
            "unshare", "--mount", "--uts", "bash", "-ec", "\n".join(script),
        ]  # fmt: skip

    def _mounts(self, service: Service) -> list[str]:
        """Shell lines that make the root read-only and mount the service's own directories into it."""
        root = self.root
        lines = [f"mount --bind {root} {root}", f"mount -o remount,bind,ro {root}"]
        lines += [f"mount --rbind /{name} {root}/{name}" for name in ("proc", "dev")]
        lines += [
            f"mount -t tmpfs -o {_options(one)} tmpfs {self._place(one.partition(':')[0])}" for one in service.tmpfs
        ]
        # Where the checkout or the cache is below /tmp, the service's own /tmp has hidden them.
        places = [one.partition(":")[0] for one in service.tmpfs]
        for needed in (Path(sys.prefix), Path(sys.base_prefix), Settings().cache):
            if any(needed.is_relative_to(place) for place in places):
                lines.append(f"mkdir -p {root}{needed} && mount --bind {self.unhidden}{needed} {root}{needed}")
        for source, target, read_only in service.volumes:
            place = REPOSITORY / source if "/" in source else self._volume(source, service.user)
            # A volume within a volume: the engine makes the place.
            lines += [f"mkdir -p {self._place(target)}"] * (not read_only)
            lines.append(f"mount --bind {place} {self._place(target)}")
            lines += [f"mount -o remount,bind,ro {self._place(target)}"] * read_only
        hosts = self.directory / f"{service.name}.hosts"
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for n, a in self._known_hosts(service).items()))
        return [*lines, f"mount --bind {hosts} {root}/etc/hosts"]

    def _place(self, target: str) -> Path:
        """Where a path of the container is; an absolute link on the way (/var/run) must not lead out of it."""
        return self.root / str(Path(target).resolve()).lstrip("/")

    def _volume(self, name: str, owner: tuple[int, int]) -> Path:
        """A named volume: at first it takes over the owner of the image's directory, which is the service's user."""
        place = self.directory / "volumes" / name
        if not place.exists():
            place.mkdir(parents=True)
            shutil.chown(place, *owner)
        return place

    def _known_hosts(self, service: Service) -> dict[str, str]:
        owner = self.services[service.network_of] if service.network_of else service
        return {
            other.name: self._address(other, shared[0])
            for other in self.services.values()
            if (shared := [network for network in owner.networks if network in other.networks])
        }

    def _address(self, service: Service, network: str) -> str:
        return f"10.89.{self._network_numbers[network]}.{self._addresses[service.name]}"

    def _network_of(self, service: Service) -> int:
        """The process whose network is the service's; made at the first call."""
        if service.network_of:
            service = self.services[service.network_of]
        if service.name in self._networks:
            return self._networks[service.name]
        holder = subprocess.Popen(
            ["nsenter", f"--target={self._first}", "--mount", "--pid", "--net", "unshare", "--net", "sleep", "infinity"]
        )
        pid = _child_of(holder.pid, unlike=self._first)
        lines = [f"nsenter --net=/proc/{pid}/ns/net {IP} link set lo up"]
        for place, network in enumerate(service.networks):
            number, address = self._network_numbers[network], self._address(service, network)
            link = f"v{number}-{self._addresses[service.name]}"
            lines += [
                f"{IP} link add {link} type veth peer name eth{place} netns {pid}",
                f"{IP} link set {link} master br-{number} up",
                f"nsenter --net=/proc/{pid}/ns/net {IP} addr add {address}/24 dev eth{place}",
                f"nsenter --net=/proc/{pid}/ns/net {IP} link set eth{place} up",
            ]
        self._shell(lines, "--net")
        self._networks[service.name] = pid
        return pid

    def _lay_out_root(self) -> None:
        """This machine's root with the images' directories on top; what is written to it stays in memory."""
        layers, root, settings = self.directory / "layers", self.root, Settings()
        for directory in (layers, root, self.unhidden):
            directory.mkdir()
        virtual = Path(sys.prefix)
        lines = [
            f"mount -t tmpfs -o size=1g tmpfs {layers}",
            f"mkdir {layers}/upper {layers}/work",
            f"mount -t overlay overlay -o lowerdir=/,upperdir={layers}/upper,workdir={layers}/work {root}",
            f"mount --bind {root} {self.unhidden}",
            f"ln -s {virtual} {root}/opt/venv",
            f"ln -s {settings.cache} {root}/opt/ecommerce-cache",
            f"ln -s {java_home(settings)} {root}/opt/java",
            f"ln -sf {find_mongod()} {root}/usr/local/bin/mongod",
            f"mkdir -p {root}/app {root}/opt/pipeline && touch {root}/opt/pipeline/mongo.sh",
            # What Debian's packages and images call the users whose ids the file names.
            f"echo postgres-70:x:70:70::/:/bin/sh >> {root}/etc/passwd",
            f"cp -r {self._prefect_redis()}/. {root}{virtual}/lib/python{VERSION}/site-packages/",
        ]
        # A home directory of root's is closed to others; in the image nothing lies there.
        for place in (virtual, Path(sys.base_prefix), settings.cache):
            lines += [f"chmod o+x {root}{parent}" for parent in (place, *place.parents)]
        targets = [target for one in self.services.values() for _, target, read_only in one.volumes if not read_only]
        targets += [tmpfs.partition(":")[0] for one in self.services.values() for tmpfs in one.tmpfs]
        lines += [f"mkdir -p {self._place(target)}" for target in targets]
        for instruction, rest in final_stage(DOCKERFILE.read_text()):
            if instruction == "RUN":
                lines.append(f"{CHROOT} {root} sh -c {shlex.quote(rest.replace('python3.11', f'python{VERSION}'))}")
            elif instruction == "COPY" and "--from" not in rest:
                source, target = rest.split()[-2:]
                lines.append(f"cp -r {REPOSITORY / source} {root / 'app' / target}")
        self._shell(lines, "--mount", "--pid")

    def _prefect_redis(self) -> Path:
        """The packages that the image has beside the lock, installed as the Dockerfile installs them."""
        place = self.directory / "packages"
        requirements = REPOSITORY / "deployments" / "docker" / "requirements.txt"
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
             "--target", str(place), "-r", str(requirements)],
            check=True,
        )  # fmt: skip
        return place

    def _shell(self, lines: Sequence[str], *namespaces: str) -> None:
        """Run shell lines in the engine's own namespaces. Raises with what they said where one fails."""
        done = subprocess.run(
            ["nsenter", f"--target={self._first}", *namespaces, "bash", "-ec", "\n".join(lines)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{done.stderr or done.stdout}\nin:\n" + "\n".join(lines))

    def _try(self, service: Service, command: Sequence[str]) -> bool:
        done = subprocess.run(
            self._command(service, command),
            env=self._environment(service),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return done.returncode == 0


def _child_of(pid: int, unlike: int | None = None) -> int:
    """The first child of a process, once it is in another network than this process (and than `unlike`)."""
    others = {_network(one) for one in ("self", unlike) if one}
    while not (children := psutil.Process(pid).children()) or _network(children[0].pid) in others:
        time.sleep(0.01)
    return children[0].pid


def _network(pid: int | str | None) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _options(tmpfs: str) -> str:
    """Mount options of a compose file's `tmpfs` entry; Docker's own are noexec, nosuid, nodev."""
    options = tmpfs.partition(":")[2]
    return ",".join(
        ["nosuid", "nodev", *(["noexec"] if "exec" not in options.split(",") else []), *([options] if options else [])]
    )
