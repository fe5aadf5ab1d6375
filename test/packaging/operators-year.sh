#!/bin/bash
# Runs inside a bare Debian root as root, without systemd and without network: an operator's year with the packaged files.
# /pkg holds first.deb, second.deb (newer, same schema), install.sh, manager (see test/systemd/manager.cc) and tls/ with a
# certificate and its key; /pictures three photographs. A line `ok - ...` for each thing that holds; the first that does
# not ends it.
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
unset NODE_EXTRA_CA_CERTS

ok() { echo "ok - $*"; }
fail() {
    echo "not ok - $*"
    tail -n 20 /tmp/manager || true
    exit 1
}
heard() { grep -c "^told .*$1" /tmp/manager || true; }
# Waits until the manager was told something once more than before. PATTERN TIMES-BEFORE
hear() {
    for _ in $(seq 240); do
        [ "$(heard "$1")" -gt "$2" ] && return
        sleep 0.5
    done
    fail "the service says $1"
}
# Stands for systemd: holds the sockets, hears the service, restarts it.
start() {
    /pkg/manager @visage http https -- env PATH=/usr/bin:/bin NODE_ENV=production HOME=/nonexistent \
        VISAGE_CONFIG=/etc/visage/visage.toml RUNTIME_DIRECTORY=/run/visage \
        setpriv --reuid=visage --regid=visage --init-groups \
        /usr/lib/visage/bin/node /usr/lib/visage/dist/src/main.js >/tmp/manager 2>&1 &
    manager=$!
    hear READY=1 0
    HTTP=$(sed -n 's/^socket http //p' /tmp/manager)
    HTTPS=$(sed -n 's/^socket https //p' /tmp/manager)
    export HTTP HTTPS
}
restart() {
    local before
    before=$(heard READY=1)
    kill -USR1 "$manager"
    hear READY=1 "$before"
}
stop() {
    kill "$manager"
    wait "$manager"
}
node() { /usr/lib/visage/bin/node --input-type=module -e "$@"; }
# call METHOD PATH [FILE]: prints the answer.
call() {
    node '
        import { readFileSync } from "node:fs";
        const [method, path, file] = process.argv.slice(1);
        const headers = { Authorization: `ApiKey ${process.env.KEY}` };
        const isPicture = file?.startsWith("/");
        if (file) headers["Content-Type"] = isPicture ? "image/jpeg" : "application/json";
        const body = file && (isPicture ? readFileSync(file) : file);
        const answer = await fetch(`http://127.0.0.1:${process.env.HTTP}/v1/${path}`, { method, headers, body });
        console.log(await answer.text());
        process.exitCode = answer.ok ? 0 : 1;
    ' "$@"
}
who() { call POST 'face/search?collectionId=staff' "/pictures/$1" | sed -n 's/.*"externalKey":"\([^"]*\)".*/\1/p'; }
# SHA-256 of the certificate that the service shows.
fingerprint() {
    node '
        import { connect } from "node:tls";
        const socket = connect({ port: process.env.HTTPS, host: "127.0.0.1", rejectUnauthorized: false }, () => {
            console.log(socket.getPeerCertificate().fingerprint256);
            socket.destroy();
        });
    '
}

# Spring: install, first owner, key, people.
sh /pkg/install.sh /pkg/first.deb >/tmp/install 2>&1 || { cat /tmp/install; fail "the package installs"; }
install -d -o visage -g visage -m 0750 /run/visage
export VISAGE_CONFIG=/etc/visage/visage.toml
start
printf 'a long and quiet spring\n' | visagectl members create --email ada@example.com --name Ada --role owner --password-stdin
visagectl members list | grep -q ada@example.com || fail "the owner is listed"
KEY=$(visagectl keys create --name reception)
export KEY
visagectl collections create staff >/dev/null || fail "a collection is made"
ok "installed, with a first owner, a key and a collection"

mkdir -p /tmp/people/anna /tmp/people/emma
cp /pictures/sample1.jpg /tmp/people/anna/ && cp /pictures/sample6.jpg /tmp/people/emma/
chmod -R a+rX /tmp/people
visagectl import /tmp/people --collection staff --journal /tmp/journal >/tmp/import || { cat /tmp/import; fail "people are imported"; }
[ "$(who sample3.jpg)" = anna ] || fail "an imported person is found in another photograph"
ok "people are imported and found"

# Summer: keys, tokens and the certificate change; settings are read again.
old=$KEY
id=$(visagectl keys list --json | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
KEY=$(visagectl keys create --name reception-2)
visagectl keys revoke "$id" >/dev/null
[ "$(who sample3.jpg)" = anna ] || fail "the new key works"
if KEY=$old call GET collection/get-all >/dev/null; then fail "the old key is refused"; fi
visagectl tokens rotate >/dev/null || fail "the key of the tokens is changed"
ok "keys are rotated"

own=$(fingerprint)
grep -q "${own}" /tmp/manager || fail "the fingerprint of the self-signed certificate was printed"
install -d -m 0755 /etc/visage/tls
install -m 0644 /pkg/tls/certificate.pem /etc/visage/tls/certificate.pem
install -m 0640 -g visage /pkg/tls/key.pem /etc/visage/tls/key.pem
cat >>/etc/visage/visage.toml <<'TOML'
tls_certificate = "/etc/visage/tls/certificate.pem"
tls_key = "/etc/visage/tls/key.pem"
log_level = "debug"
TOML
visagectl config check >/dev/null || fail "the settings are right"
visagectl reload >/dev/null || fail "the settings are read again"
[ "$(fingerprint)" != "$own" ] || fail "another certificate is shown after the reload"
cp /etc/visage/visage.toml /tmp/good.toml
echo 'log_levle = "info"' >>/etc/visage/visage.toml
if visagectl reload >/tmp/refusal 2>&1; then fail "wrong settings are refused"; fi
grep -q log_level /tmp/refusal || fail "the refusal names what is near"
cat /tmp/good.toml >/etc/visage/visage.toml
[ "$(who sample3.jpg)" = anna ] || fail "the service goes on"
ok "certificate and settings change without a restart; wrong settings change nothing"

# Autumn: an upgrade while clients call.
node '
    import { readFileSync, existsSync } from "node:fs";
    const body = readFileSync("/pictures/sample3.jpg");
    const headers = { Authorization: `ApiKey ${process.env.KEY}`, "Content-Type": "image/jpeg", Connection: "close" };
    const url = `http://127.0.0.1:${process.env.HTTP}/v1/face/search?collectionId=staff`;
    let answered = 0;
    const refused = [];
    await Promise.all(Array.from({ length: 4 }, async () => {
        while (!existsSync("/tmp/enough")) {
            try {
                const answer = await fetch(url, { method: "POST", headers, body });
                await answer.text();
                if (answer.ok) answered++;
                else refused.push(answer.status);
            } catch (error) { refused.push(String(error.cause ?? error)); }
        }
    }));
    console.log(`${answered} answered, ${refused.length} refused ${refused.slice(0, 3).join("; ")}`);
    process.exitCode = refused.length === 0 && answered > 0 ? 0 : 1;
' >/tmp/clients 2>&1 &
clients=$!
sleep 2
dpkg -i /pkg/second.deb >/tmp/upgrade 2>&1 || { cat /tmp/upgrade; fail "the newer version installs"; }
restart
sleep 2
touch /tmp/enough
wait "$clients" || { cat /tmp/clients; fail "an upgrade refuses no connection"; }
[ "$(who sample3.jpg)" = anna ] || fail "people are found after the upgrade"
ok "upgraded under load: $(cat /tmp/clients)"

# A crash.
service=$(sed -n 's/^started //p' /tmp/manager | tail -n 1)
kill -KILL "$service"
wait "$manager" || true
start
[ "$(who sample3.jpg)" = anna ] || fail "people are found after a crash"
visagectl verify >/dev/null || fail "the store is whole after a crash"
ok "killed, started again, and nothing is missing"

# Winter: a backup, a lost disk, a restore.
install -d -o visage -g visage -m 0700 /var/backups/visage
backup=$(visagectl backup --to /var/backups/visage --keep 7)
visagectl verify "$backup" >/dev/null || fail "the backup is whole"
stop
find /var/lib/visage -mindepth 1 -delete
visagectl restore "$backup" >/tmp/restore 2>&1 || { cat /tmp/restore; fail "the backup is restored"; }
[ -z "$(find /var/lib/visage -mindepth 1 ! -user visage)" ] || fail "what is restored belongs to the service"
start
[ "$(who sample3.jpg)" = anna ] || fail "people are found after the restore"
[ "$(who sample6.jpg)" = emma ] || fail "all of them are"
visagectl members list | grep -q ada@example.com || fail "the owner is back"
visagectl audit verify >/dev/null || fail "the audit log is whole"
visagectl status >/dev/null || fail "the service is ready"
ok "backed up, lost the disk, restored: people, keys, owner and audit log are back"
stop

dpkg -r visage >/dev/null 2>&1
[ -f /var/lib/visage/data.mdb ] || fail "a removal keeps the data"
dpkg -P visage >/dev/null 2>&1
[ ! -e /var/lib/visage ] && [ ! -e /etc/visage ] || fail "a purge takes data and settings"
[ -d /var/backups/visage ] || fail "a purge leaves the backups"
ok "removed and purged; the backups stay"
