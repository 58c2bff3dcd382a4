# shellcheck shell=sh
# Sourced by the scripts and the launcher: finds or installs the pinned Bun, and installs dependencies from the lockfile.
# POSIX sh. The caller stands in the repository's root. Everything it says goes to standard error.

tools_directory="$PWD/.tools"
bun_version=$(sed -n 's/.*"packageManager": *"bun@\([^"]*\)".*/\1/p' package.json)

# Two launches at once must not install the same thing at the same time. A lock whose holder has died is taken over.
take_lock() { # name
  lock="$tools_directory/$1.lock"
  mkdir -p "$tools_directory"
  while ! mkdir "$lock" 2>/dev/null; do
    holder=$(cat "$lock/holder" 2>/dev/null || true)
    # Without a name the holder has only just come; give it a moment to write it.
    if [ -z "$holder" ]; then sleep 1; holder=$(cat "$lock/holder" 2>/dev/null || true); fi
    if [ -z "$holder" ] || ! kill -0 "$holder" 2>/dev/null; then
      rm -rf "$lock"
      continue
    fi
    sleep 1
  done
  echo $$ > "$lock/holder"
}

free_lock() { rm -rf "$tools_directory/$1.lock"; }

is_pinned_bun() { [ "$("$1" --version 2>/dev/null)" = "$bun_version" ]; }

# Sets BUN to the path of the pinned version.
need_bun() {
  installed="$tools_directory/bun-$bun_version/bin/bun"
  on_path=$(command -v bun 2>/dev/null || true)
  if [ -n "$on_path" ] && is_pinned_bun "$on_path"; then BUN=$on_path; return; fi
  if [ -x "$installed" ] && is_pinned_bun "$installed"; then BUN=$installed; return; fi
  take_lock bun
  trap 'free_lock bun' EXIT
  # Whoever held the lock before may have done the work.
  if ! { [ -x "$installed" ] && is_pinned_bun "$installed"; }; then install_bun; fi
  free_lock bun
  trap - EXIT
  BUN=$installed
}

# Installs into a folder of its own and renames the executable, so that nobody sees half of it.
install_bun() {
  echo "intellirouter: installing Bun $bun_version into .tools/ (once)" >&2
  fresh="$tools_directory/installing-$$"
  trap 'rm -rf "$fresh"; free_lock bun' EXIT
  mkdir -p "$fresh/bin"
  if command -v npm >/dev/null 2>&1; then
    # The executable is in the platform's package, so no install script needs to run.
    npm install --prefix "$fresh/npm" --no-save --no-audit --no-fund --ignore-scripts "bun@$bun_version" >&2 || true
    for candidate in "$fresh"/npm/node_modules/@oven/*/bin/bun; do
      if [ -x "$candidate" ] && is_pinned_bun "$candidate"; then cp "$candidate" "$fresh/bin/bun"; break; fi
    done
  elif command -v curl >/dev/null 2>&1 && command -v bash >/dev/null 2>&1; then
    curl -fsSL https://bun.sh/install | BUN_INSTALL="$fresh" SHELL=/bin/sh bash -s "bun-v$bun_version" >&2 || true
  fi
  if ! [ -x "$fresh/bin/bun" ] || ! is_pinned_bun "$fresh/bin/bun"; then
    echo "intellirouter: Bun $bun_version could not be installed. Install npm (or curl and bash), or put bun $bun_version on the PATH, and try again." >&2
    exit 1
  fi
  mkdir -p "$(dirname "$installed")"
  mv "$fresh/bin/bun" "$installed"
  rm -rf "$fresh"
}

# Installs what package.json names, exactly as locked. `need_dependencies production` leaves out what only tests need.
need_dependencies() {
  stamp=node_modules/.intellirouter-lock
  wanted=$(cksum < bun.lock)
  has_dependencies "${1:-}" && return
  take_lock dependencies
  # Whoever held the lock before may have done the work.
  if ! has_dependencies "${1:-}"; then
    echo "intellirouter: installing dependencies (once)" >&2
    if [ "${1:-}" = production ]; then
      "$BUN" install --frozen-lockfile --production --ignore-scripts >&2 || { free_lock dependencies; exit 1; }
      echo "production $wanted" > "$stamp"
    else
      "$BUN" install --frozen-lockfile --ignore-scripts >&2 || { free_lock dependencies; exit 1; }
      echo "full $wanted" > "$stamp"
    fi
  fi
  free_lock dependencies
}

has_dependencies() {
  case "$(cat "$stamp" 2>/dev/null)" in
    "full $wanted") return 0 ;;
    "production $wanted") [ "${1:-}" = production ] ;;
    *) return 1 ;;
  esac
}
