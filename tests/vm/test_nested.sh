#!/bin/bash
# SPDX-License-Identifier: MIT
# A nested stack: L2 and a guest of it make hypercalls, and L1's own tracing shows each of them: L2's as hypercalls, L3's as
# exits that are L2's business.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

for kernel in $kernels; do
	l2_initramfs marks $(l3_files "$kernel") "$(kernel_module hypercalls "$kernel"):/hypercalls.ko" <<-'EOF'
	. /l3.sh
	l3_hypercalls 100 || exit
	insmod /hypercalls.ko n=0
	cd /sys/module/hypercalls/parameters
	(taskset 1 sh -c 'echo 500 >go') &
	(taskset 2 sh -c 'echo 500 >go') &
	wait
	EOF
	nested_run "$kernel" one --no-trace <<-'EOF' || fail "$kernel: L1: $(tail -n 5 "$work/one.err" "$work/one.out")"
	echo 20000 >$tracing/buffer_size_kb
	trace_on kvm/kvm_hypercall kvm/kvm_nested_vmexit
	l2 marks "" || { cat /out/marks.console; exit 1; }
	cat $tracing/trace >/out/trace
	uname -r
	EOF
	contains "$work/one.out" "^$kernel"
	contains "$work/one/marks.console" 'L2-DONE 0'
	equal "$kernel: hypercalls of L2 in L1's trace" \
		"$(grep -c 'kvm_hypercall: nr 0x3e8 .*0xd2d2d2d2d2d2d2d2.*0xe3e3e3e3e3e3e3e3' "$work/one/trace")" 1000
	contains "$work/one/marks.console" 'l3: exit 2, .*, 100 hypercalls, result -1000'
	equal "$kernel: hypercalls of L3 in L1's trace" "$(grep -c 'kvm_nested_vmexit: .*hypercall rip 0x10003 ' "$work/one/trace")" 100
	equal "$kernel: their cause in L2" "$(grep -c 'hypercalls: cpu [01] .* count 500 ' "$work/one/marks.console")" 2
done
finish
