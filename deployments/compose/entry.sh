#!/bin/sh
# A file of this name under /run/secrets is a setting: its content goes into the environment of what is
# started, and stands in no compose file, image or list of processes. What is empty is not set.
set -eu
umask 0077
for name in $(env | sed -n 's/^\(HOMEPOT_AI_[A-Z_]*\)=$/\1/p'); do
    unset "$name"
done
for file in /run/secrets/HOMEPOT_AI_*; do
    [ -s "$file" ] || continue
    value=$(cat "$file")
    export "$(basename "$file")=$value"
done
exec "$@"
