#!/usr/bin/env bash
# Runs every test of the project, after installing what the tests need.
#   scripts/test.sh              everything that belongs to each change
#   scripts/test.sh PART...      some parts: check arch unit contract wire golden e2e clients
#   scripts/test.sh long         soak, chaos and crash series that take longer
# Ends with the line "N passed, N failed"; exits 1 when anything failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/tools.sh
. scripts/tools.sh
# shellcheck source=scripts/client-tools.sh
. scripts/client-tools.sh
need_bun
need_dependencies full
bun_directory=$(dirname "$BUN")
export PATH="$PWD/node_modules/.bin:$bun_directory:$PATH"
# The suite must not depend on who runs it.
unset INTELLIROUTER_CONFIG OPENAI_API_KEY ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN OPENAI_BASE_URL ANTHROPIC_BASE_URL BUN_OPTIONS BUN_BE_BUN
for variable in $(compgen -e AWS_ || true) $(compgen -e GOOGLE_ || true); do unset "$variable"; done
# Nor on who has logged in to a cloud.
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export CI="${CI:-true}" NO_COLOR=1

parts=("$@")
[ ${#parts[@]} -eq 0 ] && parts=(check arch unit contract wire golden e2e clients)

passed=0
failed=0
failures=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A check that passes or fails as a whole.
step() { # name command...
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); failures+=("$name"); fi
}

# A folder of tests; its own counts are added up. A run without tests is a failure, and so is a crash of the runner.
tests() { # name arguments-of-bun-test...
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  local code=0 ok bad
  "$BUN" test --timeout 30000 "$@" > "$log" 2>&1 || code=$?
  grep -v '^(pass)' "$log"
  ok=$(sed -n 's/^ *\([0-9][0-9]*\) pass$/\1/p' "$log" | tail -n 1)
  bad=$(sed -n 's/^ *\([0-9][0-9]*\) fail$/\1/p' "$log" | tail -n 1)
  passed=$((passed + ${ok:-0}))
  failed=$((failed + ${bad:-0}))
  if [ "$code" -ne 0 ] && [ "${bad:-0}" -eq 0 ] || [ "${ok:-0}" -eq 0 ]; then failed=$((failed + 1)); fi
  if [ "$code" -ne 0 ] || [ "${bad:-0}" -ne 0 ] || [ "${ok:-0}" -eq 0 ]; then failures+=("$name"); fi
}

need() { # command debian-package
  command -v "$1" >/dev/null 2>&1 && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $2" >&2
    { apt-get install -y -qq "$2" || { apt-get update -qq && apt-get install -y -qq "$2"; }; } >/dev/null 2>&1
  fi
  command -v "$1" >/dev/null 2>&1 && return 0
  echo "test.sh: the tests need $1; install it (Debian: apt-get install $2) and try again." >&2
  exit 1
}

for part in "${parts[@]}"; do
  case "$part" in
    check)
      need shellcheck shellcheck
      step "types" "$BUN" check
      step "types on Deno" deno task --quiet check
      step "lint" deno lint --quiet
      step "format" deno fmt --check --quiet
      step "shell scripts" shellcheck -x intellirouter scripts/*.sh examples/*.sh .ci/run
      step "generated files" "$BUN" scripts/gen.ts --check
      ;;
    arch) tests "architecture" ./test/arch ;;
    unit) tests "unit" ./src ./plugins ./test/support ./scripts ;;
    contract)
      need promtool prometheus
      need redis-server redis-server
      step "Chroma server" chroma
      tests "contracts" ./test/contract
      ;;
    wire) tests "wire" ./test/wire ./test/fidelity ;;
    golden) tests "golden" ./test/golden ;;
    e2e)
      need curl curl
      need bwrap bubblewrap
      need redis-server redis-server
      need promtool prometheus
      step "Chroma server" chroma
      step "Python clients" install_python_clients
      step "build" ./scripts/build.sh
      tests "end to end" ./test/e2e
      ;;
    clients)
      step "build" ./scripts/build.sh
      step "Python clients" install_python_clients
      step "Rust client" build_rust_client
      tests "real clients" ./test/clients
      ;;
    long)
      step "build" ./scripts/build.sh
      tests "long" ./test/long
      ;;
    *)
      echo "test.sh: there is no part \"$part\". Parts: check arch unit contract wire golden e2e clients long" >&2
      exit 2
      ;;
  esac
done

if [ ${#failures[@]} -gt 0 ]; then printf '\nfailed: %s\n' "${failures[*]}"; fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
