#!/bin/bash
# SPDX-License-Identifier: MIT
# What a guest learns of its vCPUs: in sysfs, by the module's tracepoints and by events of its trace, the same of all three;
# nothing where nobody keeps the pages; and the module goes under load while all of it is used.
. "$(dirname "$0")/lib.sh"

# Waits for a line of input between its parts.
cat >"$work/inside" <<'SH'
modprobe ivshmem 2>/dev/null
insmod /hypertrace.ko
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
echo SAY ready
read -r _
until [ -e /sys/kernel/hypertrace/vcpu1/pcpu ]; do sleep 0.1; done
cat /sys/kernel/hypertrace/vcpu0/stolen_ns 2>&1 | sed 's/^/UNKEPT /'
echo 1 >/sys/kernel/tracing/events/hypertrace/enable
echo SAY shown
read -r _
for i in 1 2 3 4 5 6 7 8; do
	for cpu in 0 1; do echo "KEPT $cpu $(cat /sys/kernel/hypertrace/vcpu$cpu/run_ns /sys/kernel/hypertrace/vcpu$cpu/stolen_ns 2>/dev/null | tr '\n' ' ')"; done
	j=0; while [ $j -lt 20000 ]; do j=$((j + 1)); done
done
echo SAY worked
read -r _
cat /sys/kernel/hypertrace/vcpu0/state 2>&1 | sed 's/^/LEFT /'
sed 's/^/FTRACE /' /sys/kernel/tracing/trace
echo SAY traced
read -r _
(while :; do cat /sys/kernel/hypertrace/vcpu*/* >/dev/null 2>&1; done) &
(while :; do ls -R /sys/kernel >/dev/null 2>&1; done) &
for i in 1 2 3 4 5; do
	rmmod hypertrace && echo UNLOADED
	[ ! -e /sys/kernel/hypertrace ] || echo STAYED
	insmod /hypertrace.ko
	echo 1 >/sys/kernel/tracing/events/hypertrace/enable
	sleep 0.3
done
kill %1 %2
echo SAY done
read -r _
SH

guest_says() { # WORD
	for _ in $(seq 900); do
		grep -q "^SAY $1" "$work/out" && return 0
		sleep 0.1
	done
	fail "$kernel: the guest never said $1: $(tail -n 5 "$work/out" "$work/err")"
	return 1
}

for kernel in $kernels; do
	module=$("$HYPERTRACE" module --kernel "$kernel") || fail "$kernel: no module"
	rm -f "$work/input"
	mkfifo "$work/input"
	: >"$work/out"
	"$HYPERTRACE" run --kernel "$kernel" --smp 2 --no-trace --qmp "$work/$kernel.qmp" --kernel-log "$work/kernel-log.$kernel" \
		--file "$module:/hypertrace.ko" --file "$work/inside:/inside" -- sh /inside <"$work/input" >"$work/out" 2>"$work/err" &
	guest=$!
	background=$guest
	exec 7>"$work/input"
	guest_says ready || continue
	"$HYPERTRACE" attach -g "run-$guest" --region-size 16M --name "hypertrace-awareness-$$" >"$work/region" 2>"$work/errors" ||
		fail "$kernel: attach: $(cat "$work/errors")"
	echo >&7
	guest_says shown || continue
	"$HYPERTRACE" record -g "run-$guest" -e vcpu -o "$work/$kernel" 2>"$work/errors" &
	recorder=$!
	for _ in $(seq 100); do # until it records
		[ -e "$work/$kernel/run-$guest/metadata" ] && break
		sleep 0.1
	done
	echo >&7
	guest_says worked || continue
	kill -INT $recorder
	wait $recorder || fail "$kernel: record: $(cat "$work/errors")"
	echo >&7
	guest_says traced || continue
	contains "$work/out" '^UNKEPT .*No data'
	contains "$work/out" '^LEFT .*No data'
	"$HYPERTRACE" dump --json "$work/$kernel" >"$work/events.json"
	python3 - "$work/out" "$work/events.json" <<-'PY' || fail "$kernel: three ways to say it"
	import json, re, sys
	text = open(sys.argv[1], errors="replace").read()
	kept = {cpu: [tuple(map(int, pair.split())) for c, pair in re.findall(r"^KEPT (\d) (\d+ \d+)", text, re.M) if c == cpu]
	        for cpu in "01"}
	for cpu, values in kept.items():
	    assert len(values) >= 4, f"vCPU {cpu}: {values}"
	    assert values == sorted(values) and values[-1][0] > values[0][0], f"vCPU {cpu}: {values}"
	ftrace = [(int(v), int(p), int(n), int(ns)) for v, p, n, ns in re.findall(
	    r"^FTRACE .*vcpu_preempted: vcpu=(\d+) pcpu=(\d+) preemptions=(\d+) stolen_ns=(\d+)", text, re.M)]
	moved = [tuple(map(int, m)) for m in re.findall(
	    r"^FTRACE .*vcpu_migrated: vcpu=(\d+) orig_cpu=(\d+) dest_cpu=(\d+) migrations=(\d+)", text, re.M)]
	events = [json.loads(line) for line in open(sys.argv[2])]
	ours = [tuple(int(e["fields"][f]) for f in ("vcpu", "pcpu", "preemptions", "stolen_ns"))
	        for e in events if e["event"] == "vcpu_stolen"]
	ours_moved = [tuple(int(e["fields"][f]) for f in ("vcpu", "orig_cpu", "dest_cpu", "migrations"))
	              for e in events if e["event"] == "vcpu_migrated"]
	assert ours and all(ns >= 100_000 for _, _, _, ns in ours), ours[:3]
	# the tracepoints were on before the recorder came and after it went
	assert set(ours) <= set(ftrace) and set(ours_moved) <= set(moved), "ftrace says something else"
	PY
	echo >&7
	guest_says 'done' || continue
	equal "$kernel: unloaded" "$(grep -c '^UNLOADED' "$work/out")" 5
	equal "$kernel: what stayed" "$(grep -c '^STAYED' "$work/out")" 0
	"$HYPERTRACE" detach -g "run-$guest" 2>"$work/errors" || fail "$kernel: detach: $(cat "$work/errors")"
	exec 7>&-
	kill $guest 2>/dev/null
	wait $guest
	background=

	# who does not ask for these events gets none, and does not miss them
	run_guest --kernel "$kernel" --smp 2 -e sched -o "$work/quiet-$kernel" \
		-- sh -c 'until cat /sys/kernel/hypertrace/vcpu1/pcpu 2>/dev/null; do sleep 0.1; done' >"$work/pcpu" ||
		fail "$kernel: run: $(cat "$work/stderr")"
	contains "$work/pcpu" '^[0-9]+'
	equal "$kernel: events that nobody wants" "$(events -e vcpu "$work/quiet-$kernel")" 0
done
finish
