#!/usr/bin/env bash
# Makes an account for a bot, and prints a token by which it may act for the people of some teams. It is shown once. For administrators.
#   bot-token.sh chat-bot platform payments dba > bot-token
set -euo pipefail
source "$(dirname "$0")/purser.sh"
name=$1 team=$2
shift 2

account=$(jq --null-input --arg name "$name" --arg team "$team" '{name: $name, team: $team, description: "Asks for whom types"}')
purser POST /v1/service-accounts "$account" > /dev/null
# Ninety days; `replaces` and `overlap` make the next one without a pause.
asked=$(jq --null-input '{
  scopes: ["read", "requests:write", "approvals:write", "impersonate"], expiresIn: (90 * 86400), impersonateTeams: $ARGS.positional
}' --args "$@")
token=$(purser POST "/v1/service-accounts/$name/tokens" "$asked")
jq --raw-output '.warnings[]' <<< "$token" >&2
jq --raw-output .token <<< "$token"
