# shellcheck shell=sh
# Sourced by test.sh, after tools.sh: builds the clients of other languages into .tools/, from the versions that are pinned beside them.
# What cannot be had is an error that says what to install; nothing is skipped.

client_tools="$PWD/.tools"

# Sets PYTHON to an interpreter that the clients run on.
need_python() {
  find_python && return
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing python3-venv" >&2
    { apt-get install -y -qq python3-venv || { apt-get update -qq && apt-get install -y -qq python3-venv; }; } >/dev/null 2>&1
    find_python && return
  fi
  echo "test.sh: the Python clients need Python 3.10 or newer with venv and pip; install it (Debian: apt-get install python3-venv) and try again." >&2
  return 1
}

find_python() {
  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    PYTHON=$(command -v "$candidate" 2>/dev/null) || continue
    "$PYTHON" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && return
  done
  return 1
}

install_python_clients() {
  python_requirements=test/clients/python/requirements.txt
  python_folder="$client_tools/python-clients"
  has_python_clients && return
  need_python || return 1
  take_lock python-clients
  # Whoever held the lock before may have done the work.
  if ! has_python_clients; then
    rm -rf "$python_folder"
    if ! "$PYTHON" -m venv "$python_folder" ||
      ! "$python_folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$python_requirements"; then
      free_lock python-clients
      echo "test.sh: pip could not install what $python_requirements lists. Without a network, put the wheels into a folder and set PIP_NO_INDEX=1 and PIP_FIND_LINKS to it." >&2
      return 1
    fi
    cksum < "$python_requirements" > "$python_folder/installed"
  fi
  free_lock python-clients
}

has_python_clients() {
  [ "$(cat "$python_folder/installed" 2>/dev/null)" = "$(cksum < "$python_requirements")" ] &&
    "$python_folder/bin/python" -c 'import openai, anthropic' 2>/dev/null
}

# The Chroma server, from its Python package: the one of npm needs a newer C library than many systems have.
chroma() {
  chroma_requirements=test/support/chroma-requirements.txt
  chroma_folder="$client_tools/chroma"
  has_chroma && return
  need_python || return 1
  take_lock chroma
  # Whoever held the lock before may have done the work.
  if ! has_chroma; then
    rm -rf "$chroma_folder"
    if ! "$PYTHON" -m venv "$chroma_folder" ||
      ! "$chroma_folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$chroma_requirements"; then
      free_lock chroma
      echo "test.sh: pip could not install what $chroma_requirements lists. Without a network, put the wheels into a folder and set PIP_NO_INDEX=1 and PIP_FIND_LINKS to it." >&2
      return 1
    fi
    cksum < "$chroma_requirements" > "$chroma_folder/installed"
  fi
  free_lock chroma
}

has_chroma() {
  [ "$(cat "$chroma_folder/installed" 2>/dev/null)" = "$(cksum < "$chroma_requirements")" ] && [ -x "$chroma_folder/bin/chroma" ]
}

build_rust_client() {
  cargo=$(command -v cargo || true)
  [ -n "$cargo" ] || cargo="${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo"
  if ! [ -x "$cargo" ]; then
    echo "test.sh: the Rust client needs Rust 1.85 or newer; install it (https://rustup.rs) and try again." >&2
    return 1
  fi
  "$cargo" build --quiet --locked --manifest-path test/clients/rust/Cargo.toml --target-dir "$client_tools/rust-clients" && return
  echo "test.sh: the Rust client could not be built. It needs Rust 1.85 or newer and, the first time, the crates that test/clients/rust/Cargo.lock names (\`cargo fetch\` gets them ahead)." >&2
  return 1
}
