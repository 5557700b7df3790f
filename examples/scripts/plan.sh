#!/usr/bin/env bash
# What would come of it, and what would it cost? Nothing is kept.
#   plan.sh payments dev postgres orders-db size=s
set -euo pipefail
source "$(dirname "$0")/purser.sh"
team=$1 environment=$2 blueprint=$3 name=$4
shift 4

body=$(jq --null-input --arg team "$team" --arg environment "$environment" --arg blueprint "$blueprint" --arg name "$name" \
  --argjson parameters "$(parameters "$@")" \
  '{team: $team, environment: $environment, changes: [{action: "create", blueprint: $blueprint, name: $name, parameters: $parameters}]}')
plan=$(purser POST /v1/plans "$body")
show <<< "$plan"
# A plan that would be refused is an answer too; a script may want to know.
jq --exit-status '.decision.outcome != "denied"' <<< "$plan" > /dev/null
