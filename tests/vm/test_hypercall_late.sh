#!/bin/bash
# SPDX-License-Identifier: MIT
# Channel hypercall, when recorder and guest do not begin and end together: a guest that is killed while it is idle, one that was
# there before, marks without a module, and one that only says its stages.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"
. "$(dirname "$0")/hypercall.sh"

for kernel in $kernels; do
	# Idle: what was not full is flushed. L1 then kills it.
	l2_initramfs idle $(l2_files "$kernel") <<-'EOF'
	/marks mark 20
	insmod /hypertrace.ko channel=hypercall wait=2000 events=syscalls batch=0 || exit 1
	/getppid 100
	echo L2-IDLE
	sleep 100
	EOF
	# A recorder that comes late.
	l2_initramfs late $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall wait=0 events=syscalls batch=50 || exit 1
	for i in 1 2 3 4 5 6 7 8; do
		/getppid 100
		echo "L2-ROUND $i"
		sleep 1
	done
	EOF
	# It has shared memory, which nobody reads here.
	l2_initramfs stages $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko region=0x8000000 size=16M stages=1
	EOF
	nested_run "$kernel" one --no-trace --file "$work/record.sh:/record.sh" <<-'EOF' || fail "$kernel: L1: $(tail -n 20 "$work/one.err" "$work/one.out")"
	. /record.sh
	record idle
	l2 idle "" &
	until_said /out/idle.console L2-IDLE && sleep 1
	kill -9 $(pidof qemu-system-x86_64)
	sleep 1
	finish_record

	l2 late "" &
	until_said /out/late.console 'L2-ROUND 2'
	hypertrace record --channel hypercall --pid $(pidof qemu-system-x86_64) -o /out/late.trace >/out/late.record 2>&1

	echo 2000 >$tracing/buffer_size_kb
	trace_on kvm/kvm_hypercall
	l2 stages 'memmap=16M$0x8000000'
	grep 'nr 0x4854' $tracing/trace >/out/stages
	EOF
	one=$work/one

	trace=$one/idle.trace
	equal "$kernel: marks before there is a module" "$(count "$trace" ' mark: .*0xd00d')" 20
	equal "$kernel: getppid of an idle guest that was killed" "$(count "$trace" 'sys_enter: +getppid')" 100
	equal "$kernel: lost by the kill" "$(lost "$trace")" 0

	contains "$one/late.record" '0 lost'
	[ "$(count "$one/late.trace" 'sys_enter: +getppid')" -ge 300 ] || fail "$kernel: a late recorder saw too little"
	equal "$kernel: the end of its guest" "$(end "$one/late.trace" vm1 state)" reboot

	equal "$kernel: stages of a guest with shared memory" \
		"$(grep -o 'nr 0x48540001 a0 0x[0-9a-f]*' "$one/stages" | sed 's/.*0x//' | tr '\n' ' ')" '1 3 '
done
finish
