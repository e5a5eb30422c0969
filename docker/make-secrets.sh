#!/bin/sh
# Make the files that docker-compose.yml mounts as secrets, and .env. What exists is kept: a new secret_key would make
# the stored personal data unreadable.
set -eu
umask 077
cd "$(dirname "$0")/.."

uid=$(id -u) gid=$(id -g)
if [ "$uid" -eq 0 ]; then
    uid=1000 gid=1000
fi

random() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

keep_or_write() {
    [ -e "$1" ] || printf '%s' "$2" >"$1"
}

mkdir -p secrets
keep_or_write secrets/postgres_password "$(random)"
keep_or_write secrets/database_url "postgresql://dispatcher:$(cat secrets/postgres_password)@postgres:5432/dispatcher"
keep_or_write secrets/secret_key "$(random)"
keep_or_write secrets/twilio_auth_token ""
if [ ! -e .env ]; then
    sed -e "s/^DISPATCHER_UID=.*/DISPATCHER_UID=$uid/" -e "s/^DISPATCHER_GID=.*/DISPATCHER_GID=$gid/" .env.example >.env
fi
if [ "$(id -u)" -eq 0 ]; then
    chown -R "$uid:$gid" secrets
fi
echo "secrets/ and .env are ready. Back up secrets/secret_key: without it, stored personal data cannot be read." >&2
