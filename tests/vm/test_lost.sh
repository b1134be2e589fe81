#!/bin/bash
# SPDX-License-Identifier: MIT
# A ring far too small for the load: recorded + lost is what the guest produced, exactly, in both modes.
#
# What a guest produced is known by a filter: one program alone is traced, and it makes the same calls each time (but not
# the same switches).
. "$(dirname "$0")/lib.sh"

for kernel in $kernels; do
	produced=
	for ring in 4M 16K; do
		for mode in discard overwrite; do
			trace=$work/trace
			rm -rf "$trace"
			run_guest --kernel "$kernel" --smp 2 -e 'syscalls,!sched_switch' -f comm==getppid --mode $mode --size $ring -o "$trace" \
				-- "$(program getppid)" 200000 >/dev/null || fail "$kernel $mode $ring: $(cat "$work/stderr")"
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
