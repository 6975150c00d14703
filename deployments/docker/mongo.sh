#!/bin/bash
# mongod as a replica set member with authentication. Members know each other by a key file, which is made at the first
# start; to add members, give each of them a copy of this one's.
set -euo pipefail

key=/data/configdb/replica-set.key
if [ ! -s "$key" ]; then
    umask 077
    head -c 756 /dev/urandom | base64 -w 0 > "$key.new"
    mv "$key.new" "$key"
fi
chmod 400 "$key"

# A killed client's open transaction keeps others from its documents for 20 s, not for the default of 60.
exec mongod --dbpath /data/db --bind_ip_all --port 27017 --replSet ecommerce --keyFile "$key" \
    --wiredTigerCacheSizeGB "${MONGO_CACHE_GB:-1}" --oplogSize 4096 \
    --setParameter transactionLifetimeLimitSeconds=20
