#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that runs already, without anything of ours but the module: plug a region in, record, change, unplug.
. "$(dirname "$0")/lib.sh"

: >"$work/out"
guest_says() { # WORD: wait until the guest has printed it
	for i in $(seq 900); do
		grep -q "$1" "$work/out" && return 0
		sleep 0.1
	done
	fail "the guest never said $1: $(tail -n 5 "$work/out" "$work/stderr")"
	return 1
}

for kernel in $kernels; do
	module=$("$HYPERTRACE" module --kernel "$kernel") || fail "$kernel: no module"
	"$HYPERTRACE" run --kernel "$kernel" --smp 2 --accel tcg-single --no-trace --qmp "$work/qmp" --file "$module:/hypertrace.ko" -- \
		sh -c 'modprobe ivshmem 2>/dev/null; insmod /hypertrace.ko && echo ready; while :; do ls -R /sys/kernel >/dev/null; done' \
		>"$work/out" 2>"$work/stderr" &
	background=$!
	guest_says ready || continue

	"$HYPERTRACE" record --qmp "$work/qmp" -o "$work/none" --duration 1 2>"$work/errors" &&
		fail "$kernel: recorded without a region"
	contains "$work/errors" 'hint: .*attach'
	region=$("$HYPERTRACE" attach --qmp "$work/qmp" --region-size 16M --name hypertrace-test-$$ 2>"$work/errors") ||
		fail "$kernel: attach: $(cat "$work/errors")"
	"$HYPERTRACE" attach --qmp "$work/qmp" --region-size 16M --name hypertrace-test-$$ 2>/dev/null && fail "$kernel: attached twice"
	sleep 1
	"$HYPERTRACE" doctor --qmp "$work/qmp" >"$work/doctor" || fail "$kernel: doctor: $(cat "$work/doctor")"
	contains "$work/doctor" 'ok +guest.module'

	"$HYPERTRACE" record --qmp "$work/qmp" -e sched,syscalls -o "$work/one-$kernel" --duration 2 2>"$work/errors" ||
		fail "$kernel: record: $(cat "$work/errors")"
	contains "$work/errors" 'lost'
	[ "$(events -e sys_enter "$work/one-$kernel")" -gt 1000 ] || fail "$kernel: too few system calls"
	"$HYPERTRACE" record --region "$region" -e irq --mode discard -o "$work/two-$kernel" 2>"$work/errors" -- sleep 2 ||
		fail "$kernel: record again: $(cat "$work/errors")"
	[ "$(events -e softirq_entry "$work/two-$kernel")" -gt 0 ] || fail "$kernel: no softirq"
	equal "$kernel: system calls switched off" "$(events -e sys_enter "$work/two-$kernel")" 0
	babeltrace2 "$work/one-$kernel" 2>&1 >/dev/null | head -n 3 >"$work/bt2"
	[ ! -s "$work/bt2" ] || fail "$kernel: babeltrace2: $(cat "$work/bt2")"

	"$HYPERTRACE" detach --qmp "$work/qmp" 2>"$work/errors" || fail "$kernel: detach: $(cat "$work/errors")"
	[ ! -e "$region" ] || fail "$kernel: $region is left behind"
	"$HYPERTRACE" detach --qmp "$work/qmp" 2>/dev/null && fail "$kernel: detached twice"
	kill -INT $background
	wait $background
	background=
done
finish
