#!/bin/bash
# The Prefect worker of the queue `archive`. A driver takes Spark's secret from a file only: as an option it would be in
# the process list. Commands that are run beside it (`docker compose exec archiver …`) find the file by SPARK_CONF_DIR.
set -euo pipefail

umask 077
mkdir -p "$SPARK_CONF_DIR"
{
    cat /app/deployments/docker/spark/spark-defaults.conf
    printf '\nspark.authenticate.secret %s\n' "$_SPARK_AUTH_SECRET"
} > "$SPARK_CONF_DIR/spark-defaults.conf"

exec prefect --no-prompt worker start --pool ecommerce --type process --work-queue archive --name archiver --limit 2 \
    --with-healthcheck --install-policy never
