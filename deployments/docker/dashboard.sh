#!/bin/bash
# The dashboard behind a login (PANEL_BASIC_AUTH, PANEL_COOKIE_SECRET; in the environment, so in no process list).
set -euo pipefail
cd "$PROJECT"

: "${PANEL_BASIC_AUTH:?is needed}" "${PANEL_COOKIE_SECRET:?is needed}"
origins=()
for origin in $DASHBOARD_ORIGINS; do
    origins+=(--allow-websocket-origin "$origin")
done
exec panel serve dashboard/app.py --address 0.0.0.0 --port 5006 --index app \
    --warm --liveness --plugins dashboard.log_times --plugins dashboard.readiness --plugins dashboard.metrics \
    --plugins dashboard.orders_csv "${origins[@]}"
