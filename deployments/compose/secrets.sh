#!/bin/sh
# Make the files of secrets that compose.yaml names, once: passwords that nobody has to remember. What is there
# already is left alone.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets
umask 0077
make() {
    [ -e "secrets/$1" ] || printf '%s' "$2" >"secrets/$1"
    # Compose hands files over as they are, and the parts are not root: the folder is what keeps others out.
    chmod 0444 "secrets/$1"
}
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
make POSTGRES_PASSWORD "$(random)"
# databases.sql makes the two logins with these; the superuser's password goes to PostgreSQL alone.
make FLEET_PASSWORD "$(random)"
make PREFECT_PASSWORD "$(random)"
make HOMEPOT_AI_DATABASE_URL "postgresql://homepot_ai:$(cat secrets/FLEET_PASSWORD)@postgres/homepot"
make HOMEPOT_AI_PREFECT__DATABASE_URL "postgresql://prefect:$(cat secrets/PREFECT_PASSWORD)@postgres/prefect"
make HOMEPOT_AI_PREFECT__AUTH "operator:$(random)"
make HOMEPOT_AI_MAIL__PASSWORD ""
echo "The login of Prefect's screens: $(cat secrets/HOMEPOT_AI_PREFECT__AUTH)"
