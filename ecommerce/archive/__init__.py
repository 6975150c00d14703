"""The archive: Spark moves old orders to Parquet, so that no crash can lose or double one, and reads them back."""

from ecommerce.archive.reading import read, read_pandas

__all__ = ["read", "read_pandas"]
