#!/bin/bash
# SPDX-License-Identifier: MIT
# A stock guest that does to its own trace buffer whatever one can do while it is followed: readers of three kinds take
# pages out, it is emptied, resized, exchanged with its snapshot, and gets other sub-buffers. Whatever happens, on each
# CPU what was recorded and what was lost are together what the guest says it wrote.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"

# In the guest. Counts are only looked at while nothing is written.
common='
sum0=0 sum1=0
# what a CPU wrote since the last reset: what its ring holds, what was overwritten, what was read
wrote() { sed -n "s/^\(entries\|overrun\|read events\): //p" per_cpu/cpu$1/stats | { read a; read b; read c; echo $((a + b + c)); }; }
add() { sum0=$((sum0 + $(wrote 0))) sum1=$((sum1 + $(wrote 1))); }
take_off() { sum0=$((sum0 - $(wrote 0))) sum1=$((sum1 - $(wrote 1))); }
load_on() {
	echo 1 >tracing_on
	/getppid 100000000 >/dev/null &
	load0=$!
	/getppid 100000000 >/dev/null &
	load1=$!
}
load_off() {
	kill $load0 $load1
	wait $load0 $load1
	echo 0 >tracing_on
}
echo 1 >events/sched/enable
echo 1 >events/raw_syscalls/enable
sleep 1
'

# follow NAME: records $plain_pid until it is done, and compares its CPUs with what the guest says
follow() {
	local name=$1 recorder
	rm -rf "$work/$name.trace"
	"$HYPERTRACE" record --pid "$plain_pid" --history -d 150s -o "$work/$name.trace" 2>"$work/$name.record" &
	recorder=$!
	until_console "$name" GUEST-DONE
	sleep 1
	kill -INT $recorder
	wait $recorder || fail "$name: record: $(cat "$work/$name.record")"
	kill "$plain_pid"
	wait "$plain_pid" 2>/dev/null
	equal "$name: events on each CPU" "$(trace_entries "$work/$name.trace" vm1 | tr '\n' ' ')" \
		"$(tr -d '\r' <"$work/$name.console" | sed -n 's/^TOTAL //p') "
	equal "$name: damaged" "$(lost "$work/$name.trace" damaged)" 0
	echo "$name: $(trace_entries "$work/$name.trace" vm1 | tr '\n' ' ')events, $(lost "$work/$name.trace") lost"
}

# scenario NAME: commands for the guest on stdin, on each kernel
scenario() {
	{ echo "$common"; cat; echo 'echo TOTAL $sum0 $sum1'; } | initramfs "$work/$1" getppid
	for kernel in $kernels; do
		plain_guest "$1-$kernel" "$kernel" 512 "$work/$1" "trace_clock=local"
		follow "$1-$kernel"
	done
}

scenario readers <<'EOF'
load_on
cat trace_pipe >/dev/null & reader=$!
sleep 4
kill $reader
wait $reader
for i in 1 2 3 4 5 6; do timeout 1 head -c 100000 trace_pipe >/dev/null; sleep 0.2; done
dd if=per_cpu/cpu0/trace_pipe_raw of=/dev/null bs=4096 2>/dev/null & reader=$!
sleep 4
kill $reader
wait $reader
load_off
add
EOF

scenario reset <<'EOF'
for i in 1 2 3 4; do
	load_on
	sleep 1
	load_off
	add
	echo >trace
	load_on
	sleep 1
	load_off
	sum0=$((sum0 + $(wrote 0)))
	echo >per_cpu/cpu0/trace
	load_on
	sleep 1
	load_off
	add
	echo >trace
done
EOF

scenario resize <<'EOF'
load_on
for i in 1 2 3 4 5 6 7 8; do echo $((i % 4 * 700 + 32)) >buffer_size_kb; sleep 0.7; done
if [ -e buffer_subbuf_size_kb ]; then
	for i in 1 2 3 4 5 6; do echo $((i % 3 * 12 + 4)) >buffer_subbuf_size_kb; sleep 0.7; done
fi
load_off
add
EOF

# each of the two buffers has counts of its own
scenario snapshot <<'EOF'
echo 0 >tracing_on
add
echo 1 >snapshot
for i in 1 2 3 4; do
	load_on
	sleep 1
	load_off
	add
	echo 1 >snapshot
	take_off
done
load_on
sleep 1
load_off
add
EOF
finish
