#!/bin/bash
# SPDX-License-Identifier: MIT
# Every mistake gets one clear message and a remedy: the commands of tests/golden/*.txt say exactly what stands there.
#
# A transcript has lines "$ COMMAND", what the command prints (both streams), and "[STATUS]"; "#" begins a comment.
# UPDATE=1 writes the transcripts anew, to be read before they are committed.
set -u
: "${HYPERTRACE:?the program to test}"
GOLDEN=$(cd "$(dirname "$0")/../golden" && pwd)
work=$(mktemp -d)
servers=
sleeper=
trap 'kill $servers 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

# Root reads everything: then the command runs as nobody.
unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# A socket that does not speak QMP, and one that says nothing.
serve() { # SOCKET TEXT
	python3 -c '
import socket, sys
server, clients = socket.socket(socket.AF_UNIX), []
server.bind(sys.argv[1])
server.listen(5)
while True:
    clients.append(server.accept()[0])
    if sys.argv[2]:
        clients.pop().send(sys.argv[2].encode() + b"\r\n")
' "$1" "$2" &
	servers="$servers $!"
}

replay() { # TRANSCRIPT: the same with what is really said
	local line first=1
	while IFS= read -r line; do
		case $line in
		'#'*)
			[ $first = 1 ] || echo
			echo "$line"
			;;
		'$ '*)
			echo "$line"
			eval "${line#'$ '}" </dev/null 2>&1
			echo "[$?]"
			;;
		esac
		first=0
	done <"$1"
}

hypertrace() {
	timeout 20 "$HYPERTRACE" "$@"
}

# Processes are others each time.
masked() {
	local said status
	said=$("$@" 2>&1)
	status=$?
	sed -E 's/process [0-9]+ \([^)]*\)/process PID (NAME)/' <<<"$said"
	return $status
}

sleep 1000 & # a process that is no VMM
sleeper=$!
servers=$sleeper
foreign=$sleeper # and one of another user
[ "$(id -u)" = 0 ] || foreign=1

chmod 1777 "$work"
cp "$HYPERTRACE" "$work/program" && chmod 755 "$work/program" # where nobody finds it, too
cd "$work" || exit 1
"$GOLDEN/make_inputs.py" "$work" || exit 1
serve mail.sock '220 mail.example.org ESMTP'
serve silent.sock ''
for i in $(seq 50); do
	[ -S mail.sock ] && [ -S silent.sock ] && break
	sleep 0.1
done

failed=0
for transcript in "$GOLDEN"/*.txt; do
	replay "$transcript" >"$work/said"
	if [ -n "${UPDATE:-}" ]; then
		cp "$work/said" "$transcript"
	else
		diff -u --label "$transcript" --label said "$transcript" "$work/said" || failed=1
	fi
done
exit $failed
