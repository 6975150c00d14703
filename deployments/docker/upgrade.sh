#!/bin/bash
# Brings the database and the archive of an older version forward, before the parts that use them start. Spark's secret
# comes to a driver by a file, see archiver.sh.
set -euo pipefail

umask 077
mkdir -p "$SPARK_CONF_DIR"
{
    cat /app/deployments/docker/spark/spark-defaults.conf
    printf '\nspark.authenticate.secret %s\n' "$_SPARK_AUTH_SECRET"
} > "$SPARK_CONF_DIR/spark-defaults.conf"

exec ecommerce upgrade
