#!/bin/bash
# SPDX-License-Identifier: MIT
# Channel hypercall in a nested stack: L2's module says by hypercalls what it does, hypertrace in L1 records it. Every event is
# there, whatever the size of the batches and however the guest ends; a guest that lies or floods harms only itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

l2_files() { # KERNEL: what each L2 has
	echo "$work/ko-$1/hypertrace.ko:/hypertrace.ko" "$(program getppid):/getppid" "$(program marks):/marks"
}

count() { # TRACE TEXT: lines of the dump
	"$HYPERTRACE" dump "$1" 2>/dev/null | grep -cE "$2"
}

end() { # TRACE MACHINE state|message
	python3 -c '
import json, sys
for machine in json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"]:
    if machine["name"] == sys.argv[2]:
        print(machine["end"][sys.argv[3]])' "$@"
}

for kernel in $kernels; do
	mkdir -p "$work/ko-$kernel"
	"$HYPERTRACE" module --kernel "$kernel" -o "$work/ko-$kernel" >/dev/null || fail "$kernel: no module"

	# Batches of every kind, a CPU that goes and comes, and a reboot right after the last event.
	l2_initramfs batches $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall events=syscalls batch=1 || exit 1
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
	# Idle: what was not full is flushed. L1 then kills it.
	l2_initramfs idle $(l2_files "$kernel") <<-'EOF'
	/marks mark 20
	insmod /hypertrace.ko channel=hypercall events=syscalls batch=0 || exit 1
	/getppid 100
	echo L2-IDLE
	sleep 100
	EOF
	# A panic while both CPUs have events that nobody saw.
	l2_initramfs panic $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall events=syscalls,sched batch=0 || exit 1
	taskset 2 /marks spin 200 &
	sleep 1
	taskset 1 /getppid 300
	echo c >/proc/sysrq-trigger
	EOF
	# Two at once: one lies and floods, the other works.
	l2_initramfs hostile $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall events=syscalls batch=10 || exit 1
	/marks garbage 3000
	/marks flood 8
	EOF
	l2_initramfs honest $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall events=syscalls batch=10 || exit 1
	for i in 1 2 3 4 5; do
		/getppid 200
		sleep 1
	done
	rmmod hypertrace
	EOF
	nested_run "$kernel" one --no-trace --memory 1100 <<-'EOF' || fail "$kernel: L1: $(tail -n 20 "$work/one.err" "$work/one.out")"
	record() { # NAME: until finish_record
		hypertrace record --channel hypercall -o /out/$1.trace >/out/$1.record 2>&1 &
		recorder=$!
		sleep 1
	}
	finish_record() {
		kill -INT $recorder
		wait $recorder
	}
	record batches
	l2 batches ""
	finish_record

	record idle
	l2 idle "" &
	until_said /out/idle.console L2-IDLE && sleep 1
	kill -9 $(pidof qemu-system-x86_64)
	sleep 1
	finish_record

	record panic
	l2 panic ""
	finish_record

	record two
	(L2_SMP=1 L2_MEMORY=160 l2 hostile "") &
	L2_SMP=1 L2_MEMORY=160 l2 honest ""
	wait %2 2>/dev/null || wait $!
	finish_record
	true
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
	equal "$kernel: the guest's stages" "$(count "$trace" 'stage: .*after the kernel')" 1
	"$HYPERTRACE" dump "$trace" >"$work/dump" || fail "$kernel: dump: $?"
	grep -n 'mark: .*0xd00d' "$work/dump" | sort -t: -k1,1n -c || fail "$kernel: marks are out of order"

	trace=$one/idle.trace
	equal "$kernel: marks before there is a module" "$(count "$trace" ' mark: .*0xd00d')" 20
	equal "$kernel: getppid of an idle guest that was killed" "$(count "$trace" 'sys_enter: +getppid')" 100
	equal "$kernel: lost by the kill" "$(lost "$trace")" 0

	trace=$one/panic.trace
	equal "$kernel: getppid before a panic, of both CPUs" "$(count "$trace" 'sys_enter: +getppid')" 500
	equal "$kernel: how it ended" "$(end "$trace" vm1 state)" panic
	equal "$kernel: lost by the panic" "$(lost "$trace")" 0
	equal "$kernel: last words" "$(count "$trace" 'guest_end: .*sysrq')" 1

	trace=$one/two.trace
	honest=$(python3 -c '
import json, sys
for machine in json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"]:
    if machine["end"]["state"] == "stopped":
        print(machine["name"])' "$trace")
	equal "$kernel: getppid of a guest beside a hostile one" "$("$HYPERTRACE" dump "$trace" --machine "$honest" | grep -cE 'sys_enter: +getppid')" 1000
done
cp -r $work /work/b/hc/t6.1; finish
