#!/usr/bin/env bash
# Applies documents: all of them, or none when one is refused. First a dry run, which says what would change.
#   apply.sh platform/*.yaml
set -euo pipefail
source "$(dirname "$0")/purser.sh"

documents=$(mktemp)
trap 'rm -f "$documents"' EXIT
for file in "$@"; do
  printf -- '---\n'
  cat "$file"
done > "$documents"
yaml=(--header 'Content-Type: application/yaml' --data-binary "@$documents")

echo 'Would be done:'
purser POST '/v1/apply?dryRun=true' '' "${yaml[@]}" | jq --raw-output '.results[] | "  \(.kind) \(.name) \(.outcome)"'
purser POST /v1/apply '' "${yaml[@]}" | jq --raw-output '"Applied as revision \(.platformRevision)"'
