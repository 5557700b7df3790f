#!/usr/bin/env bash
# Asks once more for what was rejected, or has failed or expired: planned and decided afresh.
#   retry.sh req_…
set -euo pipefail
source "$(dirname "$0")/purser.sh"

# One retry of one request, however often this is run.
purser POST "/v1/requests/$1/retry" '' --header "Idempotency-Key: retry-of-$1" --header 'Prefer: wait=20' | show
