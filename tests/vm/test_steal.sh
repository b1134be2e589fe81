#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest's vCPU deprived of its CPU by a busy task of its host: what the host tells the guest of it by the page in the
# region, what the guest's own steal clock says, and what the guest's events add up to, agree; and what its kernel's functions
# got of the CPU is known. A nested stack: L1 is the host, with a real KVM; L2 the guest, found and recorded by its name.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

for kernel in $kernels; do
	module=$("$HYPERTRACE" module --kernel "$kernel") || fail "$kernel: no module"
	l2_initramfs steal "$module:/hypertrace.ko" <<-'EOF'
	insmod /hypertrace.ko region=0xc000000 size=32M || exit 1
	cd /sys/kernel/hypertrace/vcpu0
	cat stolen_ns 2>&1 | grep -o 'No data' # nobody keeps the page so far
	echo READY
	until cat stolen_ns >/dev/null 2>&1; do usleep 100000; done
	echo 1 >/sys/kernel/tracing/events/hypertrace/enable
	busy() { end=$(($(cut -d. -f1 /proc/uptime) + $1)); while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; do :; done; }
	echo KEPT
	busy 3
	# both at once, right behind an update of the page, by the shell's own means: every program takes its time here
	both() {
		read -r old <update_ns
		new=$old
		while [ "$new" = "$old" ]; do read -r new <update_ns; done
		read -r stolen <stolen_ns
		while read -r name user nice system idle iowait irq softirq steal rest; do
			[ "$name" = cpu0 ] && break
		done </proc/stat
		echo "$1 $steal $stolen"
	}
	both BEGIN
	busy 12
	both END
	for file in *; do echo "FILE $file $(cat $file 2>&1)"; done
	grep -c vcpu_preempted: /sys/kernel/tracing/trace | sed 's/^/TRACEPOINTS /'
	echo "LAST $(cat stolen_ns)"
	EOF
	nested_run "$kernel" "steal-$kernel" --no-trace <<-'EOF' || fail "$kernel: L1: $(tail -n 5 "$work/steal-$kernel".{err,out})"
	L2_MACHINE=pc L2_SMP=1 L2_MEMORY=224 L2_TIMEOUT=120 l2 steal 'numa=off memmap=32768K$0xc000000' -name thief \
		-object memory-backend-ram,id=low,size=192M \
		-object memory-backend-file,id=hypertrace0,size=32M,share=on,mem-path=/tmp/region \
		-numa node,nodeid=0,cpus=0,memdev=low -numa node,nodeid=1,memdev=hypertrace0 &
	until_said /out/steal.console READY || { cat /out/steal.console; exit 1; }
	hypertrace list --json >/out/list.json
	hypertrace record -g thief -e vcpu,sched -F handle_mm_fault,kernel_clone,load_elf_binary,vfs_read \
		--host exits=aggregated -o /out/trace 2>/out/record.err &
	recorder=$!
	until_said /out/steal.console KEPT || { cat /out/record.err /out/steal.console; exit 1; }
	for task in /proc/$(pidof qemu-system-x86_64)/task/*; do taskset -p 1 ${task##*/} >/dev/null; done
	taskset 1 sh -c 'while :; do :; done' &
	hog=$!
	sleep 2 # it has its share
	hypertrace top -g thief --batch 3 --delay 2s --json >/out/top.json 2>/out/top.err || cat /out/top.err
	hypertrace top -g thief --batch 1 >/out/top
	until_said /out/steal.console L2-DONE
	kill $hog
	wait $recorder
	EOF
	console=$work/steal-$kernel/steal.console
	contains "$console" 'No data'
	contains "$console" 'L2-DONE 0'
	python3 - "$work/steal-$kernel/list.json" <<-'PY' || fail "$kernel: list in L1: $(cat "$work/steal-$kernel/list.json")"
	import json, sys
	guest, = json.load(open(sys.argv[1]))["guests"]
	assert guest["name"] == "thief" and guest["accel"] == "KVM" and guest["region"] == "/tmp/region", guest
	assert guest["channels"] == ["shm", "ftrace", "hypercall"], guest
	assert [vcpu["vcpu"] for vcpu in guest["vcpus"]] == [0] and guest["vcpus"][0]["tid"], guest
	PY
	for file in exits last_exit last_exit_ns; do
		contains "$console" "^FILE $file (svm 0x[0-9a-f]+|[1-9][0-9]*)"
	done
	python3 - "$work/steal-$kernel/top.json" <<-'PY' || fail "$kernel: top: $(cat "$work/steal-$kernel"/top*)"
	import json, sys
	looks = [json.loads(line) for line in open(sys.argv[1])]
	assert len(looks) == 3, looks
	spent = {"run_percent": 0, "stolen_percent": 0, "preempted_per_s": 0}
	for look in looks:
	    (guest,) = look["guests"]
	    (vcpu,) = guest["vcpus"]
	    assert guest["name"] == "thief" and look["exits_error"] is None and vcpu["pcpu"] == 0, look
	    for word in spent:
	        spent[word] += vcpu[word] * vcpu["interval_s"]
	    assert vcpu["exits_per_s"] > 10 and vcpu["reasons"][0]["per_s"] > 1, vcpu
	    assert all(reason["reason"].isidentifier() for reason in vcpu["reasons"]), vcpu
	# of all looks: on a busy machine one alone may be short
	whole_s = sum(look["guests"][0]["vcpus"][0]["interval_s"] for look in looks)
	mean = {word: value / whole_s for word, value in spent.items()}
	assert 20 < mean["stolen_percent"] < 80 and 20 < mean["run_percent"] < 80 and mean["preempted_per_s"] > 5, mean
	PY
	contains "$work/steal-$kernel/top" '^ +thief +all 1 '
	"$HYPERTRACE" dump --json -e vcpu_stolen "$work/steal-$kernel/trace" >"$work/stolen"
	python3 - "$console" "$work/stolen" <<-'PY' || fail "$kernel: stolen time"
	import json, re, sys
	text = open(sys.argv[1], errors="replace").read()
	steal, page = {}, {}
	for word, ticks, ns in re.findall(r"^(BEGIN|END) (\d+) (\d+)", text, re.M):
	    steal[word], page[word] = int(ticks) * 10_000_000, int(ns)
	own, ours = steal["END"] - steal["BEGIN"], page["END"] - page["BEGIN"]
	events = [json.loads(line) for line in open(sys.argv[2])]
	told = sum(int(event["fields"]["stolen_ns"]) for event in events)
	whole = int(re.search(r"^LAST (\d+)", text, re.M).group(1))
	print(f"stolen: the guest's clock {own / 1e9:.3f} s, the page {ours / 1e9:.3f} s; {len(events)} events {told / 1e9:.3f} s")
	assert own > 2e9, "the vCPU had its CPU"
	assert abs(own - ours) <= 0.05 * own, "more than 5 % apart"
	# from when the page was first seen to the last look, which is a moment behind LAST
	assert 0.95 * ours < told <= whole + 5e8, "the events say something else"
	assert int(re.search(r"^TRACEPOINTS (\d+)", text, re.M).group(1)) > 20, "ftrace saw no tracepoints"
	PY
	python3 "$TOP/tests/vm/real_cpu_time.py" "$HYPERTRACE" "$work/steal-$kernel/trace" || fail "$kernel: functions' time of a pCPU"
done
finish
