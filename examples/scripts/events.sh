#!/usr/bin/env bash
# What happened in a team since this was run last? The cursor is kept in a file: no event is passed over, and none comes twice.
#   events.sh payments payments.cursor
set -euo pipefail
source "$(dirname "$0")/purser.sh"
team=$1 file=$2

more=true
while [ "$more" = true ]; do
  after=$(cat "$file" 2> /dev/null || true)
  page=$(purser GET "/v1/events?team=$team&first=200&after=$after")
  jq --raw-output '.items[] | "\(.time) \(.type) \(.subject) by \(.actor.subject)"' <<< "$page"
  jq --raw-output --arg after "$after" '.pageInfo.endCursor // $after' <<< "$page" > "$file"
  more=$(jq .pageInfo.hasNextPage <<< "$page")
done
