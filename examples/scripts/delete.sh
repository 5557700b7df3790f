#!/usr/bin/env bash
# Takes something away. Its money is free once that is committed.
#   delete.sh payments dev orders-db
set -euo pipefail
source "$(dirname "$0")/purser.sh"

body=$(jq --null-input --arg team "$1" --arg environment "$2" --arg name "$3" \
  '{team: $team, environment: $environment, changes: [{action: "delete", name: $name}]}')
purser POST /v1/requests "$body" --header 'Prefer: wait=20' | show
