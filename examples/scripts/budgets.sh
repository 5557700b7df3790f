#!/usr/bin/env bash
# How much is left? With the name of a budget: every movement on it.
#   budgets.sh
#   budgets.sh payments
set -euo pipefail
source "$(dirname "$0")/purser.sh"

if [ $# = 0 ]; then
  purser GET /v1/budgets | jq --raw-output '
    .items[] | "\(.metadata.name): \(.status.remaining) of \(.status.limit) left (\(.status.committed) spent, \(.status.reserved) promised)"'
else
  purser GET "/v1/budgets/$1/ledger" | jq --raw-output '.items[] | "\(.at)  \(.kind)  \(.amount)  \(.request // "")"'
fi
