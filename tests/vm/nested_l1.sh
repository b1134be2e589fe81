#!/bin/sh
# SPDX-License-Identifier: MIT
# What L1 runs (see nested.sh): makes KVM work, runs /nested/script, hands out the files of /out.
tracing=/sys/kernel/tracing

for module in irqbypass kvm ccp virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
	[ ! -e /nested/modules/$module.ko ] || insmod /nested/modules/$module.ko || exit 99
done
if grep -q '^flags.* svm' /proc/cpuinfo; then
	insmod /nested/modules/kvm-amd.ko nested=1 || exit 99
else
	insmod /nested/modules/kvm-intel.ko nested=1 || exit 99
fi
mkdir -p /out

# l2 NAME KERNEL-WORDS [QEMU-OPTION]...: runs an L2 with the files that l2_initramfs NAME made, until it ends. Its console is
# /out/NAME.console. L2_MACHINE (not microvm: with its ACPI half of the boots hang, without there is one CPU only),
# L2_SMP, L2_MEMORY (MiB), L2_TIMEOUT (seconds) change it.
l2() {
	name=$1 words=$2
	shift 2
	timeout -s KILL "${L2_TIMEOUT:-60}" qemu-system-x86_64 -L /usr/share/qemu -accel kvm -cpu host -nodefaults \
		-no-user-config -no-reboot -display none -monitor none -serial file:/out/$name.console \
		-M "${L2_MACHINE:-pc}" -smp "${L2_SMP:-2}" -m "${L2_MEMORY:-192}" -kernel /l2/vmlinux \
		-initrd /l2/$name.cpio -append "console=ttyS0 panic=-1 reboot=t quiet $words" "$@" </dev/null
}

# until_said FILE PATTERN: waits until the file contains it
until_said() {
	for _ in $(seq 600); do
		grep -q "$2" "$1" 2>/dev/null && return 0
		sleep 0.1
	done
	echo "never said: $2" >&2
	return 1
}

# trace_on EVENT...: the kernel's own tracing of L1, such as kvm/kvm_exit; then: $tracing/trace
trace_on() {
	for event; do
		echo 1 >$tracing/events/$event/enable
	done
	echo 1 >$tracing/tracing_on
}

(. /nested/script)
status=$?
tar -c -C /out . >/dev/vda && sync
exit $status
