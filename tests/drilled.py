"""Long lists of cases of one kind: some of them in each run of the tests, all of them in the drills."""

from collections.abc import Sequence
from typing import Any

import pytest


def drilled_but(cases: Sequence[str], *quick: str) -> list[Any]:
    """The cases as parameters of a test; those that are not `quick` are drills."""
    assert set(quick) <= set(cases)
    return [case if case in quick else pytest.param(case, marks=pytest.mark.drill) for case in cases]


MOMENTS_OF_CHANGES = (
    "plan:recorded",
    "export:before",
    "export:branched",
    "export:deleted",
    "export:done",
    "export:recorded",
    "verify:before",
    "verify:done",
    "verify:recorded",
    "publish:before",
    "publish:ready",
    "publish:done",
    "publish:recorded",
    "commit:before",
    "commit:left",
    "commit:done",
    "commit:recorded",
)
"""Where an archive run that applies changes can be cut off."""
