#!/bin/bash
# SPDX-License-Identifier: MIT
# What bench_hypercall.c reads: L1, emulated and with a KVM of its own, counts instructions as time; in its L2, bench/workload.c
# runs under each tracer. Says lines "TRACER INSTRUCTIONS EVENTS LOST", those of a mark with nobody listening as "mark", those
# of marks and of events while `hypertrace record` runs in L1 as "marked" and by their tracer, and "recorded EVENTS LOST".
#
#   hypercall_nested.sh KERNEL WORKLOAD BATCH...      HYPERTRACE: the program
set -u
kernel=$1 workload=$2
shift 2
tracers=none\ ftrace
for batch; do tracers="$tracers hypercall:$batch"; done
# shellcheck source=/dev/null
. "$(dirname "$0")/../tests/vm/lib.sh"
. "$(dirname "$0")/../tests/vm/plain_guest.sh"
. "$(dirname "$0")/../tests/vm/nested.sh"
nested_timeout=${NESTED_TIMEOUT:-900}

mkdir "$work/module"
"$HYPERTRACE" module --kernel "$kernel" -o "$work/module" >/dev/null || exit 1
l2_initramfs alone "$workload:/bench/workload" <<'EOF'
/bench/workload mark 40 x mark
EOF
l2_initramfs watched "$workload:/bench/workload" "$work/module/hypertrace.ko:/bench/hypertrace.ko" <<EOF
/bench/workload mark 40 x marked
/bench/workload syscall_short 60 'channel=hypercall events=syscalls' $tracers
EOF
nested_run "$kernel" bench --no-trace --icount <<'EOF' || { tail -n 20 "$work/bench.err" "$work/bench.out" >&2; exit 1; }
L2_SMP=1 L2_TIMEOUT=900
l2 alone ""
hypertrace record --channel hypercall -o /out/trace >/out/record 2>&1 &
recorder=$!
sleep 1
l2 watched ""
kill -INT $recorder
wait $recorder
EOF
cat "$work/bench/alone.console" "$work/bench/watched.console" | tr -d '\r' | grep -E '^[a-z]+(:[0-9]+)? [0-9]+ [0-9]+ [0-9]+$'
sed -n 's/.* \([0-9,]*\) events, .* \([0-9,]*\) lost.*/recorded \1 \2/p' "$work/bench/record" | tr -d ,
