#!/bin/bash
# One part of the Spark cluster, from PySpark's own jars: `master` or `worker`. Who does not know _SPARK_AUTH_SECRET is
# not talked to (spark-defaults.conf).
set -euo pipefail

: "${_SPARK_AUTH_SECRET:?is needed}"
case "${1:-}" in
    master)
        exec "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.master.Master \
            --host "$SPARK_LOCAL_HOSTNAME" --port 7077 --webui-port 8080
        ;;
    worker)
        exec "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker \
            --host "$SPARK_LOCAL_HOSTNAME" --webui-port 8081 --work-dir /var/lib/spark/work \
            --cores "$SPARK_WORKER_CORES" --memory "$SPARK_WORKER_MEMORY" spark://spark-master:7077
        ;;
    *)
        echo "usage: spark.sh master|worker" >&2
        exit 2
        ;;
esac
