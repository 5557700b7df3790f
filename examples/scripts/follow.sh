#!/usr/bin/env bash
# Tells what happens to a request while it happens, until it is settled: a stream of server-sent events.
#   follow.sh req_…
set -euo pipefail
source "$(dirname "$0")/purser.sh"
purser GET "/v1/requests/$1" > /dev/null # Whoever may not read it is told so.

last='' event='' settled=''
# A stream may end (the server restarts): come back with the last id, then nothing is missed and nothing comes twice.
until [ -n "$settled" ]; do
  while IFS=': ' read -r field value; do
    case $field in
      id) last=$value ;;
      event) event=$value ;;
      data)
        [ "$event" != problem ] || continue
        jq --raw-output '"\(.time) \(.type | split(".")[3]) by \(.actor.subject)"' <<< "$value"
        case $event in *.committed.* | *.rejected.* | *.cancelled.* | *.expired.* | *.failed.*) settled=yes && break ;; esac
        ;;
    esac
  done < <(exec curl --silent --no-buffer --fail --header 'Accept: text/event-stream' \
    --header @<(printf 'Authorization: Bearer %s\n' "$PURSER_TOKEN") \
    ${PURSER_ON_BEHALF_OF:+--header "Purser-On-Behalf-Of: $PURSER_ON_BEHALF_OF"} \
    ${last:+--header "Last-Event-ID: $last"} "$PURSER_URL/v1/requests/$1/events")
  stream=$!
  if [ -n "$settled" ]; then
    kill "$stream"
  else
    wait "$stream" || [ $? != 22 ] || purser GET "/v1/requests/$1" > /dev/null
    sleep 2
  fi
done
