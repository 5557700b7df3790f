#!/usr/bin/env bash
# What waits for my vote?
set -euo pipefail
source "$(dirname "$0")/purser.sh"

purser GET '/v1/requests?awaiting=me' | jq --raw-output '
  .items[] | "\(.id)  \(.team)/\(.environment)  \(.requester.subject)  \(.cost.monthlyDelta) \(.cost.currency)  \(.reason)"'
