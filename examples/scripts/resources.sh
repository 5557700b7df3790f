#!/usr/bin/env bash
# What does a team have, and what does it cost?
#   resources.sh payments
set -euo pipefail
source "$(dirname "$0")/purser.sh"

after='' more=true
while [ "$more" = true ]; do
  page=$(purser GET "/v1/resources?team=$1&first=100&after=$after")
  jq --raw-output '.items[]
    | "\(.environment)/\(.name)  \(.blueprint.name)@\(.blueprint.version)  \(.cost.monthly) \(.cost.currency)  \(.status)"' <<< "$page"
  after=$(jq --raw-output .pageInfo.endCursor <<< "$page")
  more=$(jq .pageInfo.hasNextPage <<< "$page")
done
