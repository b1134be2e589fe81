#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in a guest: records the workload with another tracer. Says "trace-cmd COMPRESSED BYTES EVENTS LOST" where it
# can count for itself, else writes a tar archive of the trace to stdout.
#
#   size_guest.sh trace-cmd|lttng mixed|sched_switch|functions ROUNDS
set -eu
tracer=$1 events=$2 rounds=$3
sched="sched_switch sched_waking sched_wakeup_new sched_migrate_task sched_process_fork sched_process_exec sched_process_exit"
irq="irq_handler_entry irq_handler_exit softirq_raise softirq_entry softirq_exit"
cd /tmp

# The pages of the CPUs' rings, without trace.dat's descriptions of events and symbols; as they are, and as trace-cmd
# compresses them unless told not to.
with_trace_cmd() {
	words="-e sched:sched_switch"
	[ "$events" != functions ] || words="-p function_graph"
	if [ "$events" = mixed ]; then
		words=
		for event in $sched; do words="$words -e sched:$event"; done
		for event in $irq; do words="$words -e irq:$event"; done
		words="$words -e raw_syscalls:sys_enter -e raw_syscalls:sys_exit"
	fi
	# shellcheck disable=SC2086
	trace-cmd record -b 32768 -o trace.dat $words /bench/mixed "$rounds" >said 2>&1 || { cat said; exit 1; }
	trace-cmd report --stat trace.dat >stat
	sed -n 's/.* \([0-9]*\) bytes in size (\([0-9]*\) uncompressed).*/\1 \2/p' said | awk '
		NR == FNR && /^(entries|read events):/ { events += $NF }
		NR == FNR && /^(overrun|commit overrun|dropped events):/ { lost += $NF }
		NR != FNR { compressed += $1; bytes += $2 }
		END { print "trace-cmd", compressed, bytes, events, lost }' stat -
}

with_lttng() {
	export LTTNG_HOME=/tmp
	mkdir -p /var
	[ -e /var/run ] || ln -s /run /var/run
	list=sched_switch
	[ "$events" != mixed ] || list=$(echo "$sched $irq" | tr ' ' ,)
	{
		lttng-sessiond --daemonize --kmod-probes=sched,irq
		lttng create bench --output /tmp/out
		lttng enable-channel --kernel --subbuf-size 1M --num-subbuf 16 bench
		lttng enable-event --kernel --channel bench "$list"
		[ "$events" != mixed ] || lttng enable-event --kernel --channel bench --syscall --all
		lttng start
		/bench/mixed "$rounds" 2>dots
		lttng stop
		lttng destroy
	} >said 2>&1 || { cat said >&2; exit 1; }
	tar -c out
}

case $tracer in
trace-cmd) with_trace_cmd ;;
lttng) with_lttng ;;
esac
