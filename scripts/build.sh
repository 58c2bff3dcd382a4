#!/bin/sh
# Builds the executable: dist/intellirouter for this machine, or every release target with --target all.
#   scripts/build.sh [--target all | bun-linux-x64 | bun-linux-arm64 | bun-linux-x64-musl | ...]
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/tools.sh
. scripts/tools.sh
need_bun
need_dependencies full

release_targets="bun-linux-x64 bun-linux-arm64 bun-linux-x64-musl bun-linux-arm64-musl bun-darwin-arm64"
version=$("$BUN" -p 'require("./package.json").version')
target=""
case "${1:-}" in
  "") ;;
  --target) target=${2:?"--target needs a name, or all"} ;;
  *) echo "usage: scripts/build.sh [--target all|NAME]" >&2; exit 2 ;;
esac

# Not loading .env and bunfig.toml is a matter of security: the executable must not run code that happens to lie in the
# current directory. --production keeps development mode out; source maps give stack traces the names of our files. With
# --splitting what is imported on demand is really loaded on demand, and not, with the modules it needs, at every start.
build() { # outfile [target]
  "$BUN" build --compile --production --bytecode --format=esm --sourcemap \
    --splitting --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-autoload-package-json \
    --define "BUILD_VERSION=\"$version\"" ${2:+--target="$2"} src/main.ts --outfile "$1" >&2
  rm -f "$1.map" dist/*.map dist/*.js.map
}

case "$target" in
  "" | all | bun-*) ;;
  *) echo "build.sh: there is no target \"$target\". Targets: all $release_targets" >&2; exit 2 ;;
esac

mkdir -p dist
if [ "$target" = all ]; then
  for name in $release_targets; do build "dist/intellirouter-${name#bun-}" "$name"; done
  (cd dist && sha256sum intellirouter-* > SHA256SUMS)
elif [ -n "$target" ]; then
  build "dist/intellirouter-${target#bun-}" "$target"
else
  build dist/intellirouter
fi
ls -l dist >&2
