"""The archiver that this project began with, to stand beside: read all, mark, write Parquet, overwrite the collection.

`python -m benchmarks.plain_archiver URI DATABASE CUTOFF DIRECTORY` does it once. The original inferred its schema from
a sample; of a million orders one has an amount that the sample's decimals do not hold, and it failed. So it is given
the schema here. A kill after the overwrite has begun loses the collection.
"""

import sys
from pathlib import Path

from ecommerce.documents.spark import order_ddl
from ecommerce.jars import Jar, fetch_jars
from ecommerce.settings import get_settings

DRIVER = {
    "mongodb-driver-sync": "341880078296edd762756440e9d6b1d6d2bf4d6b91975c2638e3da611f28b1c2",
    "mongodb-driver-core": "ae3dbfd439d5afe9e0d6abbd61ef27d858ca2d38083bb7361f69e243aff31dec",
    "bson": "bba556a8acd4e87545c1b9a1cb25c12ce9587ed5bf01685f236c5d92abf1e676",
    "bson-record-codec": "698b2b9a10fdd49a3ed99ad2b7bcc8e797639c8c4a5c974de7f6fc8654bda655",
}
CONNECTOR = "6617a1fa42fdb93a0a921b7822f458492bf8d695d57f34a321d8a1b7976c0627"
SPARK_CONNECTOR = (
    Jar("org.mongodb.spark", "mongo-spark-connector_2.13", "10.5.0", CONNECTOR),
    *(Jar("org.mongodb", name, "5.1.4", digest) for name, digest in DRIVER.items()),
)
"""The MongoDB Spark Connector and its driver, of a version that works with Spark 4.1."""


def main(uri: str, database: str, cutoff: str, directory: str) -> None:
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as f

    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.jars", ",".join(str(jar) for jar in fetch_jars(SPARK_CONNECTOR, get_settings().cache)))
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.mongodb.read.connection.uri", uri)
        .config("spark.mongodb.write.connection.uri", uri)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    options = {"database": database, "collection": "orders"}
    orders = spark.read.format("mongodb").options(**options).schema(f"_id bigint, {order_ddl()}").load()
    marked = orders.withColumn("archived", f.col("order.order_time") < f.lit(cutoff).cast("timestamp"))
    # The source is dropped before it is written, so all of it has to be somewhere else by then.
    marked = marked.persist()
    marked.where("archived").write.mode("append").parquet(Path(directory).as_uri())
    marked.where("not archived").drop("archived").write.format("mongodb").mode("overwrite").options(**options).save()


if __name__ == "__main__":
    main(*sys.argv[1:])
