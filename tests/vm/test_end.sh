#!/bin/bash
# SPDX-License-Identifier: MIT
# How guests end: a panic leaves its message and the events before it; so does a reboot; a killed QEMU leaves a trace.
. "$(dirname "$0")/lib.sh"

for kernel in $kernels; do
	trace=$work/panic-$kernel
	run_guest --kernel "$kernel" --kernel-log "$work/panic" -e sched,irq,syscalls -o "$trace" -- sh -c 'echo c > /proc/sysrq-trigger' >/dev/null
	status=$?
	[ $status -ne 0 ] || fail "$kernel: a panicked guest, and status 0"
	contains "$work/stderr" 'panic'
	"$HYPERTRACE" dump "$trace" >"$work/dump" || fail "$kernel: dump"
	tail -n 100 "$work/dump" >"$work/tail"
	contains "$work/tail" 'panic.*sysrq triggered crash'
	contains "$work/tail" 'sys_enter.*write'
	python3 -c '
import json, sys
machine = json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"][0]
text = json.dumps(machine)
assert "panic" in text and "sysrq triggered crash" in text, text
' "$trace" || fail "$kernel: hypertrace.json has no panic"
	"$HYPERTRACE" report "$trace" >"$work/report" || fail "$kernel: report"
	contains "$work/report" 'sysrq triggered crash'
done

trace=$work/killed
"$HYPERTRACE" run --kernel 6.12 -e sched -o "$trace" -- sh -c 'echo ready; sleep 100' >"$work/out" 2>"$work/stderr" &
background=$!
for i in $(seq 600); do
	grep -q ready "$work/out" && break
	sleep 0.1
done
sleep 1
pkill -KILL -P $background qemu-system || fail "no QEMU to kill"
wait $background && fail "a killed QEMU, and status 0"
background=
[ "$(events "$trace")" -gt 0 ] || fail "nothing left of a killed guest"
finish
