"""The one definition of the documents, and what is derived from it.

`kinds` says what a value may be, `order` and `catalog` which fields there are. The MongoDB validators, the indexes,
the Spark schema, the canonical BSON and the input validation are all derived from those: a new field is one edit.
"""
