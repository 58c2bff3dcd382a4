#!/bin/sh
# The first five minutes with a running gateway, in curl.
#   intellirouter run            (in another terminal)
#   examples/basic_usage.sh [base URL] [model]
# With a key: INTELLIROUTER_API_KEY=sk-ir-... examples/basic_usage.sh
set -eu
base=${1:-http://127.0.0.1:8000}
model=${2:-mock-llama}
key=${INTELLIROUTER_API_KEY:-none-needed-on-loopback}

call() { # path [json]
  printf '\n> %s\n' "$1" >&2
  if [ $# -gt 1 ]; then
    curl -sS --fail-with-body -N "$base$1" -H "authorization: Bearer $key" -H 'content-type: application/json' -d "$2"
  else
    curl -sS --fail-with-body "$base$1" -H "authorization: Bearer $key"
  fi
  echo
}

# What is there?
call /v1/models

# One answer.
call /v1/chat/completions '{"model":"'"$model"'","messages":[{"role":"user","content":"Say hello."}]}'

# The same in pieces, as they come.
call /v1/chat/completions '{"model":"'"$model"'","stream":true,"messages":[{"role":"user","content":"Count to three."}]}'

# A model that may call a tool.
call /v1/chat/completions '{"model":"'"$model"'","messages":[{"role":"user","content":"Weather in Oslo?"}],
  "tool_choice":"required",
  "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]}'
