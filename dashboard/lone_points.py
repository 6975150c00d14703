"""Points of a line that no line leads to or from: a line through one point draws nothing, so they are drawn as dots."""

from collections.abc import Sequence

Values = Sequence[float | None]


def lone_points(*lines: Values) -> list[float | None]:
    """The value of each place whose neighbours are in none of the lines that it is in; None at the others.

    The lines, such as that of whole buckets and the dashed one, have the same places.
    """
    return [_lone(lines, at) for at in range(len(lines[0]))]


def _lone(lines: Sequence[Values], at: int) -> float | None:
    found = None
    for line in lines:
        if line[at] is None:
            continue
        if any(line[near] is not None for near in (at - 1, at + 1) if 0 <= near < len(line)):
            return None
        found = line[at]
    return found
