#!/bin/bash
# The work pool and everything that deployments/prefect.yaml lists. Again at every start: deploying twice changes nothing,
# and a schedule that somebody paused stays paused.
set -euo pipefail
cd "$PROJECT"

prefect --no-prompt work-pool create ecommerce --type process --overwrite
prefect --no-prompt deploy --all --prefect-file deployments/prefect.yaml
python deployments/automations.py
