#!/bin/sh
# Installs Visage on a Debian machine from the package file alone: sh install.sh [FILE.deb]
# Without FILE, the one package that lies beside this script. Run again, it installs again and loses nothing.
set -eu

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# --- Which file
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -gt 1 ] || [ "${1:-}" = --help ]; then fail "usage: sh install.sh [FILE.deb]"; fi
if [ $# -eq 1 ]; then
    package=$1
else
    set -- "$here"/visage*.deb
    [ $# -eq 1 ] || fail "there are $# packages in $here; say which: sh install.sh FILE.deb"
    package=$1
fi
[ -f "$package" ] || fail "there is no package $package"

# --- Whether it fits this machine
[ "$(id -u)" -eq 0 ] || fail "only root installs packages; run: sudo sh $0 $package"
command -v dpkg-deb >/dev/null || fail "this is not a Debian system (no dpkg); Visage is packaged for Debian 12 and later"
[ "$(dpkg-deb -f "$package" Package 2>/dev/null)" = visage ] || fail "$package is not a whole package of Visage; copy it again"

wanted=$(dpkg-deb -f "$package" Architecture)
machine=$(dpkg --print-architecture)
[ "$wanted" = "$machine" ] || fail "the package is for $wanted and this machine is $machine; take the package for $machine"

least=$(dpkg-deb -f "$package" Depends | sed -n 's/.*libc6 (>= \([^)]*\)).*/\1/p')
libc=$(dpkg-query -W -f '${Version}' libc6)
dpkg --compare-versions "$libc" ge "$least" ||
    fail "this system is too old: it has glibc $libc, and the package needs $least (Debian 12 or later)"

if [ "$machine" = amd64 ]; then
    flags=" $(sed -n 's/^flags[[:space:]]*: //p' /proc/cpuinfo | head -n 1) "
    for flag in avx avx2 bmi1 bmi2 f16c fma abm movbe; do
        case "$flags" in
            *" $flag "*) ;;
            *) fail "this processor lacks $flag; Visage needs x86-64-v3 (Intel since 2013, AMD since 2015)" ;;
        esac
    done
fi

# Twice the size, since an upgrade has the old and the new files for a moment.
needed=$((2 * $(dpkg-deb -f "$package" Installed-Size)))
free=$(df -Pk /usr | awk 'END { print $4 }')
[ "$free" -ge "$needed" ] || fail "/usr has $((free / 1024)) MB free, and the installation needs $((needed / 1024)) MB"

# --- Install
dpkg --install "$package" || fail "dpkg did not install it; the lines above say why. After mending that, run this again"

# --- What next
if ! ls /usr/lib/visage/models/faceplugin/*.onnx >/dev/null 2>&1; then
    echo "Next, with network: visage-fetch-models && systemctl restart visage"
elif ! [ -d /run/systemd/system ]; then
    echo "Installed. systemd does not run here, so the service was not started; ExecStart in" \
        "/usr/lib/systemd/system/visage.service shows how it is."
elif systemctl --quiet is-active visage.service; then
    echo "Visage runs. Make a key: visagectl keys create --name first"
else
    fail "the package is installed, but the service does not run: journalctl -u visage says why"
fi
