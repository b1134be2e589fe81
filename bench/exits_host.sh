#!/bin/sh
# SPDX-License-Identifier: MIT
# What `hypertrace bench exits` runs in an emulated host: KVM, and one guest's hypercalls under each way of watching them.
# Each line: the way, what the cheapest call took, how many calls and exits there were, how many records were lost.
calls=$1

cd /nested || exit 1
for module in irqbypass kvm ccp kvm-amd; do
	if [ -e $module.ko.xz ]; then busybox unxz $module.ko.xz || exit 1; fi
	[ ! -e $module.ko ] || insmod $module.ko || exit 1
done
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null

# say WAY LOST: with what tiny_vmm said on stdin
say() {
	read -r _ made _ shortest _ exits && echo "way $1 shortest $shortest calls $made exits $exits lost $2"
}

tiny_vmm 200 >/dev/null || exit 1 # KVM's caches
tiny_vmm $calls | say none 0
for way in histogram aggregated full; do
	hypertrace record --host exits=$way -o /trace.$way -- tiny_vmm $calls >/said 2>/log || { cat /log; exit 1; }
	say $way $(sed -n 's/.* KiB, \([0-9,]*\) lost.*/\1/p' /log | tr -d ,) </said
done
cd /sys/kernel/tracing || exit 1
echo 20000 >buffer_size_kb
for event in kvm_exit kvm_hypercall kvm_entry; do
	echo 1 >events/kvm/$event/enable
done
tiny_vmm $calls | say ftrace $(cat per_cpu/cpu*/stats | sed -n 's/^overrun: //p' | paste -sd+ | sed 's/^$/0/')
