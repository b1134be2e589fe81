#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest with nothing of ours in it panics: its memory, live and as a dump, tells message, log and last events; a
# recorder that follows it says so; and one that goes on after an oops is told from one that panicked.
. "$(dirname "$0")/lib.sh"

until_says() { # FILE PATTERN COMMAND...: runs it until its output has the pattern, for at most a minute
	local file=$1 pattern=$2
	shift 2
	for _ in $(seq 120); do
		"$@" >"$file" 2>&1
		grep -qE "$pattern" "$file" && return 0
		sleep 0.5
	done
	fail "$* never says '$pattern'; it ends with: $(tail -n 5 "$file")"
	return 1
}

for kernel in $kernels; do
	sock=$work/$kernel.qmp
	"$HYPERTRACE" run --no-trace --kernel "$kernel" --smp 2 -m 256 --accel tcg-single --qmp "$sock" \
		--append "panic=0 trace_event=sched:*,irq:* trace_buf_size=512K trace_clock=x86-tsc" -- \
		sh -c 'read -r _; echo c >/proc/sysrq-trigger' < <(exec 2>/dev/null; sleep 12; echo; exec sleep 300) >/dev/null 2>&1 &
	guest=$!
	background="$background $guest"
	until_says "$work/before" 'no panic, no oops' "$HYPERTRACE" panic --qmp "$sock" || continue
	pid=$(pgrep -P "$guest" qemu)
	"$HYPERTRACE" record --pid "$pid" --history -d 40s -o "$work/t$kernel" 2>"$work/record" &
	recorder=$!
	until_says "$work/live" 'kernel panic' "$HYPERTRACE" panic --pid "$pid" || continue
	kill -INT $recorder
	wait $recorder
	equal "$kernel: status of record" $? 0
	contains "$work/record" 'kernel panic: .*sysrq triggered crash'
	qmp "$sock" dump-guest-memory "{\"paging\": false, \"protocol\": \"file:$work/dump\"}"
	kill "$guest"
	wait "$guest"
	"$HYPERTRACE" panic "$work/dump" >"$work/dead" 2>&1 || fail "$kernel: panic DUMP: $(cat "$work/dead")"
	"$HYPERTRACE" panic "$work/t$kernel" >"$work/recorded" 2>&1 || fail "$kernel: panic TRACE"
	for way in live dead recorded; do
		contains "$work/$way" 'Kernel panic - not syncing: sysrq triggered crash'
		contains "$work/$way" 'sysrq_handle_crash'
		contains "$work/$way" 'CPU.*task sh-'
		contains "$work/$way" '\[000\].*(sched|irq)'
		contains "$work/$way" '\[001\].*(sched|irq)'
		# the log's last words, and the events just before them
		contains "$work/$way" 'end Kernel panic'
		equal "$kernel: events, $way" "$(grep -cE '\[00[01]\] +[0-9.]+: ' "$work/$way")" 20
	done
	diff <(grep -E '\[00[01]\]' "$work/live" | sed 's/.*\]//; s/ *[0-9.]*: //') \
		<(grep -E '\[00[01]\]' "$work/dead" | sed 's/.*\]//; s/ *[0-9.]*: //') >"$work/diff" ||
		fail "$kernel: the dump's last events are others than the live guest's: $(cat "$work/diff")"
	"$HYPERTRACE" panic "$work/dump" --json | python3 -c '
import json, sys
machine = json.loads(sys.stdin.readline())
assert machine["panicked"] and any(c["kind"] == "panic" for c in machine["complaints"]), machine
assert len([json.loads(line) for line in sys.stdin]) == 20' || fail "$kernel: --json"
	rm -f "$work/dump"
done
finish
