#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program while a private LTTng session records its tracepoints in overwrite mode, as a flight recorder does;
# then prints what the rings held: "snapshot BYTES EVENTS".
#
#   lttng_session.sh PROVIDER PROGRAM [ARGUMENT]...
set -eu

# The superuser's daemon has a fixed place: a mount namespace makes it private.
if [ "$(id -u)" = 0 ] && [ "${LTTNG_SESSION_PRIVATE:-}" = "" ]; then
	LTTNG_SESSION_PRIVATE=1 exec unshare --mount --propagation private "$0" "$@"
fi
[ "$(id -u)" != 0 ] || mount -t tmpfs tmpfs /run

provider=$1
shift
LTTNG_HOME=$(mktemp -d)
export LTTNG_HOME
daemon=
finish() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || :
	rm -rf "$LTTNG_HOME"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

quietly() {
	"$@" >"$LTTNG_HOME/said" 2>&1 || {
		cat "$LTTNG_HOME/said" >&2
		exit 1
	}
}

quietly lttng-sessiond --daemonize --no-kernel --pidfile "$LTTNG_HOME/pid"
daemon=$(cat "$LTTNG_HOME/pid")
quietly lttng create bench --snapshot --output "$LTTNG_HOME/out"
quietly lttng enable-event --userspace "$provider:*"
quietly lttng start
LTTNG_UST_REGISTER_TIMEOUT=-1 "$@"
quietly lttng stop
quietly lttng snapshot record
bytes=$(find "$LTTNG_HOME/out" -type f ! -name metadata ! -name '*.idx' -exec stat -c %s {} + | awk '{ n += $1 } END { print n }')
events=$(babeltrace2 "$LTTNG_HOME/out" | wc -l)
echo "snapshot $bytes $events"
quietly lttng destroy
