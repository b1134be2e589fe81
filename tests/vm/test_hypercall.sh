#!/bin/bash
# SPDX-License-Identifier: MIT
# Channel hypercall in a nested stack: L2's module says by hypercalls what it does, hypertrace in L1 records it. Every event is
# there, whatever the size of the batches, and however the guest ends.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"
. "$(dirname "$0")/hypercall.sh"

for kernel in $kernels; do
	# Batches of every kind, a CPU that goes and comes, and a reboot right after the last event.
	l2_initramfs batches $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall wait=2000 events=syscalls batch=1 || exit 1
	/getppid 100
	echo batch of ten >/dev/hypertrace
	echo 10 >/sys/module/hypertrace/parameters/batch
	/getppid 1000
	echo pages >/dev/hypertrace
	echo 0 >/sys/module/hypertrace/parameters/batch
	/getppid 1000
	taskset 2 /getppid 500
	echo 0 >/sys/devices/system/cpu/cpu1/online
	/getppid 10
	echo 1 >/sys/devices/system/cpu/cpu1/online
	taskset 2 /getppid 500
	/marks mark 50
	/marks text 'more than twenty-four bytes of text'
	/getppid 33
	reboot -f
	EOF
	# A panic while both CPUs have events that nobody saw.
	l2_initramfs panic $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall wait=2000 events=syscalls,sched batch=0 || exit 1
	taskset 2 /marks spin 200 &
	sleep 1
	taskset 1 /getppid 300
	echo c >/proc/sysrq-trigger
	EOF
	nested_run "$kernel" one --no-trace --file "$work/record.sh:/record.sh" <<-'EOF' || fail "$kernel: L1: $(tail -n 20 "$work/one.err" "$work/one.out")"
	. /record.sh
	record batches --host exits=aggregated
	l2 batches ""
	finish_record

	record panic
	l2 panic ""
	finish_record
	EOF
	one=$work/one

	trace=$one/batches.trace
	contains "$one/batches.record" '0 lost'
	equal "$kernel: getppid, by batches of 1, 10 and a page, a CPU offline, a reboot" "$(count "$trace" 'sys_enter: +getppid')" 3143
	equal "$kernel: their results" "$(count "$trace" 'sys_exit: +getppid')" 3143
	equal "$kernel: lost" "$(lost "$trace")" 0
	equal "$kernel: its end" "$(end "$trace" vm1 state)" reboot
	equal "$kernel: marks of a program" "$(count "$trace" ' mark: .*0xd00d')" 50
	equal "$kernel: text of a program" "$(count "$trace" 'marker: .*more than twenty-four bytes of text')" 1
	equal "$kernel: the guest's stages" "$(count "$trace" 'stage: +module: .*after the kernel')" 1
	equal "$kernel: their order" "$("$HYPERTRACE" dump "$trace" | sed -n 's/.* mark: .*value1=\(0x[0-9a-f]*\) .*0xd00d.*/\1/p' | tr '\n' ' ')" \
		"$(for i in $(seq 0 49); do printf '0x%x ' "$i"; done)"
	"$HYPERTRACE" clocks "$trace" >"$work/clocks" || fail "$kernel: clocks: $(cat "$work/clocks")"

	trace=$one/panic.trace
	equal "$kernel: getppid before a panic, of both CPUs" "$(count "$trace" 'sys_enter: +getppid')" 500
	equal "$kernel: how it ended" "$(end "$trace" vm1 state)" panic
	equal "$kernel: lost by the panic" "$(lost "$trace")" 0
	equal "$kernel: last words" "$(count "$trace" 'guest_end: .*sysrq')" 1
done
finish
