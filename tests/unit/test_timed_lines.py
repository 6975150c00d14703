"""A log of `up` says when each of its lines was written."""

import io
import re

from ecommerce.services.logs import TimedLines, without_time

TIMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")


def test_each_line_begins_with_its_time_however_it_is_written() -> None:
    log = io.StringIO()
    lines = TimedLines(log)
    for text in ("first ", "line\n", "", "second\nthird", "\n", "\n"):
        print(text, end="", file=lines)
    written = log.getvalue().splitlines()
    assert all(TIMED.match(line) for line in written)
    assert [without_time(line) for line in written] == ["first line", "second", "third", ""]
