#!/bin/bash
# SPDX-License-Identifier: MIT
# A nested stack, recorded in L1 with its host's side: L2's vCPU 0 shares its pCPU with a busy task of L1 for a while. Then
# the verbs that look at both together: vcpu, exits, latency, clocks.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

# check NAME PROGRAM-OF-PYTHON: with `d`, the document on stdin
check() {
	python3 -c "import json, sys; d = json.load(sys.stdin); $2" || fail "$1"
}

for kernel in $kernels; do
	l2_initramfs work "$("$HYPERTRACE" module --kernel "$kernel"):/hypertrace.ko" \
		"$(kernel_module hypercalls "$kernel"):/hypercalls.ko" "$(program busy):/bin/busy" <<-'EOF'
	insmod /hypertrace.ko region=0x8000000 size=16M
	insmod /hypercalls.ko n=0
	echo L2-READY
	while ! dmesg | grep -q 'L2-GO' && [ ! -e /dev/hypertrace ]; do sleep 0.1; done
	sleep 3
	grep '^cpu[01] ' /proc/stat
	cd /sys/module/hypercalls/parameters
	taskset 1 busy 4 &
	(taskset 2 sh -c 'for i in 1 2 3 4 5 6; do echo 200 >go; sleep 0.2; done') &
	wait
	grep '^cpu[01] ' /proc/stat
	sleep 1
	EOF
	nested_run "$kernel" one --no-trace --file "$(program busy):/usr/bin/busy" <<-'EOF' || fail "$kernel: L1: $(tail -n 5 "$work/one.err" "$work/one.out")"
	L2_MACHINE=pc L2_MEMORY=208 L2_TIMEOUT=100 l2 work 'numa=off memmap=16384K$0x8000000' -qmp unix:/tmp/qmp,server=on,wait=off \
		-object memory-backend-ram,id=low,size=128M \
		-object memory-backend-file,id=hypertrace-region,size=16M,share=on,mem-path=/tmp/region \
		-object memory-backend-ram,id=high,size=64M -numa node,nodeid=0,cpus=0-1,memdev=low \
		-numa node,nodeid=1,memdev=hypertrace-region -numa node,nodeid=2,memdev=high &
	until_said /out/work.console L2-READY || exit 1
	pid=$(pidof qemu-system-x86_64)
	for task in /proc/$pid/task/*; do
		case $(cat $task/comm) in
		'CPU 0/KVM') taskset -p 1 ${task##*/} ;;
		'CPU 1/KVM') taskset -p 2 ${task##*/} ;;
		esac
	done
	(sleep 4; taskset 1 busy 2) &
	hypertrace record --qmp /tmp/qmp --host exits=aggregated -e sched,irq -o /out/t -- \
		sh -c "while [ -e /proc/$pid ]; do sleep 0.1; done"
	echo recorded $?
	EOF
	cp -r "$work/one" /tmp/joint/$kernel
	cp $work/one.out $work/one.err /tmp/joint/
done
finish
