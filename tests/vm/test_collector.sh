#!/bin/bash
# SPDX-License-Identifier: MIT
# The collector on a real KVM: an emulated host (L1) and its guests. Every hypercall of a guest is one record, with its number
# and its arguments; nothing is lost; watching makes no exits of its own; the levels; what there is without KVM.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

gcc -O2 -Wall -Werror -static -o "$work/tiny_vmm" "$TOP/bench/tiny_vmm.c" || exit 1

# number FILE WORD: what stands behind the word
number() {
	sed -n "s/.*$2 \([0-9]*\).*/\1/p" "$1" | head -n 1
}

for kernel in $kernels; do
	l2_initramfs calls "$(kernel_module hypercalls "$kernel"):/hypercalls.ko" <<-'EOF_L2'
	insmod /hypercalls.ko n=0
	cd /sys/module/hypercalls/parameters
	(taskset 1 sh -c 'echo 5000 >go') &
	(taskset 2 sh -c 'echo 5000 >go') &
	wait
	EOF_L2
	modules=$(nested_kernel "$kernel")/modules
	l2_initramfs nested "$modules/irqbypass.ko:/irqbypass.ko" "$modules/kvm.ko:/kvm.ko" "$modules/kvm-amd.ko:/kvm-amd.ko" \
		"$work/tiny_vmm:/tiny_vmm" <<-'EOF_L2'
	insmod /irqbypass.ko; insmod /kvm.ko; insmod /kvm-amd.ko
	/tiny_vmm 500 0x777
	EOF_L2
	nested_run "$kernel" host --no-trace --file "$work/tiny_vmm:/bin/tiny_vmm" \
		--file "$(command -v setpriv):/nested/setpriv" <<-'EOF_L1' || {
	cd /out
	# a guest of nothing but hypercalls, alone and watched at each level
	tiny_vmm 100 >/dev/null
	tiny_vmm 10000 >alone
	for level in histogram aggregated full; do
		hypertrace record --host exits=$level -o tiny.$level -- tiny_vmm 10000 >tiny.$level.said 2>tiny.$level.log || exit 1
		hypertrace dump tiny.$level >tiny.$level.dump || exit 1
	done
	# Linux with two vCPUs
	hypertrace record --host exits=aggregated -o trace >record.log 2>&1 &
	recorder=$!
	until_said trace/hypertrace.json '"kvm"' || exit 1
	l2 calls '' || { cat calls.console; exit 1; }
	kill -INT $recorder
	wait $recorder
	hypertrace dump trace >all || exit 1
	grep kvm_hypercall: all >hypercalls
	grep -v kvm_hypercall: all >others
	hypertrace info trace >info
	# a guest's guest: the exits of both, and no hypercall event for the inner one's
	hypertrace record --host exits=aggregated -o nested >/dev/null 2>&1 &
	recorder=$!
	until_said nested/hypertrace.json '"kvm"' || exit 1
	L2_SMP=1 l2 nested '' || { cat nested.console; exit 1; }
	kill -INT $recorder
	wait $recorder
	hypertrace dump nested >nested.dump
	# what is missing is said, and how to have it
	hypertrace record --host exits=none -o /out/no 2>usage
	/nested/setpriv --reuid=1000 --clear-groups hypertrace record --host exits=aggregated -o /tmp/no --duration 1s 2>rights
	rm -rf tiny.full trace nested all
	EOF_L1
		fail "$kernel: the host: $(tail -n 5 "$work/host.err" "$work/host.out")"
		continue
	}
	out=$work/host

	# one record each
	equal "$kernel: hypercalls of Linux" "$(grep -c 'nr=0x3e8 ' "$out/hypercalls")" 10000
	equal "$kernel: with their arguments" "$(grep -c \
		'nr=0x3e8 a0=0x[0-9a-f]* a1=0x[0-9a-f]* a2=0xd2d2d2d2d2d2d2d2 a3=0xe3e3e3e3e3e3e3e3 ' "$out/hypercalls")" 10000
	for vcpu in 0 1; do
		equal "$kernel: indices on vCPU $vcpu" "$(grep "/$vcpu nr=0x3e8 " "$out/hypercalls" |
			sed 's/.* a0=\(0x[0-9a-f]*\) .*/\1/' | sort -u | wc -l)" 5000
	done
	equal "$kernel: exits for a hypercall without it" "$(grep -cE 'kvm_exit: .*(hypercall|VMCALL)' "$out/others")" 0
	contains "$out/record.log" 'host: .* events, .* 0 lost'
	contains "$out/others" 'kvm_exit: .*/0 npf took [0-9.]+ us rip=0x'
	contains "$out/others" 'kvm_exit: .* io took .* to-VMM'
	contains "$out/others" 'vcpu_out: '
	contains "$out/others" 'vcpu_in: '
	contains "$out/info" 'vCPU 0 by [0-9]+, 1 by [0-9]+; TSC offset known'

	contains "$out/nested.console" 'calls 500 '
	equal "$kernel: hypercalls of the guest's guest" "$(grep -cE 'kvm_exit: .* hypercall took .* nested' "$out/nested.dump")" 500
	equal "$kernel: as events" "$(grep -c 'nr=0x777 ' "$out/nested.dump")" 0
	[ "$(grep -cE 'kvm_exit: .* vmrun took' "$out/nested.dump")" -ge 500 ] || fail "$kernel: fewer vmrun than hypercalls"

	# no exits of its own
	alone=$(number "$out/alone" exits)
	[ "$alone" -gt 10000 ] || fail "$kernel: $alone exits of 10000 hypercalls"
	for level in histogram aggregated full; do
		equal "$kernel: $level: calls" "$(number "$out/tiny.$level.said" calls)" 10000
		contains "$out/tiny.$level.log" 'host: .* events, .* 0 lost'
		watched=$(number "$out/tiny.$level.said" exits)
		[ $((watched * 100)) -le $((alone * 101)) ] ||
			fail "$kernel: $level: $watched exits, $alone without the collector"
	done
	for level in aggregated full; do
		equal "$kernel: $level: hypercalls of the tiny guest" "$(grep -c ' nr=0x3e8 ' "$out/tiny.$level.dump")" 10000
	done
	for event in kvm_exit_info kvm_page_fault kvm_userspace_exit; do
		contains "$out/tiny.full.dump" "$event: "
	done
	equal "$kernel: histogram: records of exits" "$(grep -cE 'kvm_(exit|hypercall):' "$out/tiny.histogram.dump")" 0
	equal "$kernel: histogram: hypercalls counted" "$(sed -n 's/.*exit_histogram: .* hypercall count=\([0-9]*\) .*/\1/p' \
		"$out/tiny.histogram.dump" | awk '{ sum += $1 } END { print sum }')" 10000

	contains "$out/usage" 'hint: exits=histogram .* exits=aggregated .* exits=full'
	contains "$out/rights" 'no right to load eBPF programs'
	contains "$out/rights" 'hint: .*CAP_BPF'
done

# a host without KVM's modules: the rest goes on
kernel=${kernels%% *}
"$HYPERTRACE" run --kernel "$kernel" --no-trace --timeout 120 --file "$HYPERTRACE:/bin/hypertrace" -- \
	sh -c 'hypertrace record --host exits=aggregated -o /no --duration 1s; echo status $?' >"$work/bare" 2>&1
contains "$work/bare" 'KVM is not loaded'
contains "$work/bare" 'hint: modprobe kvm_amd'
contains "$work/bare" 'status 1'
finish
