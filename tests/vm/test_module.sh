#!/bin/bash
# SPDX-License-Identifier: MIT
# The module under what guests do to it: loaded twice, unloaded under load, CPUs taken away, no region, wrong parameters;
# then filters, markers and foreign tracepoints. A kernel warning anywhere fails the test.
. "$(dirname "$0")/lib.sh"

cat >"$work/abuse" <<'GUEST'
#!/bin/sh
parameters=$(cat /proc/cmdline | tr ' ' '\n' | sed -n 's/^hypertrace_test=//p')
module=/hypertrace.ko
region=$(cat /sys/module/hypertrace/parameters/region)
size=$(cat /sys/module/hypertrace/parameters/size)
insmod $module region=$region size=$size 2>&1 | grep -o 'File exists'
echo marker-text > /dev/hypertrace && echo marked
(while :; do ls -R /sys >/dev/null; done) &
load=$!
echo 0 > /sys/devices/system/cpu/cpu1/online && echo offline
sleep 0.3
echo 1 > /sys/devices/system/cpu/cpu1/online && echo online
rmmod hypertrace && echo unloaded
insmod $module region=$region size=$size && echo loaded
sleep 0.3
rmmod hypertrace && echo unloaded
kill $load
insmod $module region=$region size=64K 2>&1 | grep -o 'No space left'
insmod $module region=0x1001 size=32M 2>&1 | grep -o 'Invalid argument'
insmod $module region=0x1000000 size=32M 2>&1 | grep -o 'busy'
insmod $module && echo waiting && rmmod hypertrace
insmod $module region=$region size=$size && echo loaded
dmesg | grep -E 'hypertrace: (the region has|region=|the kernel uses|no region)'
exit 0
GUEST
chmod +x "$work/abuse"

for kernel in $kernels; do
	module=$("$HYPERTRACE" module --kernel "$kernel")
	trace=$work/abuse-$kernel
	run_guest --kernel "$kernel" --smp 2 --accel tcg-single -e all -o "$trace" --file "$module:/hypertrace.ko" --file "$work/abuse:/abuse" \
		-- /abuse >"$work/out" || fail "$kernel: $(cat "$work/stderr")"
	for word in 'File exists' marked offline online unloaded loaded 'No space left' 'Invalid argument' busy waiting \
		'the region has 65536 bytes, at least' 'a page-aligned address' 'reserve it by memmap' 'waiting for an ivshmem'; do
		contains "$work/out" "$word"
	done
	"$HYPERTRACE" dump "$trace"* >"$work/dump" || fail "$kernel: dump"
	contains "$work/dump" 'marker: *.*marker-text'
	contains "$work/dump" 'cpu_state'

	# filters in the guest: by pid and comm, by CPU, by duration; a tracepoint that has no probe of ours
	trace=$work/filter-$kernel
	run_guest --kernel "$kernel" --smp 2 -e sched,syscalls,sched:sched_process_wait -f 'comm==sleep' -o "$trace" \
		-- sh -c 'for i in 1 2 3; do sleep 0.1; ls /; done' >/dev/null || fail "$kernel: filter: $(cat "$work/stderr")"
	"$HYPERTRACE" dump -e sys_enter "$trace" >"$work/dump"
	contains "$work/dump" 'nanosleep'
	! grep -v 'sleep-' "$work/dump" | grep -q sys_enter || fail "$kernel: other comms: $(grep -v sleep- "$work/dump" | head -2)"

	trace=$work/duration-$kernel
	run_guest --kernel "$kernel" --smp 2 -e syscalls -f 'syscall.duration>50ms' -o "$trace" \
		-- sh -c 'ls / >/dev/null; sleep 0.2' >/dev/null || fail "$kernel: duration: $(cat "$work/stderr")"
	"$HYPERTRACE" dump "$trace" >"$work/dump"
	contains "$work/dump" 'span.*nanosleep'
	! grep -q 'sys_enter' "$work/dump" || fail "$kernel: short calls were recorded"

	trace=$work/generic-$kernel
	run_guest --kernel "$kernel" -e kmem:kmalloc,signal:signal_generate -o "$trace" -- sh -c 'kill -USR1 $$' >/dev/null
	"$HYPERTRACE" dump "$trace" >"$work/dump"
	contains "$work/dump" 'kmalloc: +.*bytes_req='
	contains "$work/dump" 'signal_generate: +sig=10'
done
finish
