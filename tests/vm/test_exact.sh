#!/bin/bash
# SPDX-License-Identifier: MIT
# A program makes exactly 100,000 getppid calls: so many are in the trace, and babeltrace2 counts what we count.
. "$(dirname "$0")/lib.sh"

count=100000
for kernel in $kernels; do
	trace=$work/trace-$kernel
	pid=$(run_guest --kernel "$kernel" --smp 2 -e syscalls,sched -o "$trace" -- "$(program getppid)" $count) ||
		fail "$kernel: run: $(cat "$work/stderr")"
	pid=${pid//[^0-9]/}
	nr=110 # getppid
	for event in sys_enter sys_exit; do
		got=$("$HYPERTRACE" dump --json -e $event -f "pid==$pid" "$trace" | grep -c "\"nr\": *$nr[,}]")
		equal "$kernel: $event of getppid by $pid" "$got" $count
	done
	equal "$kernel: lost" "$(lost "$trace")" 0
	babeltrace2 "$trace" >"$work/bt2" 2>"$work/bt2-errors"
	equal "$kernel: babeltrace2's count" "$(wc -l <"$work/bt2")" "$(events "$trace")"
	[ ! -s "$work/bt2-errors" ] || fail "$kernel: babeltrace2 says: $(head -n 3 "$work/bt2-errors")"
done
finish
