#!/usr/bin/env bash
# Changes some parameters of what there is; the others stay. `null` takes one out, so that its default comes back.
#   update.sh payments dev orders-db storageGB=40
set -euo pipefail
source "$(dirname "$0")/purser.sh"
team=$1 environment=$2 name=$3
shift 3

body=$(jq --null-input --arg team "$team" --arg environment "$environment" --arg name "$name" \
  --argjson parameters "$(parameters "$@")" \
  '{team: $team, environment: $environment, changes: [{action: "update", name: $name, parameters: $parameters}]}')
purser POST /v1/requests "$body" --header 'Prefer: wait=20' | show
