#!/bin/sh
# Installs Visage on a Debian machine: sh install.sh [FILE.deb [SHA256]]
# Without FILE, the one package that lies beside this script. The package must have the SHA-256 that is given, or else the
# one in FILE.deb.sha256. Run again, it installs again and loses nothing.
set -eu

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# --- Which file
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -gt 2 ] || [ "${1:-}" = --help ]; then fail "usage: sh install.sh [FILE.deb [SHA256]]"; fi
given=${2:-}
if [ $# -ge 1 ]; then
    package=$1
else
    set -- "$here"/visage*.deb
    [ $# -eq 1 ] || fail "there are $# packages in $here; say which: sh install.sh FILE.deb"
    package=$1
fi
[ -f "$package" ] || fail "there is no package $package"

[ "$(id -u)" -eq 0 ] || fail "only root installs packages; run: sudo sh $0 $package"
command -v dpkg-deb >/dev/null || fail "this is not a Debian system (no dpkg); Visage is packaged for Debian 12 and later"

# --- Whether it is the file that was published
sums=$package.sha256
if [ -n "$given" ]; then
    expected=$given
elif [ -f "$sums" ]; then
    expected=$(sed -n '1s/[[:space:]].*//p' "$sums")
else
    fail "there is no $sums; copy it from where the package came from, or give the SHA-256 that was published:" \
        "sh install.sh $package SHA256"
fi
expected=$(printf %s "$expected" | tr A-F a-f)
case "$expected" in
    *[!0-9a-f]* | '') fail "expected a SHA-256 of 64 hexadecimal digits, got \"$expected\"" ;;
esac
[ ${#expected} -eq 64 ] || fail "expected a SHA-256 of 64 hexadecimal digits, got ${#expected}"

# What is checked is what is installed: nobody else can write to the copy.
work=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
copy=$work/visage.deb
cp "$package" "$copy"
actual=$(sha256sum "$copy" | cut -d ' ' -f 1)
[ "$actual" = "$expected" ] ||
    fail "$package is not the package that was published: expected SHA-256 $expected, got $actual; copy it again"

# --- Whether it fits this machine
[ "$(dpkg-deb -f "$copy" Package 2>/dev/null)" = visage ] || fail "$package is not a package of Visage"

wanted=$(dpkg-deb -f "$copy" Architecture)
machine=$(dpkg --print-architecture)
[ "$wanted" = "$machine" ] || fail "the package is for $wanted and this machine is $machine; take the package for $machine"

least=$(dpkg-deb -f "$copy" Depends | sed -n 's/.*libc6 (>= \([^)]*\)).*/\1/p')
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
needed=$((2 * $(dpkg-deb -f "$copy" Installed-Size)))
free=$(df -Pk /usr | awk 'END { print $4 }')
[ "$free" -ge "$needed" ] || fail "/usr has $((free / 1024)) MB free, and the installation needs $((needed / 1024)) MB"

# --- Install
dpkg --install "$copy" || fail "dpkg did not install it; the lines above say why. After mending that, run this again"

# --- What next
# Where a socket unit listens, such as 127.0.0.1:8080 or [::]:8443; nothing where it is not active.
listens() {
    systemctl --quiet is-active "$1" && systemctl show --property Listen --value "$1" | sed -n '1s/ (Stream)$//p'
}

if ! ls /usr/lib/visage/models/faceplugin/*.onnx >/dev/null 2>&1; then
    echo "Next, with network: visage-fetch-models && systemctl restart visage"
elif ! [ -d /run/systemd/system ]; then
    echo "Installed. systemd does not run here, so the service was not started; ExecStart in" \
        "/usr/lib/systemd/system/visage.service shows how it is."
elif systemctl --quiet is-active visage.service; then
    echo "Visage runs."
    http=$(listens visage.socket) || http=
    https=$(listens visage-https.socket) || https=
    [ -z "$http" ] || echo "  on this machine:   http://$http/swagger"
    [ -z "$https" ] || echo "  from the network:  https://$(hostname):${https##*:}/swagger (a self-signed certificate:" \
        "/usr/share/doc/visage/operations.md says how to check or replace it)"
    echo "  make a key:        visagectl keys create --name first"
else
    fail "the package is installed, but the service does not run: journalctl -u visage says why"
fi
