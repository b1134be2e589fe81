#!/bin/bash
# SPDX-License-Identifier: MIT
# A nested stack, recorded in L1 with its host's side. For three seconds a busy task of L1 shares L2's vCPU 0 its pCPU, where a
# busy task of L2 wants to run, and hypercalls with L2's TSC come from vCPU 1. Then the verbs that look at both.
NESTED_TIMEOUT=${NESTED_TIMEOUT:-300} # three recordings
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

# check WHAT PROGRAM VERB-ARGUMENT...: the program of Python holds for the verb's document, `d`
check() {
	local what=$1 program=$2
	shift 2
	"$HYPERTRACE" "$@" --json >"$work/document" 2>"$work/errors" || fail "$what: $* failed: $(tail -n 3 "$work/errors")"
	python3 -c "import json, sys
d = json.load(open(sys.argv[1]))
$program" "$work/document" >"$work/errors" 2>&1 || fail "$what: $(tail -n 3 "$work/errors")"
}

# at TRACE MARKER: its time in seconds since the trace's start
at() {
	"$HYPERTRACE" dump "$1" -e marker | sed -nE "s/.* ([0-9]+\.[0-9]+): marker: +$2$/\1/p" | head -n 1
}

# steal CONSOLE WORD: what L2's cpu0 had counted at that mark, in ns
steal() {
	sed -nE "s/^$2: cpu0( [0-9]+){7} ([0-9]+) .*/\2/p" "$1" | awk '{ printf "%.0f", $1 * 1e7 }'
}

for kernel in $kernels; do
	l2_initramfs work "$("$HYPERTRACE" module --kernel "$kernel"):/hypertrace.ko" \
		"$(kernel_module hypercalls "$kernel"):/hypercalls.ko" "$(program busy):/bin/busy" <<-'EOF_L2'
	mark() {
		echo "$1" >/dev/hypertrace
		echo "$1: $(grep '^cpu0 ' /proc/stat)"
	}
	insmod /hypertrace.ko region=0x8000000 size=16M
	insmod /hypercalls.ko n=0
	echo L2-READY
	sleep 8 # until it is recorded
	taskset 1 busy 6 &
	(taskset 2 sh -c 'for i in 1 2 3 4 5 6; do echo 200 >/sys/module/hypercalls/parameters/go; sleep 0.2; done') &
	taskset 1 sh -c 'sleep 0.5'
	mark before
	sleep 4
	mark after
	wait
	echo L2-END
	# its symbols are recorded meanwhile, then the other levels; L1 ends it
	echo 1001 >/sys/module/hypercalls/parameters/nr
	for i in $(seq 120); do echo 20 >/sys/module/hypercalls/parameters/go; sleep 0.5; done
	EOF_L2
	nested_run "$kernel" one --no-trace --file "$(program busy):/usr/bin/busy" <<-'EOF_L1' || fail "$kernel: L1: $(tail -n 5 "$work/one.err" "$work/one.out")"
	L2_MACHINE=pc L2_MEMORY=208 L2_TIMEOUT=240 l2 work 'numa=off memmap=16384K$0x8000000' -name l2,debug-threads=on \
		-qmp unix:/tmp/qmp,server=on,wait=off -object memory-backend-ram,id=low,size=128M \
		-object memory-backend-file,id=hypertrace-region,size=16M,share=on,mem-path=/tmp/region \
		-object memory-backend-ram,id=high,size=64M -numa node,nodeid=0,cpus=0-1,memdev=low \
		-numa node,nodeid=1,memdev=hypertrace-region -numa node,nodeid=2,memdev=high &
	until_said /out/work.console L2-READY || exit 1
	pid=$(pidof qemu-system-x86_64)
	for task in /proc/$pid/task/*; do
		case $(cat $task/comm) in
		'CPU 0/KVM') taskset -p 1 ${task##*/} ;;
		*) taskset -p 2 ${task##*/} ;;
		esac
	done
	taskset 2 hypertrace record --qmp /tmp/qmp --host exits=aggregated -e sched,marker -o /out/t -- sh -c "
		until grep -q 'before: ' /out/work.console; do sleep 0.1; done
		taskset 1 busy 3
		until grep -q L2-END /out/work.console; do sleep 0.1; done"
	echo recorded $?
	for level in histogram full; do
		taskset 2 hypertrace record --host exits=$level -d 3s -o /out/$level
		echo $level $?
	done
	kill $pid
	EOF_L1
	trace=$work/one/t console=$work/one/work.console
	[ -z "${KEEP:-}" ] || cp -r "$work/one" "$work/one.out" "$work/one.err" "$KEEP"
	contains "$work/one.out" '^recorded 0$'
	contains "$work/one.out" '^histogram 0$'
	contains "$work/one.out" '^full 0$'
	contains "$console" 'L2-END'
	equal "$kernel: lost" "$(lost "$trace")" 0

	check "$kernel: order" 'p = [c["pairs"] for c in d["clocks"] if c["pairs"]["count"]]
assert len(p) == 1 and p[0]["count"] == 1200 and p[0]["violations"] == 0, p
vm = [c for c in d["clocks"] if c["pairs"]["count"]][0]
assert vm["source"] == "TSC offset of KVM" and vm["largest_error_ns"] < 100000, vm
assert vm["events"]["count"] > 500 and d["violations"] == 0, d["worst"]' clocks "$trace" --pair 1000:a1
	check "$kernel: states" 'assert len(d["vcpus"]) == 2 and d["backwards"] == d["contradictions"] == 0
for v in d["vcpus"]: assert sum(v["states_ns"].values()) == d["duration_ns"], (v, d["duration_ns"])' vcpu "$trace"
	from=$(at "$trace" before) to=$(at "$trace" after)
	check "$kernel: unknown" 'for v in d["vcpus"]: assert v["states_ns"]["unknown"] < 0.05 * d["duration_ns"], v
assert sum(v["states_ns"]["guest"] for v in d["vcpus"]) > 0.2 * d["duration_ns"], d["vcpus"]' vcpu "$trace" -t "$from-$to"
	stolen=$(($(steal "$console" after) - $(steal "$console" before)))
	check "$kernel: the culprit" "top = [c for c in d['culprits'][:4] if c['comm'] == 'busy'] # of an emulated L1 under load others take time, too
assert top and top[0]['total_ns'] > 0.2e9, d['culprits'][:5]
busy = [t for t in d['tasks'] if t['comm'] == 'busy']
assert busy and busy[0]['off_ns'] > 0.3e9, busy" vcpu "$trace" -f cpu==0 -t "$from-$to"
	check "$kernel: stolen time" "s = d['vcpus'][0]['stolen_ns']
assert s > 0.4e9 and abs(s - $stolen) <= 0.05 * s + 2e7, (s, $stolen)
print(s)" vcpu "$trace" -f cpu==0 -t "$from-$to"
	check "$kernel: exits" 'h = [x["count"] for x in d["hypercalls"] if x["nr"] == 1000]
assert h == [1200], d["hypercalls"]
f = [x for x in d["functions"] if not x["function"].startswith("0x")]
assert f and f[0]["count"] > 10, d["functions"][:5]
assert sum(x["count"] for x in d["reasons"]) + d["beginning_not_seen"] == '"$(events "$trace" -e kvm_exit,kvm_hypercall)" \
		exits "$trace"
	check "$kernel: latency" 'assert d["guests"][0]["joint"] and d["guests"][0]["total"]["count"] > 50
for w in d["worst"]: assert sum(w["parts_ns"].values()) == w["duration_ns"], w' latency "$trace"
	"$HYPERTRACE" latency "$trace" >"$work/text" || fail "$kernel: latency"
	contains "$work/text" '^vm1: .* sched_switch: '
	contains "$work/text" '^host: .* kvm_exit: '
	# a histogram of exits tells no guest code from exits, and all else
	check "$kernel: histograms" 'assert d["histograms"] and d["exits"] > 50
h = [x for x in d["reasons"] if x["reason"] == "hypercall"][0]
assert h["count"] >= 20 and h["min_ns"] <= h["p50_ns"] <= h["max_ns"] and h["total_ns"] >= h["count"] * h["min_ns"], h
' exits "$work/one/histogram"
	check "$kernel: histograms" 'for v in d["vcpus"]:
	s = v["states_ns"]
	assert v["tid"] and sum(s.values()) == d["duration_ns"] and not s["guest"] and not s["exit"], v
assert sum(v["states_ns"]["running"] for v in d["vcpus"]) and sum(v["exits"] for v in d["vcpus"]) > 50' vcpu "$work/one/histogram"
	check "$kernel: level full" 'assert sum(v["states_ns"]["user"] for v in d["vcpus"]) > 0
for v in d["vcpus"]: assert sum(v["states_ns"].values()) == d["duration_ns"], v' vcpu "$work/one/full"
	check "$kernel: level full" 'assert not d["histograms"] and [x for x in d["reasons"] if x["to_user"]]' exits "$work/one/full"
	"$HYPERTRACE" vcpu "$trace" --svg "$work/vcpu.svg" >"$work/text" || fail "$kernel: vcpu --svg"
	contains "$work/vcpu.svg" '</svg>'
done
finish
