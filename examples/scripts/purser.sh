# What the other scripts begin with:
#   purser METHOD PATH [BODY [CURL OPTIONS…]]   asks, and prints the answer; a refusal is told on standard error, and is a failure
#   parameters size=m storageGB=600 …           makes JSON of it: {"size": "m", "storageGB": 600}
#   show                                        tells in a few lines what a request or a plan (standard input) is
: "${PURSER_URL:=http://127.0.0.1:8080}"
: "${PURSER_TOKEN:?is the token to ask with}"
# PURSER_ON_BEHALF_OF: the person for whom a bot asks; its token needs the scope impersonate.

purser() {
  local method=$1 path=$2 body=${3:-} answer failed=0
  shift $(($# > 2 ? 3 : 2))
  set -- --silent --fail-with-body --max-time 60 --request "$method" "$@"
  if [ -n "$body" ]; then set -- --json "$body" "$@"; fi
  if [ -n "${PURSER_ON_BEHALF_OF:-}" ]; then set -- --header "Purser-On-Behalf-Of: $PURSER_ON_BEHALF_OF" "$@"; fi
  # A read may be repeated after 429, 503 or a lost connection; what changes something only with an Idempotency-Key (request.sh).
  if [ "$method" = GET ]; then set -- --retry 5 --retry-connrefused "$@"; fi
  # The token comes in a file, since everybody on this machine can read the options of a program.
  answer=$(curl --header @<(printf 'Authorization: Bearer %s\n' "$PURSER_TOKEN") "$@" "$PURSER_URL$path") || failed=$?
  if [ "$failed" = 0 ]; then
    printf '%s\n' "$answer"
  elif [ "$failed" = 22 ]; then
    jq --raw-output '"\(.title) (\(.code))\n\(.message // "")"' <<< "$answer" >&2
  else
    echo "No answer from $PURSER_URL (curl says $failed)" >&2
  fi
  return "$failed"
}

parameters() {
  jq --null-input '[$ARGS.positional[] | capture("^(?<key>[^=]+)=(?<value>.*)$")
    | {key, value: (.value as $text | try ($text | fromjson) catch $text)}] | from_entries' --args "$@"
}

show() {
  jq --raw-output '.message, (select(.id) | "\(.id) is \(.state)"), "Digest \(.plan.digest)", (.plan.files[] | "  \(.operation) \(.path)")'
}
