"""The order pipeline as a library: no Prefect and no Panel in here."""
