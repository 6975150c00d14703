"""docker-compose.yml with its variables filled in, every service a plain record."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE_FILE = REPOSITORY / "docker-compose.yml"

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\})")


class MissingVariable(Exception):
    """A variable that the file cannot do without is not set."""


@dataclass(frozen=True)
class Service:
    """What tests ask of a service."""

    name: str
    environment: Mapping[str, str]
    networks: tuple[str, ...]
    volumes: tuple[tuple[str, str, bool], ...]
    """(source, target, read-only); a source without a slash is a named volume."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Fill in `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$`. An empty variable counts as not set."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        given = variables.get(match["name"], "")
        if given or match["kind"] is None:
            return given
        if match["kind"] == "?":
            raise MissingVariable(f"{match['name']}: {match['text']}")
        return match["text"]

    return _VARIABLE.sub(value, text)


def load(variables: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Service]]:
    """The whole document and its services. Raises MissingVariable."""
    document = _filled(yaml.safe_load(COMPOSE_FILE.read_text()), variables)
    return document, {name: _service(name, body) for name, body in document["services"].items()}


def dotenv(text: str) -> dict[str, str]:
    """Variables of a file like .env.example; those that are commented out are not set."""
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def _filled(node: Any, variables: Mapping[str, str]) -> Any:
    match node:
        case str():
            return interpolate(node, variables)
        case list():
            return [_filled(element, variables) for element in node]
        case dict():
            return {key: _filled(value, variables) for key, value in node.items()}
        case _:
            return node


def _service(name: str, body: Mapping[str, Any]) -> Service:
    return Service(
        name=name,
        environment={key: str(value) for key, value in body.get("environment", {}).items()},
        networks=tuple(body.get("networks", [])),
        volumes=tuple(_volume(volume) for volume in body.get("volumes", [])),
    )


def _volume(text: str) -> tuple[str, str, bool]:
    source, target, *options = text.split(":")
    return source, target, options == ["ro"]


def image_environment(dockerfile: str) -> dict[str, str]:
    """The ENV lines of our Dockerfile."""
    joined = dockerfile.replace("\\\n", " ")
    lines = re.findall(r"^ENV (.*)$", joined, re.MULTILINE)
    return {key: value for line in lines for key, _, value in (pair.partition("=") for pair in shlex.split(line))}


def final_stage(dockerfile: str) -> list[tuple[str, str]]:
    """(instruction, rest) of the stage that becomes the image."""
    joined = re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", " ")
    stage = joined[joined.rindex("\nFROM ") :]
    return [(word, rest.strip()) for word, rest in re.findall(r"^([A-Z]+) (.*)$", stage, re.MULTILINE)]
