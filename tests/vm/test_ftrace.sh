#!/bin/bash
# SPDX-License-Identifier: MIT
# A stock guest's own ftrace, followed through its VMM's memory: as many events as the guest says it wrote, on each CPU,
# with RAM above 4 GiB, with rings that wrap, with a reader in the guest, with instances, boot-mapped or not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"

# In the guest: what it wrote, once it writes no more
stats='
stats() { echo "STATS $1"; cat $2/per_cpu/cpu*/stats; echo END; }
'

# follow NAME: records $plain_pid from its beginning until it is done; then compares each CPU of the machines named
follow() {
	local name=$1 recorder machine
	shift
	rm -rf "$work/$name.trace"
	"$HYPERTRACE" record --pid "$plain_pid" --history -d 120s -o "$work/$name.trace" 2>"$work/$name.record" &
	recorder=$!
	until_console "$name" GUEST-DONE
	sleep 1
	kill -INT $recorder
	wait $recorder || fail "$name: record: $(cat "$work/$name.record")"
	kill "$plain_pid"
	wait "$plain_pid" 2>/dev/null
	for machine; do
		equal "$name, $machine: events on each CPU" "$(trace_entries "$work/$name.trace" "$machine" | tr '\n' ' ')" \
			"$(guest_entries "$name" "$machine" | tr '\n' ' ')"
		echo "$name, $machine: $(trace_entries "$work/$name.trace" "$machine" | tr '\n' ' ')events," \
			"$(lost "$work/$name.trace") lost"
	done
	equal "$name: damaged" "$(lost "$work/$name.trace" damaged)" 0
}

events='trace_event=sched:*,irq:*,raw_syscalls:* trace_clock=x86-tsc'

initramfs "$work/load" getppid <<EOF
$stats
sleep 2
end=\$((\$(cut -d. -f1 /proc/uptime) + 10))
while [ \$(cut -d. -f1 /proc/uptime) -lt \$end ]; do /getppid 20000 & ls -R /proc/self >/dev/null; wait; done
echo 0 >tracing_on
stats vm1 .
EOF
initramfs "$work/wrap" getppid <<EOF
$stats
cat trace_pipe >/dev/null &
/getppid 100000 & /getppid 100000; wait \$!
kill %1
echo 64 >buffer_size_kb
/getppid 100000 & /getppid 100000; wait \$!
mkdir instances/second
echo 1 >instances/second/events/raw_syscalls/enable
/getppid 50000
echo 0 >instances/second/tracing_on
echo 0 >tracing_on
stats vm1.second instances/second
stats vm1 .
EOF

initramfs "$work/clocks" getppid <<'EOF'
for clock in local mono boot x86-tsc global; do
	echo $clock >trace_clock
	/getppid 60000
	sleep 1
done
EOF

# check_clocks TRACE SECONDS: a machine for each clock, one after the other in the host's time, each stamp as good as its bound
check_clocks() {
	python3 - "$@" <<'PY'
import json, subprocess, sys, os
trace, limit_s = sys.argv[1], float(sys.argv[2])
info = json.load(open(trace + "/hypertrace.json"))
seen, before_ns = set(), 0
for machine in info["machines"]:
    lines = subprocess.run([os.environ["HYPERTRACE"], "dump", "--json", "--tail", "1", "-m", machine["name"], trace],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    if not lines:
        continue
    last_ns = max(json.loads(line)["time_ns"] for line in lines)
    assert last_ns >= before_ns - limit_s * 1e9, f'{machine["name"]} ends before the one before it'
    bound_ns = min(point[2] for point in machine["clock"]["points"])
    assert bound_ns < limit_s * 1e9, f'{machine["name"]}: its best bound is {bound_ns} ns'
    before_ns = last_ns
    seen.add(machine["clock"]["name"])
# the last one was written to until we stopped: its newest event is hardly older than the end
assert abs(info["end_unix_ns"] - before_ns) < (1.5 + limit_s) * 1e9, f'{info["end_unix_ns"] - before_ns} ns from the end'
assert seen >= {"local", "mono", "boot", "x86-tsc", "global"}, seen
print("clocks:", *sorted(seen))
PY
}

for kernel in $kernels; do
	plain_guest "load-$kernel" "$kernel" 512 "$work/load" "$events trace_buf_size=4M"
	follow "load-$kernel" vm1
	plain_guest "large-$kernel" "$kernel" 6G "$work/load" "$events trace_buf_size=4M"
	follow "large-$kernel" vm1

	plain_guest "wrap-$kernel" "$kernel" 512 "$work/wrap" "$events trace_buf_size=256K"
	follow "wrap-$kernel" vm1.second

	plain_guest "clocks-$kernel" "$kernel" 512 "$work/clocks" "$events trace_buf_size=4M"
	follow "clocks-$kernel"
	check_clocks "$work/clocks-$kernel.trace" 0.2 || fail "$kernel: clocks"
done
finish
