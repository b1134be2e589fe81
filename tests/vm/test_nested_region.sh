#!/bin/bash
# SPDX-License-Identifier: MIT
# The region passed down: L2 writes into memory that L1 has from L0, so that L0's recorder reads L1's and L2's events in one
# trace. None of them is an exit in L1: its own tracing says so. L2 of 6.1 has the region as an ivshmem device, that of 6.12
# as reserved RAM.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

count=100000

# exits_between TRACE FROM TO: kvm_exit events of L1 between two hypercalls of L2, by their numbers
exits_between() {
	awk -v from="kvm_hypercall: nr 0x$2 " -v to="kvm_hypercall: nr 0x$3 " '
		index($0, from) { on = 1 }
		index($0, to) { on = 0 }
		on && /kvm_exit:/ { n++ }
		END { print n + 0 }' "$1"
}

# getppid_calls TRACE MACHINE PID: system calls of that task in the trace, entries and exits
getppid_calls() {
	"$HYPERTRACE" dump --json -e sys_enter,sys_exit -f "pid==$3" "$1" | grep "\"machine\": *\"$2\"" | grep -c '"nr": *110[,}]'
}

for kernel in $kernels; do
	module=$("$HYPERTRACE" module --kernel "$kernel") || fail "$kernel: no module"
	memory="-object memory-backend-file,id=hypertrace0,mem-path=/dev/hypertrace-nested0,share=on,size=16M"
	case $kernel in
	6.1)
		words='' parameters=''
		memory="$memory -device ivshmem-plain,memdev=hypertrace0"
		;;
	*)
		words='numa=off memmap=16M\$0x8000000' parameters='region=0x8000000 size=16M'
		memory="-object memory-backend-ram,id=low,size=128M $memory -object memory-backend-ram,id=high,size=64M \
			-numa node,nodeid=0,cpus=0-1,memdev=low -numa node,nodeid=1,memdev=hypertrace0 -numa node,nodeid=2,memdev=high"
		;;
	esac
	l2_initramfs traced "$(program getppid):/getppid" "$module:/hypertrace.ko" \
		"$(kernel_module hypercalls "$kernel"):/hypercalls.ko" <<-EOF
	insmod /hypercalls.ko n=0
	mark() {
		echo \$1 >/sys/module/hypercalls/parameters/nr
		echo 1 >/sys/module/hypercalls/parameters/go
	}
	mark 0x7d1
	/getppid $count
	mark 0x7d2
	insmod /hypertrace.ko nested_hypercalls=1 $parameters || exit
	echo 'in L2' >/dev/hypertrace
	mark 0x7d3
	/getppid $count
	mark 0x7d4
	sleep 1
	EOF
	nested_run "$kernel" one -e syscalls,marker --region-size 32M --nested-size 16M -o "$work/trace-$kernel" \
		--file "$(program getppid):/getppid" <<-EOF || fail "$kernel: L1: $(tail -n 5 "$work/one.err" "$work/one.out")"
	ls -l /dev/hypertrace-nested* && cat /proc/iomem | grep -i reserved
	/getppid $count >/out/getppid
	echo 'before L2' >/dev/hypertrace
	echo 20000 >\$tracing/buffer_size_kb
	trace_on kvm/kvm_hypercall kvm/kvm_exit
	L2_MEMORY=208
	l2 traced "$words" $memory || exit
	echo 'after L2' >/dev/hypertrace
	cat \$tracing/trace >/out/trace
	EOF
	contains "$work/one/traced.console" 'L2-DONE 0'
	pid=$(tr -dc 0-9 <"$work/one/getppid")
	equal "$kernel: getppid of L1" "$(getppid_calls "$work/trace-$kernel" guest "$pid")" $((2 * count))
	pid=$(grep -aoE '^[0-9]+' "$work/one/traced.console" | tail -n 1)
	equal "$kernel: getppid of L2" "$(getppid_calls "$work/trace-$kernel" guest.l2 "$pid")" $((2 * count))
	equal "$kernel: lost" "$(lost "$work/trace-$kernel")" 0
	off=$(exits_between "$work/one/trace" 7d1 7d2) on=$(exits_between "$work/one/trace" 7d3 7d4)
	echo "$kernel: $((2 * count)) events of L2: $on exits in L1; $off with no event"
	[ "$off" -gt 0 ] || fail "$kernel: L1's tracing shows no exits"
	[ $((on - off)) -lt $((count / 50)) ] || fail "$kernel: events cause exits"
	contains "$work/one/trace" 'kvm_hypercall: nr 0x48540006 a0 0x1 '
	"$HYPERTRACE" dump -e marker "$work/trace-$kernel" | grep -oE '(before|in|after) L2' | tr '\n' ' ' >"$work/order"
	equal "$kernel: order of L1 and L2" "$(cat "$work/order")" 'before L2 in L2 after L2 '
done
finish
