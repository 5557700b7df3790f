#!/usr/bin/env bash
# Approves exactly one plan: the one whose digest is given. Without a digest it shows what there is to approve.
#   approve.sh req_…
#   approve.sh req_… sha256:… 'Fits the capacity plan'
set -euo pipefail
source "$(dirname "$0")/purser.sh"
request=$1 digest=${2:-} comment=${3:-}

if [ -z "$digest" ]; then
  purser GET "/v1/requests/$request/diff"
  purser GET "/v1/requests/$request" | show
  exit
fi
body=$(jq --null-input --arg digest "$digest" --arg comment "$comment" \
  '{planDigest: $digest} + if $comment == "" then {} else {comment: $comment} end')
purser POST "/v1/requests/$request/approve" "$body" | show
