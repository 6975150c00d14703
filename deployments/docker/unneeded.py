"""Print the installed packages that the image does not need: `unneeded.py PYPROJECT NAME…`, a line each.

Needed are the project's dependencies, those of its extras in the image, the packages of the names, and what these need
in turn.
"""

import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("archive", "dashboard", "flows")


def unneeded(roots: Iterable[Requirement]) -> list[str]:
    """Names of the installed packages that no root needs, in order."""
    needed: set[tuple[str, str]] = set()
    left = list(roots)
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in needed:
                continue
            needed.add((name, extra))
            wanted = [Requirement(text) for text in distribution(name).requires or []]
            left += [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})]
    installed = {canonicalize_name(one.name) for one in distributions()}
    return sorted(installed - {name for name, _ in needed})


if __name__ == "__main__":
    project = tomllib.loads(Path(sys.argv[1]).read_text())["project"]
    texts = [*project["dependencies"], *sys.argv[2:]]
    texts += [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    requirements = [Requirement(text) for text in texts]
    print("\n".join(unneeded(one for one in requirements if one.marker is None or one.marker.evaluate())))
