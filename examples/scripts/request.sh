#!/usr/bin/env bash
# Asks for something new, and waits up to 20 s for its commit. The same KEY asks once, however often it is sent.
#   KEY=orders-db-1 request.sh payments dev postgres orders-db size=s
set -euo pipefail
source "$(dirname "$0")/purser.sh"
team=$1 environment=$2 blueprint=$3 name=$4
shift 4

body=$(jq --null-input --arg team "$team" --arg environment "$environment" --arg blueprint "$blueprint" --arg name "$name" \
  --argjson parameters "$(parameters "$@")" --arg reason "${REASON:-}" \
  '{team: $team, environment: $environment, reason: $reason,
    changes: [{action: "create", blueprint: $blueprint, name: $name, parameters: $parameters}]}')
# With a key, curl may send it again after 429, 503 or a lost connection: it waits as long as Retry-After says.
key=${KEY:-$(head -c 16 /dev/urandom | base64)}
purser POST /v1/requests "$body" --header "Idempotency-Key: $key" --header 'Prefer: wait=20' --retry 5 --retry-connrefused | show
