#!/bin/bash
# SPDX-License-Identifier: MIT
# host/kvm in the stack: L1's KVM is built with the semantic patch, L2 allows its guests' hypercalls to be taken, L3 makes
# them. Exits of L1 for each of L3's calls, with the patch's parameter off and on; other numbers stay L2's.
# Building takes minutes: only where HYPERTRACE_KVM_SOURCE names the linux-source-SERIES.deb packages' directory, or is "apt".
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"
[ "${HYPERTRACE_KVM_SOURCE:-}" ] || { echo "builds KVM anew: set HYPERTRACE_KVM_SOURCE=apt"; exit 77; }
command -v spatch >/dev/null || { echo "no spatch: apt install coccinelle"; exit 77; }

count=200
mark=0x48540000 # HT_HYPERCALL_MARK
allow=0x48540006 # HT_HYPERCALL_NESTED

# patched_kvm KERNEL: directory of its modules, built once for each state of host/kvm
patched_kvm() {
	local root directory headers source=
	root=$(dirname "$(nested_kernel "$1")")
	directory=$root/kvm-$(cat "$TOP"/host/kvm/{apply,nested*} "$TOP/abi/hypercall.h" | sha256sum | cut -c1-12)
	headers=$(ls -d "$root"/usr/src/linux-headers-*-cloud-amd64)
	[ "$HYPERTRACE_KVM_SOURCE" = apt ] || source=$(ls "$HYPERTRACE_KVM_SOURCE"/linux-source-"$1"_*.deb | head -n 1)
	[ -e "$directory/kvm-amd.ko" ] || LINUX_SOURCE=$source "$TOP/host/kvm/apply" "$headers" "$directory" >&2 || return 1
	echo "$directory"
}

# exits_per_call TRACE NUMBER: kvm_exit events of L1 from one hypercall of L3 to the next, between the marks NUMBER of L2: how
# many it is most often, because interrupts come in between now and then
exits_per_call() {
	awk -v from="kvm_hypercall: nr 0x${2}1 " -v to="kvm_hypercall: nr 0x${2}2 " '
		index($0, from) { on = 1 }
		index($0, to) { on = 0 }
		on && /kvm_exit:/ { n++; if (/reason hypercall rip 0x10003 /) { if (last) count[n - last]++; last = n } }
		END { for (exits in count) if (count[exits] > count[best]) best = exits; print best }' "$1"
}

# between TRACE NUMBER PATTERN: lines of the trace between those marks
between() {
	awk -v from="kvm_hypercall: nr 0x${2}1 " -v to="kvm_hypercall: nr 0x${2}2 " -v pattern="$3" '
		index($0, from) { on = 1 }
		index($0, to) { on = 0 }
		on && $0 ~ pattern { n++ }
		END { print n + 0 }' "$1"
}

for kernel in $kernels; do
	patched=$(patched_kvm "$kernel") || { fail "$kernel: KVM is not built"; continue; }
	l2_initramfs l3 $(l3_files "$kernel") "$(kernel_module hypercalls "$kernel"):/hypercalls.ko" <<-EOF
	. /l3.sh
	insmod /hypercalls.ko n=0
	# hypercall NUMBER ARGUMENT
	hypercall() {
		(cd /sys/module/hypercalls/parameters && echo \$1 >nr && echo \$2 >first && echo 1 >go)
	}
	# run MARK NUMBER
	run() {
		hypercall 0x\${1}1 0
		l3_hypercalls $count \$2 || exit
		hypercall 0x\${1}2 0
	}
	run 7a $mark
	hypercall $allow 1
	run 7b $mark
	run 7c 1000
	hypercall $allow 0
	run 7d $mark
	EOF
	for parameter in 0 1; do
		nested_run "$kernel" "kvm$parameter" --no-trace --file "$patched:/nested/patched" <<-EOF ||
		rmmod kvm_amd kvm
		insmod /nested/patched/kvm.ko nested_hypercalls=$parameter && insmod /nested/patched/kvm-amd.ko nested=1 || exit
		echo 30000 >\$tracing/buffer_size_kb
		trace_on kvm/kvm_hypercall kvm/kvm_exit kvm/kvm_nested_vmexit
		export L2_SMP=1
		l2 l3 '' || exit
		cat \$tracing/trace >/out/trace
		EOF
			fail "$kernel: L1: $(tail -n 5 "$work/kvm$parameter.err" "$work/kvm$parameter.out")"
		contains "$work/kvm$parameter/l3.console" 'L2-DONE 0'
	done
	without=$work/kvm0/trace with=$work/kvm1/trace
	echo "$kernel: exits of L1 for a hypercall of L3: $(exits_per_call "$without" 7b) reflected, $(exits_per_call "$with" 7b) taken"
	for part in 7a 7b 7c 7d; do
		equal "$kernel: parameter off, part $part: calls of L3 taken" \
			"$(between "$without" $part 'kvm_hypercall: nr 0x(48540000|3e8) ')" 0
	done
	equal "$kernel: not allowed yet" "$(between "$with" 7a 'kvm_hypercall: nr 0x48540000 ')" 0
	equal "$kernel: taken" "$(between "$with" 7b 'kvm_hypercall: nr 0x48540000 .*0xd2d2d2d2d2d2d2d2 ')" $count
	equal "$kernel: exits for each" "$(exits_per_call "$with" 7b)" 1
	equal "$kernel: another number" "$(between "$with" 7c 'kvm_hypercall: nr 0x3e8 ')" 0
	equal "$kernel: no more allowed" "$(between "$with" 7d 'kvm_hypercall: nr 0x48540000 ')" 0
	equal "$kernel: L3 has its answer each time" "$(grep -c "l3: exit 2, .*, $count hypercalls, result -1000" "$work/kvm1/l3.console")" 4
done
finish
