# Sourced by the scripts and the launcher: finds or installs the pinned Bun, and installs dependencies from the lockfile.
# POSIX sh. The caller stands in the repository's root. Everything it says goes to standard error.

tools_directory="$PWD/.tools"
bun_version=$(sed -n 's/.*"packageManager": *"bun@\([^"]*\)".*/\1/p' package.json)

is_pinned_bun() { [ "$("$1" --version 2>/dev/null)" = "$bun_version" ]; }

# Sets BUN to the path of the pinned version.
need_bun() {
  installed="$tools_directory/bun-$bun_version/bin/bun"
  on_path=$(command -v bun 2>/dev/null || true)
  if [ -n "$on_path" ] && is_pinned_bun "$on_path"; then BUN=$on_path; return; fi
  if [ -x "$installed" ] && is_pinned_bun "$installed"; then BUN=$installed; return; fi
  install_bun
  BUN=$installed
}

# Installs into a folder of its own and renames it, so that two launches at once cannot see half of it.
install_bun() {
  echo "intellirouter: installing Bun $bun_version into .tools/ (once)" >&2
  fresh="$tools_directory/installing-$$"
  trap 'rm -rf "$fresh"' EXIT
  mkdir -p "$fresh/bin"
  if command -v npm >/dev/null 2>&1; then
    npm install --prefix "$fresh/npm" --no-save --no-audit --no-fund --allow-scripts=bun "bun@$bun_version" >&2
    # The package's own install script puts the executable in place; where scripts are switched off it is still in
    # the platform's package.
    for candidate in "$fresh"/npm/node_modules/bun/bin/bun.exe "$fresh"/npm/node_modules/@oven/*/bin/bun; do
      if [ -x "$candidate" ] && is_pinned_bun "$candidate"; then cp "$candidate" "$fresh/bin/bun"; break; fi
    done
  elif command -v curl >/dev/null 2>&1; then
    curl -fsSL https://bun.sh/install | BUN_INSTALL="$fresh" SHELL=/bin/sh bash -s "bun-v$bun_version" >&2
  fi
  if ! [ -x "$fresh/bin/bun" ] || ! is_pinned_bun "$fresh/bin/bun"; then
    echo "intellirouter: Bun $bun_version could not be installed. Install npm (or curl and bash), or put bun $bun_version on the PATH, and try again." >&2
    exit 1
  fi
  rm -rf "$fresh/npm"
  mv "$fresh" "$tools_directory/bun-$bun_version" 2>/dev/null || is_pinned_bun "$installed" || {
    echo "intellirouter: could not put Bun into $tools_directory" >&2
    exit 1
  }
  rm -rf "$fresh"
  trap - EXIT
}

# Installs what package.json names, exactly as locked. `need_dependencies production` leaves out what only tests need.
need_dependencies() {
  stamp=node_modules/.intellirouter-lock
  wanted=$(cksum < bun.lock)
  case "$(cat "$stamp" 2>/dev/null)" in
    "full $wanted") return ;;
    "production $wanted") [ "${1:-}" = production ] && return ;;
  esac
  echo "intellirouter: installing dependencies (once)" >&2
  if [ "${1:-}" = production ]; then
    "$BUN" install --frozen-lockfile --production --ignore-scripts >&2
    echo "production $wanted" > "$stamp"
  else
    "$BUN" install --frozen-lockfile --ignore-scripts >&2
    echo "full $wanted" > "$stamp"
  fi
}
