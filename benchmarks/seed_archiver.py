"""The archiver that this project began with, to stand beside: read all, mark, write Parquet, overwrite the collection.

`python -m benchmarks.seed_archiver URI DATABASE CUTOFF DIRECTORY` does it once. The original inferred its schema from a
sample; of a million orders one has an amount that the sample's decimals do not hold, and it failed. So it is given the
schema here. A kill after the overwrite has begun loses the collection.
"""

import sys
from pathlib import Path

from ecommerce.documents.spark import order_ddl
from ecommerce.services.jars import spark_connector_jars
from ecommerce.settings import get_settings


def main(uri: str, database: str, cutoff: str, directory: str) -> None:
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as f

    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.jars", ",".join(str(jar) for jar in spark_connector_jars(get_settings().cache)))
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
