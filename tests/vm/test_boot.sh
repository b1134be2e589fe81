#!/bin/bash
# SPDX-License-Identifier: MIT
# A stock kernel's boot out of its own ring: initcalls as the kernel itself counts and times them, and of two boots the
# initcall that got slower.
. "$(dirname "$0")/lib.sh"

for kernel in $kernels; do
	# by instructions: the guest's clocks are exact, and so is the comparison
	run_guest --icount --kernel "$kernel" --channel ftrace -e initcall,sched,irq --append 'initcall_debug log_buf_len=4M' \
		-o "$work/exact" -- true || fail "$kernel: $(cat "$work/stderr")"
	"$HYPERTRACE" boot --guest-clock --json "$work/exact" >"$work/boot.json" || fail "$kernel: boot --json"
	python3 "$TOP/tests/vm/compare_initcalls.py" "$work/boot.json" "$work/exact/guest/names/dmesg" ||
		fail "$kernel: other initcalls than the kernel's"
	equal "$kernel: lost" "$(lost "$work/exact")" 0
	rm -rf "$work/exact"

	slow=$(kernel_module slow "$kernel") || fail "$kernel: no slow.ko"
	for delay in 0 500; do
		run_guest --icount --kernel "$kernel" --channel ftrace -e initcall,sched -o "$work/boot-$delay" \
			--file "$slow:/slow.ko" -- insmod /slow.ko delay_ms=$delay ||
			fail "$kernel: insmod: $(cat "$work/stderr")"
	done
	"$HYPERTRACE" boot --guest-clock --diff "$work/boot-0" "$work/boot-500" >"$work/diff" || fail "$kernel: boot --diff"
	head -n 1 "$work/diff" | tee "$work/verdict"
	contains "$work/verdict" 'longer: [45].. ms in initcall .*\[slow\]'
	"$HYPERTRACE" boot --guest-clock "$work/boot-500" --svg "$work/boot.svg" >"$work/text" || fail "$kernel: boot --svg"
	contains "$work/text" 'init +slow +- '
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$work/boot.svg" ||
		fail "$kernel: the drawing is no XML"
	rm -rf "$work"/boot-*
done
finish
