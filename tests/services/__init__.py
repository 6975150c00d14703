"""Tests against a real mongod, HDFS, Spark or Prefect server."""
