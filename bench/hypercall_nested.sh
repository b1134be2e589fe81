#!/bin/bash
# SPDX-License-Identifier: MIT
# What bench_hypercall.c reads: L1, emulated and with a KVM of its own, counts instructions as time; in its L2, bench/workload.c
# runs under each tracer. Says its lines, "TRACER INSTRUCTIONS EVENTS LOST …", those of a mark with nobody listening as "mark", those
# of marks and of events while `hypertrace record` runs in L1 as "marked" and by their tracer, and "recorded EVENTS LOST".
# bench/tiny_vmm.c is a guest that does nothing but calls: "round" as L1's guest, "deeper" as L2's.
#
#   hypercall_nested.sh KERNEL WORKLOAD TINY_VMM BATCH...      HYPERTRACE: the program
set -u
kernel=$1 workload=$2 vmm=$3
shift 3
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
modules=$(nested_kernel "$kernel")/modules
l2_initramfs deeper "$modules/irqbypass.ko:/irqbypass.ko" "$modules/kvm.ko:/kvm.ko" "$modules/kvm-amd.ko:/kvm-amd.ko" \
	"$vmm:/tiny_vmm" <<'EOF'
insmod /irqbypass.ko; insmod /kvm.ko; insmod /kvm-amd.ko
/tiny_vmm 500 | sed 's/.*shortest \([0-9]*\) .*/deeper \1 1 0/'
EOF
nested_run "$kernel" bench --no-trace --icount --file "$vmm:/bin/tiny_vmm" <<'EOF' || { tail -n 20 "$work/bench.err" "$work/bench.out" >&2; exit 1; }
L2_SMP=1 L2_TIMEOUT=900
tiny_vmm 500 | sed 's/.*shortest \([0-9]*\) .*/round \1 1 0/' >/out/round.console
L2_TIMEOUT=10 l2 deeper "" # seconds of instructions; it hangs now and then
l2 alone ""
hypertrace record --channel hypercall -o /out/trace >/out/record 2>&1 &
recorder=$!
sleep 1
l2 watched ""
kill -INT $recorder
wait $recorder
EOF
cat "$work/bench"/{round,deeper,alone,watched}.console | tr -d '\r' | grep -E '^[a-z]+(:[0-9]+)?( [0-9]+){3,6}$'
sed -n 's/.* \([0-9,]*\) events, .* \([0-9,]*\) lost.*/recorded \1 \2/p' "$work/bench/record" | tr -d ,
