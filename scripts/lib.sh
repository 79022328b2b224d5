# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Shared by scripts/run and scripts/test: packages and builds. Messages go to standard error only;
# standard input and output belong to the command.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$root/build
python=/usr/bin/python3
[[ -x $python ]] || python=python3

say() { printf 'tarn: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

# Debian packages; `package=command` where the command's name is another one.
# Nothing can be built without the first list; without the others, a backend, the command tarn or a test is left out.
core_packages=(g++ meson ninja-build=ninja pkg-config python3)
backend_packages=(libmimalloc-dev libjemalloc-dev)
# What the command tarn is built with, and the header of the probes of libtarn-record.so.
tool_packages=(systemtap-sdt-dev libdw-dev zlib1g-dev libfmt-dev libcli11-dev nlohmann-json3-dev libiberty-dev
    libncurses-dev)
# Programs that tests and benchmarks run.
program_packages=(perl ruby lua5.4 tcl sqlite3 jq redis-tools git nodejs gdb xz-utils procps php-cli php-xml php-mbstring
    php-sqlite3 php-bcmath php-gmp php-zip php-curl)

# present PACKAGE[=COMMAND]: as a package or, by whatever means, as a command.
present() {
    local package=${1%%=*} command=${1#*=}
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
        type -P -- "$command" >/dev/null
}

# Sets `missing` to the names of the packages that are not present.
find_missing() {
    local entry
    missing=()
    for entry in "$@"; do
        present "$entry" || missing+=("${entry%%=*}")
    done
}

# What makes a command root's: nothing, or sudo, which may ask only where somebody could answer.
as_root=(sudo -n)
if [[ -t 0 && -t 2 ]]; then as_root=(sudo); fi
if ((EUID == 0)); then as_root=(); fi

apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# The package lists are fetched only when they turn out not to know a package.
apt_install_or_update() {
    apt_install "$@" || { "${as_root[@]}" apt-get update && apt_install "$@"; }
}

# All at once; when that fails, one by one, so that one absent package costs only itself.
install_missing() {
    local log package
    type -P apt-get >/dev/null || return 1
    ((EUID == 0)) || type -P sudo >/dev/null || return 1
    say "installing ${missing[*]}"
    log=$(mktemp)
    if ! apt_install_or_update "${missing[@]}" >"$log" 2>&1 </dev/null; then
        for package in "${missing[@]}"; do
            apt_install "$package" >>"$log" 2>&1 </dev/null
        done
    fi
    find_missing "${wanted[@]}"
    ((${#missing[@]} == 0)) || tail -n 5 "$log" >&2
    rm -f "$log"
}

# need_packages NAME...: installs what is absent; ends the script when a core package stays absent.
need_packages() {
    local wanted=("${core_packages[@]}" "$@") missing=()
    find_missing "${wanted[@]}"
    ((${#missing[@]})) || return 0
    install_missing
    ((${#missing[@]})) || return 0
    say "missing Debian packages: ${missing[*]}"
    say "install them: sudo apt-get install -y --no-install-recommends ${missing[*]}"
    find_missing "${core_packages[@]}"
    ((${#missing[@]} == 0)) || fail "cannot build without ${missing[*]}"
    say "going on without them"
}

# quietly CMD...: shows the output only when CMD fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    ((status == 0)) || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# The libraries that the build directory makes; not the tests, for which it may be configured too.
library_targets() { sed -nE 's/^build (libtarn[^ :]*\.(so|a)[.0-9]*): .*/\1/p' "$build/build.ninja"; }

# Makes the libraries and the command tarn, or brings them up to date. The lock keeps two first runs apart.
build_libraries() (
    targets=()
    exec 9<"$root" && flock 9
    if [[ ! -f $build/build.ninja ]]; then
        need_packages "${backend_packages[@]}" "${tool_packages[@]}"
        say "building (once)"
        quietly meson setup "$build" "$root" -Dtests=false -Dbenchmarks=false || fail "meson setup failed"
    fi
    [[ -w $build ]] || exit 0
    mapfile -t targets < <(library_targets)
    quietly ninja -C "$build" "${targets[@]}" || fail "the build failed"
    if has_target tarn && ! quietly ninja -C "$build" tarn; then
        say "the command tarn could not be built; going on without it"
    fi
)

# What the build directory can make below a folder.
targets_below() { sed -nE "s|^build ($1[^ :\|]+): [^ ]*_LINKER .*|\\1|p" "$build/build.ninja"; }

has_target() { grep -q "^build $1:" "$build/build.ninja"; }

# build_benchmarks CONFIGURED FOLDER...: the libraries and the programs below these folders, in the build directory
# of scripts/run; not the tests. It is configured anew unless the command CONFIGURED says that it need not be.
build_benchmarks() (
    local configured=$1 folder
    shift
    build_libraries || exit 1
    exec 9<"$root" && flock 9
    if ! "$configured"; then
        quietly meson setup --reconfigure "$build" "$root" -Dbenchmarks=true || fail "meson setup failed"
    fi
    [[ -w $build ]] || exit 0
    mapfile -t targets < <(for folder in "$@"; do targets_below "$folder"; done)
    say "building the benchmark's programs"
    ((${#targets[@]} == 0)) || quietly ninja -C "$build" "${targets[@]}" || fail "the build failed"
)

# benchmark NAME ARGUMENT...: installs `peer_packages`, builds what lies below `folders` (configured anew unless the
# function `configured` says that it need not be), and becomes scripts/bench_run.py. What only shows needs none of it.
# shellcheck disable=SC2154 # the caller sets the two lists
benchmark() {
    local driver=("$python" -B "$root/scripts/bench_run.py" "$@") argument
    shift
    for argument in "$@"; do
        case $argument in
            --help | -h | --show | --show=* | --compare | --list) exec "${driver[@]}" ;;
            --micro) break ;;
        esac
    done
    need_packages "${backend_packages[@]}" "${peer_packages[@]}"
    build_benchmarks configured "${folders[@]}" || exit 1
    export TARN_BENCH_SETUP_SECONDS=$SECONDS
    exec "${driver[@]}"
}
