#!/usr/bin/env bash
# Takes a request back, as long as nobody has begun to commit it.
#   cancel.sh req_…
set -euo pipefail
source "$(dirname "$0")/purser.sh"

purser POST "/v1/requests/$1/cancel" | show
