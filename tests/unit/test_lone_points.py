"""Points that no line draws are those without a neighbour in their line."""

import pytest

from dashboard.lone_points import lone_points


@pytest.mark.parametrize(
    ("lines", "lone"),
    [
        ([[5.0]], [5.0]),
        ([[5.0, 6.0]], [None, None]),
        ([[5.0, None, 7.0, 8.0, None, 0.0]], [5.0, None, None, None, None, 0.0]),
        # A whole bucket and the one that runs: the dashed line joins them.
        ([[5.0, None], [5.0, 6.0]], [None, None]),
        # Only the one that runs.
        ([[None], [6.0]], [6.0]),
        ([[None, None]], [None, None]),
        ([[]], []),
    ],
)
def test_a_point_without_a_neighbour_is_drawn_as_a_dot(
    lines: list[list[float | None]], lone: list[float | None]
) -> None:
    assert lone_points(*lines) == lone
