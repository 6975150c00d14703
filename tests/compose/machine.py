"""What Docker leaves on a machine: looked at before and after a drill, and taken away after an engine of our own."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

ENGINE_PROCESSES = ("dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "docker-proxy")

FIREWALLS = ("iptables", "ip6tables")

_OBJECTS = {
    "images": ["image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"],
    "containers": ["container", "ls", "--all", "--format", "{{.Names}}"],
    "networks": ["network", "ls", "--format", "{{.Name}}"],
    "volumes": ["volume", "ls", "--format", "{{.Name}}"],
}


def state(*, pulled: Sequence[str] = ()) -> dict[str, set[str]]:
    """All that a drill could leave, by kind; `pulled` are images of others that an engine keeps for the next time."""
    found = {
        "processes": {f"{one.pid} {one.name()}" for one in psutil.process_iter() if one.name() in ENGINE_PROCESSES},
        "mounts": {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()},
        "links": {path.name for path in Path("/sys/class/net").iterdir()},
        "firewall": {line for rules in firewall().values() for line in _rules(rules)},
        "forwarding": {Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()},
    }
    if shutil.which("docker"):
        for kind, command in _OBJECTS.items():
            listed = subprocess.run(["docker", *command], capture_output=True, text=True, check=False)
            found[kind] = set(listed.stdout.splitlines()) if listed.returncode == 0 else set()
        found["images"] = {line for line in found["images"] if line.split()[0] not in pulled}
    return found


def left(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, list[str]]:
    """What is there now and was not before, and what was there and is not, by kind."""
    changed = {kind: sorted(before.get(kind, set()) ^ after[kind]) for kind in after}
    return {kind: things for kind, things in changed.items() if things}


def firewall() -> dict[str, str]:
    """The rules by program, as it saves them; empty where it is not installed."""
    return {
        program: subprocess.run([f"{program}-save"], capture_output=True, text=True, check=True).stdout
        for program in FIREWALLS
        if shutil.which(f"{program}-save")
    }


def put_back_firewall(saved: dict[str, str]) -> None:
    """The rules as they were. A table that did not exist then is emptied: restoring alone would leave it as it is."""
    now = firewall()
    for program, rules in saved.items():
        for table in set(_tables(now[program])) - set(_tables(rules)):
            for flag in ("--flush", "--delete-chain"):
                subprocess.run([program, "--table", table, flag], check=True, capture_output=True)
            for chain in re.findall(r"^:([A-Z]+) DROP", _tables(now[program])[table], re.MULTILINE):
                subprocess.run([program, "--table", table, "--policy", chain, "ACCEPT"], check=True)
        if rules:
            subprocess.run([f"{program}-restore"], input=rules, text=True, check=True)


def _tables(rules: str) -> dict[str, str]:
    return dict(re.findall(r"^\*(\w+)\n(.*?)^COMMIT", rules, re.MULTILINE | re.DOTALL))


def _rules(rules: str) -> set[str]:
    """Chains with their policies, and rules, without counters. An empty chain that lets all through is none."""
    found = set()
    for table, content in _tables(rules).items():
        for line in content.splitlines():
            plain = re.sub(r" \[\d+:\d+\]", "", line)
            if not re.fullmatch(r":[A-Z]+ ACCEPT", plain):
                found.add(f"{table} {plain}")
    return found
