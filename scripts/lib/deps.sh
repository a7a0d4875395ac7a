# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What quickstart and test share: the Debian packages, the place of the build, the ordinary user.
# To be sourced by bash with `set -euo pipefail`; says everything on stderr.

SBX_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SBX_TEST_USER=sbx-test

BUILD_PACKAGES=(cmake ninja-build g++ pkg-config libseccomp-dev libcap-dev libcli11-dev
  libtomlplusplus-dev catch2 libfmt-dev nlohmann-json3-dev clang bpftool libbpf-dev libelf-dev
  zlib1g-dev python3 python3-jsonschema)

# The programs whose policies are tested on them. Their services are not wanted: see need_packages.
REAL_PACKAGES=(apache2 redis-server memcached postgresql sqlite3 wget git openssh-client
  openssh-server openssl rsync xz-utils bzip2 perl default-jre-headless make clang vim less ffmpeg
  apparmor bubblewrap firejail-profiles systemd runc golang-github-containers-common python3-yaml
  imagemagick ghostscript poppler-utils libpython3.11-testsuite tmux)
UNWANTED_SERVICES=(nginx apache2 redis-server memcached postgresql ssh)

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$0: $1"
  [ $# -lt 2 ] || say "hint: $2"
  exit 1
}

# The packages among the arguments that are not installed. One call: quick when all are there.
missing_packages() {
  local installed package
  # dpkg-query fails if any of them is unknown, and still lists the others.
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' || true)
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs what is missing of the arguments. The services that packages bring (nginx's, on port 80)
# are not wanted: masked until the next boot at most, and unmasked when the installation is over.
# A service that is there already is somebody's, and stays as it is.
need_packages() {
  command -v dpkg-query >/dev/null || {
    say "$0: no dpkg here, so the packages are not checked; on Debian 12 they are: $*"
    return 0
  }
  local missing service masked=()
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  local line="apt-get install --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing: ${missing[*]}" \
      "as root: $line"
    # Without a terminal sudo could only hang or fail, without saying what it is wanted for.
    [ -t 0 ] || sudo -n true 2>/dev/null ||
      fail "these packages are missing, and sudo wants a password: ${missing[*]}" "sudo $line"
  fi
  say "installing: ${missing[*]}"
  if [ -d /run/systemd/system ]; then
    for service in "${UNWANTED_SERVICES[@]}"; do
      systemctl cat "$service.service" >/dev/null 2>&1 || masked+=("$service.service")
    done
    [ ${#masked[@]} = 0 ] || as_root systemctl mask --runtime --quiet "${masked[@]}" || masked=()
  fi
  local status=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y update >&2 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
      --no-install-recommends "${missing[@]}" >&2 || status=$?
  [ ${#masked[@]} = 0 ] || as_root systemctl unmask --runtime --quiet "${masked[@]}" || true
  [ $status = 0 ] || fail "apt-get failed with status $status" "as root: $line"
}

# Where a preset is built: in the checkout, or in the user's cache if the checkout is not theirs.
build_directory() {
  local preset=$1
  if [ -w "$SBX_SOURCE" ] && { [ ! -e "$SBX_SOURCE/build" ] || [ -w "$SBX_SOURCE/build" ]; } &&
    { [ ! -e "$SBX_SOURCE/build/$preset" ] || [ -w "$SBX_SOURCE/build/$preset" ]; }; then
    printf '%s\n' "$SBX_SOURCE/build/$preset"
  else
    printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/sbx/build/$preset"
  fi
}

# build PRESET [TARGET...]: configures where that has not been done, and builds.
build() {
  local preset=$1 directory
  shift
  directory=$(build_directory "$preset")
  if [ ! -e "$directory/build.ninja" ]; then
    mkdir -p "$directory"
    (cd "$SBX_SOURCE" && cmake --preset "$preset" -B "$directory") >&2 ||
      fail "cmake cannot configure $directory"
  fi
  # Silent when there is nothing to do, so that the output is that of the command alone.
  ninja -C "$directory" --quiet "$@" 2>&1 | { grep -v '^ninja: no work to do\.$' >&2 || true; } ||
    fail "the build in $directory failed"
  # Root's files in somebody's checkout would be in their way for ever.
  if [ "$(id -u)" = 0 ] && [ "$directory" = "$SBX_SOURCE/build/$preset" ]; then
    local owner
    owner=$(stat -c %u:%g "$SBX_SOURCE")
    [ "$owner" = 0:0 ] || chown -R "$owner" "$SBX_SOURCE/build"
  fi
}

# Makes the ordinary user for whom root runs the demonstration.
need_test_user() {
  id -u "$SBX_TEST_USER" >/dev/null 2>&1 ||
    useradd --create-home --shell /bin/bash "$SBX_TEST_USER" ||
    fail "cannot make the user $SBX_TEST_USER"
}

# as_ordinary_user COMMAND...: replaces this (sub)shell by the command; root becomes the test user,
# with nothing of root's environment. setpriv execs, so signals reach the command itself.
as_ordinary_user() {
  if [ "$(id -u)" != 0 ]; then
    exec "$@"
  fi
  local home
  home=$(getent passwd "$SBX_TEST_USER" | cut -d: -f6)
  cd /
  exec env -i PATH="$PATH" HOME="$home" USER="$SBX_TEST_USER" LOGNAME="$SBX_TEST_USER" \
    TERM="${TERM:-dumb}" LANG="${LANG:-C.UTF-8}" \
    setpriv --reuid "$SBX_TEST_USER" --regid "$SBX_TEST_USER" --init-groups --inh-caps=-all -- "$@"
}

# The built sbx at a place that the ordinary user can reach: the build itself, or a copy of it if
# the checkout lies where only its owner may go. Sets SBX_PROGRAM, and SBX_COPY for `remove_copy`.
SBX_COPY=
reachable_program() {
  SBX_PROGRAM=$(build_directory release)/sbx
  [ "$(id -u)" = 0 ] || return 0
  (as_ordinary_user test -x "$SBX_PROGRAM" -a -r "$(dirname "$SBX_PROGRAM")/share/sbx/policies/base.toml") &&
    return 0
  SBX_COPY=$(mktemp -d "${TMPDIR:-/tmp}/sbx-quickstart-XXXXXX")
  chmod 755 "$SBX_COPY"
  install -m 755 "$SBX_PROGRAM" "$SBX_COPY/sbx"
  cp -r "$(dirname "$SBX_PROGRAM")/share" "$SBX_COPY/share"
  chmod -R u=rwX,go=rX "$SBX_COPY/share"
  SBX_PROGRAM=$SBX_COPY/sbx
}

remove_copy() { [ -z "$SBX_COPY" ] || rm -rf "$SBX_COPY"; }
