"""Documents read from MongoDB's replies as bytes and columns, without making an object for each of them.

Ingest, the summaries and the archive read the same orders by the million; decoding each costs more than all else.
"""
