"""SQL over hot and archived orders together, each once, by DuckDB; it only reads."""

from ecommerce.query.query import Answer, ask

__all__ = ["Answer", "ask"]
