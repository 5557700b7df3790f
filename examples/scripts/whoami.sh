#!/usr/bin/env bash
# Who am I here, and what may I do? With PURSER_ON_BEHALF_OF: who is that person?
set -euo pipefail
source "$(dirname "$0")/purser.sh"

purser GET /v1/me | jq --raw-output '
  "\(.subject)\(if .via then " (asked by \(.via))" else "" end)",
  "Scopes: \(.scopes | join(", "))",
  (.teams[] | "\(.role) in team \(.name)")'
