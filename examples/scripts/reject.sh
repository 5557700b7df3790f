#!/usr/bin/env bash
# Says no to a request, and why. One no is enough.
#   reject.sh req_… 'The auditors still need it'
set -euo pipefail
source "$(dirname "$0")/purser.sh"

purser POST "/v1/requests/$1/reject" "$(jq --null-input --arg comment "$2" '{comment: $comment}')" | show
