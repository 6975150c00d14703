"""Long lists of cases of one kind: some of them in each run of the tests, all of them in the drills."""

from collections.abc import Sequence
from typing import Any

import pytest


def drilled_but(cases: Sequence[str], *quick: str) -> list[Any]:
    """The cases as parameters of a test; those that are not `quick` are drills."""
    assert set(quick) <= set(cases)
    return [case if case in quick else pytest.param(case, marks=pytest.mark.drill) for case in cases]
