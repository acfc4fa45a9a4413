# Sourced by the scripts beside this folder: installs what is missing.

# The package's root, from this file's own place.
PTH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '\n== %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The C libraries and programs that the tool needs to build and run.
TOOL_PACKAGES=(libzip-dev libdeflate-dev libdnnl-dev pkg-config gnuplot-nox)
# PyTorch and the embeddable CPython that judge it in the tests.
TEST_PACKAGES=(python3-torch libpython3-dev)

# How the tool is built for use: with Swift's libraries in itself on Linux, so
# that it runs without a toolchain. Other flags would compile everything anew.
TOOL_BUILD=(swift build -c release --product pth)
if [ "$(uname -s)" = Linux ]; then TOOL_BUILD+=(--static-swift-stdlib); fi

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    die "these packages are missing: ${missing[*]}
Install them as root: apt-get install ${missing[*]}"
  fi
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages NAME...: installs those Debian packages that are missing.
install_packages() {
  if [ "$(uname -s)" = Darwin ]; then
    command -v brew >/dev/null 2>&1 ||
      die "install Homebrew first, then: brew install libzip libdeflate onednn pkg-config gnuplot"
    local formula
    for formula in libzip libdeflate onednn pkg-config gnuplot; do
      brew list "$formula" >/dev/null 2>&1 || brew install "$formula"
    done
    return
  fi
  command -v apt-get >/dev/null 2>&1 ||
    die "this script installs with apt-get, which is not here. Install the
counterparts of these Debian packages, then run swift build: $*"
  local name
  missing=()
  for name in "$@"; do
    is_installed "$name" || missing+=("$name")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  say "installing ${missing[*]}"
  # Quiet unless it fails: a thousand lines of apt hide what matters.
  local log
  log=$(mktemp)
  if ! as_root apt-get -q update >"$log" 2>&1 ||
    ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy install \
      --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    die "apt-get could not install ${missing[*]}"
  fi
  rm -f "$log"
}

require_swift() {
  command -v swift >/dev/null 2>&1 ||
    die "swift is not on the PATH. Install Swift 6.3 or newer: https://www.swift.org/install"
}

# toolchain_program NAME: the path of a program that comes with swift. Another
# one of that name on the PATH may be of another version.
toolchain_program() {
  local resources path
  resources=$(swiftc -print-target-info |
    sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
  path=$(cd "$resources/../../bin" && pwd)/$1
  [ -x "$path" ] || die "the Swift toolchain has no $1: $path"
  printf '%s\n' "$path"
}

set_up_tool() {
  require_swift
  install_packages "${TOOL_PACKAGES[@]}"
}

set_up_tests() {
  require_swift
  install_packages "${TOOL_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
  # Another Python on the PATH may bring a python3-embed of its own, which
  # could not import the system's torch.
  local directory
  for directory in /usr/lib/"$(uname -m)"-linux-gnu/pkgconfig /usr/lib/pkgconfig; do
    if [ -e "$directory/python3-embed.pc" ]; then
      export PKG_CONFIG_PATH=$directory${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
      break
    fi
  done
}
