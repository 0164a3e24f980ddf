#!/bin/sh
# homepot-ai's commands with the settings of its units and as their user: `homepot-ai status`.
# Only root can read the secrets, so start it as root: sudo homepot-ai status
set -eu
if [ "$(id -un)" != @USER@ ] && [ "$(id -u)" != 0 ]; then
    echo "homepot-ai: start it as root: sudo homepot-ai $*" >&2
    exit 1
fi
if [ -r @ETC@/secrets.env ]; then
    # What was typed for this command stays: it is in the environment already.
    typed=" $(awk 'BEGIN { for (name in ENVIRON) printf "%s ", name }') "
    # As systemd reads it: nothing is expanded, quotes around a whole value are taken off, the last of a name counts.
    while read -r line || [ -n "$line" ]; do
        case $line in HOMEPOT_AI_*=*) ;; *) continue ;; esac
        name=${line%%=*} value=${line#*=}
        case $name in *[!A-Za-z0-9_]*) continue ;; esac
        case $typed in *" $name "*) continue ;; esac
        case $value in
            \"*\") value=${value#\"} value=${value%\"} ;;
            \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        export "$name=$value"
    done <@ETC@/secrets.env
fi
export HOMEPOT_AI_HOME=@HOME@ HOMEPOT_AI_VAR_DIR=/var/lib/homepot-ai HOMEPOT_AI_PROFILE=default
export HOMEPOT_AI_SETTINGS_FILE=@ETC@/homepot-ai.yaml HOME=/var/lib/homepot-ai
export PYTHONPYCACHEPREFIX=/var/lib/homepot-ai/pycache
umask 0077
if [ "$(id -u)" = 0 ]; then
    # systemd makes it when a unit starts; a command may come before.
    install -d -m 0700 -o @USER@ -g @USER@ /var/lib/homepot-ai
    exec setpriv --reuid=@USER@ --regid=@USER@ --init-groups @PROGRAM@ "$@"
fi
exec @PROGRAM@ "$@"
