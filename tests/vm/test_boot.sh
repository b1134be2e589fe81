#!/bin/bash
# SPDX-License-Identifier: MIT
# A stock kernel's boot out of its own ring: initcalls as the kernel itself counts and times them, and of two boots the
# initcall that got slower.
. "$(dirname "$0")/lib.sh"
cache=${HYPERTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hypertrace}

# slow_module KERNEL: builds tests/vm/slow.c
slow_module() {
	local headers
	"$HYPERTRACE" module --kernel "$1" >/dev/null || fail "$1: no headers" # fetches them
	headers=$(find "$cache/kernels" -maxdepth 5 -type d -path "*/linux-headers-$1.*-cloud-amd64" | head -n 1)
	mkdir -p "$work/slow-$1"
	cp "$TOP/tests/vm/slow.c" "$work/slow-$1/"
	echo 'obj-m := slow.o' >"$work/slow-$1/Makefile"
	# without pahole there is no BTF of modules, and none is needed
	make -s -C "$headers" M="$work/slow-$1" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/make" 2>&1 ||
		make -s -C "$work/slow-$1" -f "$TOP/guest/module/Makefile" KDIR="$headers" >>"$work/make" 2>&1 ||
		fail "$1: slow.ko: $(tail -n 5 "$work/make")"
}

for kernel in $kernels; do
	# by instructions: the guest's clocks are exact, and so is the comparison
	run_guest --icount --kernel "$kernel" --channel ftrace -e initcall,sched,irq --append 'initcall_debug log_buf_len=4M' \
		-o "$work/exact" -- true || fail "$kernel: $(cat "$work/stderr")"
	"$HYPERTRACE" boot --guest-clock --json "$work/exact" >"$work/boot.json" || fail "$kernel: boot --json"
	python3 "$TOP/tests/vm/compare_initcalls.py" "$work/boot.json" "$work/exact/guest/names/dmesg" ||
		fail "$kernel: other initcalls than the kernel's"
	equal "$kernel: lost" "$(lost "$work/exact")" 0
	rm -rf "$work/exact"

	slow_module "$kernel"
	for delay in 0 500; do
		run_guest --icount --kernel "$kernel" --channel ftrace -e initcall,sched -o "$work/boot-$delay" \
			--file "$work/slow-$kernel/slow.ko:/slow.ko" -- insmod /slow.ko delay_ms=$delay ||
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
