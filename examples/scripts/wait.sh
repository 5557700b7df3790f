#!/usr/bin/env bash
# Waits until a request is committed, by asking again and again. Ends with 1 where it ended otherwise.
#   wait.sh req_…
set -euo pipefail
source "$(dirname "$0")/purser.sh"

state=queued
while [ "$state" = queued ] || [ "$state" = pending_approval ]; do
  [ -z "${request:-}" ] || sleep 1
  request=$(purser GET "/v1/requests/$1")
  state=$(jq --raw-output .state <<< "$request")
done
jq --raw-output '.message, (.delivery // empty | "Commit \(.commit) on \(.branch) of \(.repository)")' <<< "$request"
[ "$state" = committed ] || [ "$state" = ready ]
