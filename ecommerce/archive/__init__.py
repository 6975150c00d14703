"""The archive: Spark moves old orders to an Iceberg table, so that no crash can lose or double one; all may read it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecommerce.archive.reading import read, read_days, read_pandas, read_polars, read_spark

__all__ = ["read", "read_days", "read_pandas", "read_polars", "read_spark"]


def __getattr__(name: str) -> Any:
    """`read` and the others when they are asked for: whoever looks at the runs' records needs no Arrow, 0.4 s."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ecommerce.archive import reading

    return getattr(reading, name)
