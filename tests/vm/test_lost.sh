#!/bin/bash
# SPDX-License-Identifier: MIT
# A ring far too small for the load: recorded + lost is what the guest produced, exactly, in both modes.
#
# What a guest produced is known by a filter: one program alone is traced, and it makes the same calls each time (but not
# the same switches).
. "$(dirname "$0")/lib.sh"

# A recorder that runs only a part of the time, so that small rings overflow however fast it is
stutter() { # TRACE
	while sleep 0.1; do
		[ -e "$1/guest/cpu0" ] || continue
		pkill -STOP -f -- "^$HYPERTRACE run .*-o $1 --"
		sleep 0.3
		pkill -CONT -f -- "^$HYPERTRACE run .*-o $1 --"
	done
}

for kernel in $kernels; do
	produced=
	for ring in 4M 16K; do
		for mode in discard overwrite; do
			trace=$work/trace
			rm -rf "$trace"
			stutters=
			if [ $ring = 16K ]; then
				stutter "$trace" &
				stutters=$!
			fi
			run_guest --kernel "$kernel" --smp 2 -e 'syscalls,!sched_switch' -f comm==getppid --mode $mode --size $ring -o "$trace" \
				-- "$(program getppid)" 200000 >/dev/null || fail "$kernel $mode $ring: $(cat "$work/stderr")"
			[ -z "$stutters" ] || kill $stutters
			recorded=$(events "$trace")
			lost=$(lost "$trace")
			: "${produced:=$((recorded + lost))}"
			equal "$kernel $mode, rings of $ring: recorded + lost" $((recorded + lost)) "$produced"
			echo "$kernel $mode, rings of $ring: $recorded recorded, $lost lost"
			[ $ring = 4M ] || [ "$lost" -gt 0 ] || fail "$kernel $mode: nothing lost with rings of $ring: no test"
		done
	done
	[ "$produced" -gt 400000 ] || fail "$kernel: only $produced events"
done
finish
