#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest with our module and its host in one trace: the guest's clock by KVM's own numbers, its VM and threads by name, and
# causes before effects: what the guest writes before a hypercall is before the exit, what it writes after is after its end.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

marks=300

for kernel in $kernels; do
	module=$("$HYPERTRACE" module --kernel "$kernel") || fail "$kernel: no module"
	l2_initramfs traced "$module:/hypertrace.ko" "$(kernel_module hypercalls "$kernel"):/hypercalls.ko" <<-EOF
	insmod /hypertrace.ko || exit
	insmod /hypercalls.ko n=0
	sleep 2
	i=0
	while [ \$i -lt $marks ]; do
		echo before \$i >/dev/hypertrace
		echo 1 >/sys/module/hypercalls/parameters/go
		echo after \$i >/dev/hypertrace
		i=\$((i + 1))
	done
	echo 1000 >/sys/module/hypercalls/parameters/go
	sleep 2
	EOF
	nested_run "$kernel" host --no-trace <<-'EOF_L1' || {
	cd /out
	l2 traced '' -name guest=traced -object memory-backend-file,id=hypertrace0,mem-path=/dev/shm/region,share=on,size=16M \
		-device ivshmem-plain,memdev=hypertrace0 -qmp unix:/qmp,server=on,wait=off &
	guest=$!
	for _ in $(seq 100); do
		[ -S /qmp ] && break
		sleep 0.1
	done
	hypertrace record --qmp /qmp -e sched,marker --host exits=aggregated -o trace >record.log 2>&1 || { cat record.log; exit 1; }
	wait $guest
	hypertrace info trace >info
	hypertrace dump trace | grep -E 'marker: |kvm_hypercall: .* nr=0x3e8 ' >marks
	hypertrace clocks trace --pair 1000:a1 >clocks 2>&1
	echo "status $?" >>clocks
	cp trace/hypertrace.json .
	rm -rf trace
	EOF_L1
		fail "$kernel: L1: $(tail -n 5 "$work/host.err" "$work/host.out")"
		continue
	}
	out=$work/host
	contains "$out/traced.console" 'L2-DONE 0'
	contains "$out/info" 'traced, pid [0-9]+, machine vm1, vCPU 0 by [0-9]+, 1 by [0-9]+; TSC offset known'
	# the exchange over the region alone is far from that here
	grep -A 12 'machine vm1' "$out/info" | grep 'clock ' >"$out/clock"
	contains "$out/clock" 'within ([0-9.]+ ns|[0-9](\.[0-9]+)? us) of the host'
	equal "$kernel: hypercalls of ours" "$(grep -c 'kvm_hypercall: ' "$out/marks")" $((marks + 1000))
	contains "$out/clocks" 'vm1 +1,300 +0 '
	contains "$out/clocks" 'status 0'
	equal "$kernel: order of causes and effects" "$(awk '
		/marker: / { word = $(NF - 1); number = $NF; if (word == "before") state = 1; else { if (state != 2) wrong++; state = 0 } }
		/kvm_hypercall: / { if (number < '$((marks - 1))' || state) { if (state != 1) wrong++; state = 2 } }
		END { print wrong + 0 }' "$out/marks")" 0
done
finish
