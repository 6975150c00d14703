"""What is seen of order lines when a file is read for the first time; processes for other rows need only this."""

from msgspec import Struct


class ColumnTexts(Struct, array_like=True):
    """The different texts of the columns that say how a file is to be read, of some rows."""

    rows: int
    amounts: list[set[str]]
    times: list[set[tuple[str, ...]]]
    identities: list[tuple[str, bool, bool]]
    """Of each column whether it has whole numbers with a point, and whether it has anything else."""
    currencies: list[str]


class SeenLines(Struct, array_like=True):
    """What the lines of a chunk say."""

    lines: int
    orders: list[str]
    """The order of lines that follow each other."""
    starts: list[int]
    """At which line of the chunk these begin."""
    texts: ColumnTexts
