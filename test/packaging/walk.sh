#!/bin/bash
# Runs inside a bare Debian root as root, without systemd and without network: the life of an installed appliance.
# /pkg holds first.deb, second.deb (newer, same schema), third.deb (newer, newer schema), install.sh; /pictures three
# photographs. A line `ok - ...` for each thing that holds; the first that does not ends it.
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
unset NODE_EXTRA_CA_CERTS

ok() { echo "ok - $*"; }
fail() { echo "not ok - $*"; exit 1; }
version() { dpkg-query -W -f '${Version}' visage; }

start() {
    setpriv --reuid=visage --regid=visage --init-groups env -i PATH=/usr/bin:/bin NODE_ENV=production \
        VISAGE_CONFIG=/etc/visage/visage.toml /usr/lib/visage/bin/node /usr/lib/visage/dist/src/main.js \
        >/tmp/log 2>&1 &
    service=$!
    for _ in $(seq 120); do
        grep -q '"msg":"listening"' /tmp/log && return
        kill -0 "$service" 2>/dev/null || break
        sleep 0.5
    done
    cat /tmp/log
    fail "the service starts"
}
stop() { kill "$service"; wait "$service"; }

# call METHOD PATH [FILE]: prints the answer; there is no curl in a bare system.
call() {
    /usr/lib/visage/bin/node --input-type=module -e '
        import { readFileSync } from "node:fs";
        const [method, path, file] = process.argv.slice(1);
        const headers = { Authorization: `ApiKey ${process.env.KEY}` };
        const isPicture = file?.startsWith("/");
        if (file) headers["Content-Type"] = isPicture ? "image/jpeg" : "application/json";
        const body = file && (isPicture ? readFileSync(file) : file);
        const answer = await fetch(`http://127.0.0.1:8080/v1/${path}`, { method, headers, body });
        console.log(await answer.text());
        process.exitCode = answer.ok ? 0 : 1;
    ' "$@"
}
face_of() { sed -n 's/.*"faceId":"\([^"]*\)".*/\1/p'; }
search() { call POST 'face/search?collectionId=staff' "/pictures/$1" | face_of; }

sh /pkg/install.sh /pkg/first.deb >/tmp/install 2>&1 || { cat /tmp/install; fail "install.sh installs the package"; }
grep -q '^Installed\.' /tmp/install || fail "install.sh says what next"
ok "install.sh installs the package on a bare system, without network"
first=$(version)

[ "$(stat -c '%a %U %G' /var/lib/visage)" = "700 visage visage" ] || fail "the data folder is the service's alone"
[ "$(stat -c '%a %U %G' /etc/visage/visage.toml)" = "640 root visage" ] || fail "the settings are root's"
[ "$(stat -c '%a %U %G' /etc/visage/backup.key)" = "640 root visage" ] || fail "the backup key is root's"
grep -qxE '[0-9a-f]{64}' /etc/visage/backup.key || fail "the backup key has 64 hex digits"
cp -p /etc/visage/backup.key /tmp/backup.key
[ "$(getent passwd visage | cut -d: -f7)" = /usr/sbin/nologin ] || fail "nobody logs in as visage"
ok "the user is there, and the folders have their modes"

start
KEY=$(visagectl keys create --name first)
export KEY
call POST collection/create '{"collectionId":"staff"}' >/dev/null
face=$(call POST 'face/index?collectionId=staff' /pictures/sample1.jpg | face_of)
[ -n "$face" ] || fail "a face is indexed"
[ "$(search sample3.jpg)" = "$face" ] || fail "another photograph of the woman is found"
[ -z "$(search sample6.jpg)" ] || fail "a stranger is not found"
ok "the service indexes a face, finds it in another photograph, and does not find a stranger"
stop

sed -i 's/^# Settings of Visage\./# Changed by the operator./' /etc/visage/visage.toml
sh /pkg/install.sh /pkg/first.deb >/dev/null 2>&1 || fail "install.sh runs a second time"
ok "install.sh may be run again"

dpkg -i /pkg/second.deb >/dev/null 2>&1 || fail "the second version installs"
[ "$(version)" != "$first" ] || fail "the second version is there"
grep -q 'Changed by the operator' /etc/visage/visage.toml || fail "the operator's settings are kept"
cmp -s /etc/visage/backup.key /tmp/backup.key || fail "the backup key is kept"
[ "$(stat -c '%a %U %G' /etc/visage/visage.toml)" = "640 root visage" ] || fail "the settings keep their mode"
start
[ "$(search sample3.jpg)" = "$face" ] || fail "the face is found after the upgrade"
stop
ok "an upgrade keeps settings and faces"

dpkg -i /pkg/first.deb >/dev/null 2>&1 || fail "going back within one schema is allowed"
[ "$(version)" = "$first" ] || fail "the first version is back"
ok "going back to an older version of the same schema is allowed"

dpkg -i /pkg/third.deb >/dev/null 2>&1 || fail "the third version installs"
third=$(version)
if dpkg -i /pkg/first.deb >/tmp/refusal 2>&1; then fail "an older schema is refused"; fi
grep -q 'visage: version .* is not installed: .*Downgrade.*Nothing was changed' /tmp/refusal || fail "it says why"
[ "$(dpkg-query -W -f '${Status} ${Version}' visage)" = "install ok installed $third" ] || fail "nothing was changed"
ok "a version with an older schema is refused with a sentence, and the newer one stays whole"

dpkg -r visage >/dev/null 2>&1
[ ! -e /usr/lib/visage ] || fail "a removal leaves no program"
[ -f /var/lib/visage/data.mdb ] && [ -f /etc/visage/visage.toml ] || fail "a removal keeps data and settings"
if dpkg -i /pkg/first.deb >/dev/null 2>&1; then fail "an older schema is refused after a removal too"; fi
ok "a removal keeps data and settings, and who wrote them is still known"

dpkg -i /pkg/third.deb >/dev/null 2>&1
start
[ "$(search sample3.jpg)" = "$face" ] || fail "the face is found after the reinstallation"
stop
ok "a reinstallation finds its faces again"

dpkg -P visage >/dev/null 2>&1
for path in /var/lib/visage /etc/visage /usr/lib/visage; do [ ! -e "$path" ] || fail "a purge leaves $path"; done
getent passwd visage >/dev/null || fail "the user stays"
if dpkg-query -W visage >/dev/null 2>&1; then fail "dpkg has forgotten the package"; fi
ok "a purge takes data and settings, and leaves the user"

dpkg -i /pkg/first.deb >/dev/null 2>&1 || fail "after a purge any version installs"
start
stop
ok "after a purge an older version starts anew"
