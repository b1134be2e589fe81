#!/bin/bash
# SPDX-License-Identifier: MIT
# xen format makes of real traces, byte for byte, what xentrace_format's rules mean: a dozen lines of Python judge.
set -u
: "${HYPERTRACE:?the program to test}"
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/xen
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# compare FORMATS TRACE [MHZ]
compare() {
	python3 "$here/xen_format_reference.py" "$@" >"$work/expected" || exit 1
	"$HYPERTRACE" xen format ${3:+--mhz "$3"} "$1" "$2" >"$work/got" 2>"$work/error"
	local status=$?
	[ $status -eq 0 ] && cmp "$work/got" "$work/expected" && return
	echo "FAIL: $*: status $status, $(cat "$work/error")"
	diff "$work/got" "$work/expected" | head -n 6
	failures=$((failures + 1))
}

"$HYPERTRACE" xen format --print-formats >"$work/default.formats" || exit 1
printf '0 %%(tsc).6f %%(tsc)s %%(tsc)d %%(tsc)g %%(tsc)12.3e|%%(tsc)-20.9f|%%(tsc)020.3f\n' >"$work/seconds.formats"
for trace in "$golden"/*.trace; do
	compare "$golden/directives.formats" "$trace"
	compare "$work/default.formats" "$trace"
	compare "$work/seconds.formats" "$trace" 2596
	# as the original was used: with the trace at its standard input, through a pipe
	cat "$trace" | "$HYPERTRACE" xen format "$golden/directives.formats" >"$work/piped" &&
		"$HYPERTRACE" xen format "$golden/directives.formats" "$trace" | cmp - "$work/piped" ||
		{ echo "FAIL: $trace through a pipe"; failures=$((failures + 1)); }
done
grep -q 'csched2:schedule' "$work/default.formats" && [ "$(wc -l <"$work/default.formats")" -gt 150 ] ||
	{ echo "FAIL: the default rules"; failures=$((failures + 1)); }
# an event without a rule is left out when there is none for event 0
printf '0x28004 woken\n' >"$work/few.formats"
woken=$("$HYPERTRACE" xen format "$work/few.formats" "$golden/pv.trace" | sort -u)
[ "$woken" = woken ] || { echo "FAIL: without a rule for event 0: $woken"; failures=$((failures + 1)); }
exit $((failures != 0))
