"""The archive: Spark moves old orders to Parquet, so that no crash can lose or double one, and reads them back."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecommerce.archive.reading import read, read_pandas

__all__ = ["read", "read_pandas"]


def __getattr__(name: str) -> Any:
    """`read` and `read_pandas` when they are asked for: whoever looks at the runs' records needs no Arrow, 0.4 s."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ecommerce.archive import reading

    return getattr(reading, name)
