#!/bin/sh
# Is a gateway up, does a completion come back, and is its structure right?
#   scripts/test-router.sh [host] [port] [model]      defaults: localhost 8000 mock-llama
# With a key: INTELLIROUTER_API_KEY=sk-ir-... scripts/test-router.sh ...
# Exits 0 when all is well, 1 with the reason when not. Needs curl, and nothing else.
set -eu
command -v curl >/dev/null 2>&1 || { echo "FAIL: curl is needed and not installed" >&2; exit 1; }
host=${1:-localhost}
port=${2:-8000}
model=${3:-mock-llama}
case "$host" in
  \[*) ;;
  *:*) host="[$host]" ;; # an IPv6 address
esac
base="http://$host:$port"
key=${INTELLIROUTER_API_KEY:-none}
body=$(mktemp)
trap 'rm -f "$body"' EXIT

fail() {
  echo "FAIL: $1" >&2
  [ -s "$body" ] && { echo "The answer was:" >&2; head -c 2000 "$body" >&2; echo >&2; }
  exit 1
}

request() { # path [json]; prints the status
  if [ $# -gt 1 ]; then
    curl -sS -N -m 60 -o "$body" -w '%{http_code}' "$base$1" -H "authorization: Bearer $key" -H 'content-type: application/json' -d "$2"
  else
    curl -sS -m 10 -o "$body" -w '%{http_code}' "$base$1" -H "authorization: Bearer $key"
  fi
}

has() { grep -Eq "$1" "$body" || fail "$2"; }

status=$(request /readyz) || fail "nothing answers at $base"
[ "$status" = 200 ] || fail "/readyz says $status"
echo "ok: the gateway at $base is ready"

messages='"messages":[{"role":"user","content":"Say hello."}]'
status=$(request /v1/chat/completions "{\"model\":\"$model\",$messages}") || fail "the connection broke"
[ "$status" = 200 ] || fail "a completion got status $status"
has '"object":"chat.completion"' "the answer is no chat completion"
has '"id":"[^"]+"' "the answer has no id"
has '"choices":\[\{' "the answer has no choices"
has '"role":"assistant"' "the message has no role"
has '"finish_reason":"(stop|length|tool_calls|content_filter)"' "the finish reason is none of the protocol's"
has '"total_tokens":[0-9]+' "the answer has no usage"
echo "ok: $model answers, and the answer is well-formed"

status=$(request /v1/chat/completions "{\"model\":\"$model\",\"stream\":true,$messages}") || fail "the stream broke"
[ "$status" = 200 ] || fail "a stream got status $status"
has '^data: \{.*"object":"chat.completion.chunk"' "the stream has no chunks"
has '"finish_reason":"(stop|length|tool_calls|content_filter)"' "the stream has no finish reason"
[ "$(tail -c 16 "$body" | tr -d '\n')" != "" ] && has '^data: \[DONE\]' "the stream does not end with [DONE]"
echo "ok: $model streams, and the stream is whole"
