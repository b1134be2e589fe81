#!/bin/bash
# SPDX-License-Identifier: MIT
# The memory of guests that stand still: every verb that reads it does, with KASLR and without, with page tables of five
# levels and of four; and everything that reads it stays within bounds when the same memory lies (tests/fuzz).
#
# FUZZ_SECONDS and FUZZ_SEED: for each fuzzer; KEEP_IMAGES=DIRECTORY keeps the memory and, after a failure, the input.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"

fuzz_seconds=${FUZZ_SECONDS:-5}
fuzz_seed=${FUZZ_SEED:-1}
fuzzers=${FUZZERS:-$TOP/build-asan/tests/fuzz} # sanitizers see more; without them crashes and hangs are seen
[ -x "$fuzzers/fuzz_guest_walkers" ] || fuzzers=$(dirname "$HYPERTRACE")/tests/fuzz

images=$work
[ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 400000 ] 2>/dev/null && images=$(mktemp -d /dev/shm/hypertrace-test.XXXXXX)
trap 'cleanup; rm -rf "$images"' EXIT

# A module whose threads sleep in it, and an instance that has one of nearly every kind of event
inside='
insmod /pktgen.ko
if grep -qw la57 /proc/cpuinfo; then echo LEVELS 5; else echo LEVELS 4; fi
mkdir instances/second
echo 1 >instances/second/options/stacktrace
echo 1 >instances/second/events/enable
(while :; do ls -R /proc/self >/dev/null; usleep 50000; done) &
sleep 2
'

# module KERNEL NAME: the kernel has it on its disk, packed or not
module() {
	local file
	file=$(find "$(dirname "$(kernel_image "$1")")/../lib/modules" -name "$2.ko*" | head -n 1)
	case $file in
	*.xz) xz -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$work/$2.ko"
}

# boot NAME KERNEL WORDS: a guest whose memory is $images/NAME
boot() {
	plain_guest "$1" "$2" 128M "$work/initramfs-$2" \
		"$3 trace_event=sched:*,irq:* trace_buf_size=128K $([ "$2" = 6.1 ] || echo "$boot_mapped")" \
		-object "memory-backend-file,id=ram,size=128M,mem-path=$images/$1,share=on" -machine memory-backend=ram
}
boot_mapped='reserve_mem=1M:4096:trace trace_instance=boot_map@trace,sched,irq'

# read_image NAME INSTANCE...: the verbs on a memory that nobody changes
read_image() {
	local name=$1 image=$images/$1 trace=$work/trace-$1
	shift
	"$HYPERTRACE" ps --threads --ram "$image" >"$work/ps" 2>&1 || fail "$name: ps: $(cat "$work/ps")"
	contains "$work/ps" ' init .*wait'
	contains "$work/ps" 'kpktgend_0.*pktgen_thread_worker \[pktgen\]'
	"$HYPERTRACE" ps --stack --task kpktgend_0 --ram "$image" >"$work/ps" 2>&1 || fail "$name: ps: $(cat "$work/ps")"
	contains "$work/ps" '^ +pktgen_thread_worker\+0x[0-9a-f]+/0x[0-9a-f]+ \[pktgen\]'
	contains "$work/ps" '^ +ret_from_fork(_asm)?\+'
	"$HYPERTRACE" dmesg --ram "$image" >"$work/dmesg" 2>&1 || fail "$name: dmesg: $(cat "$work/dmesg")"
	contains "$work/dmesg" '\] Linux version '
	contains "$work/dmesg" 'pktgen: Packet Generator'
	"$HYPERTRACE" panic --ram "$image" >"$work/panic" 2>&1 || fail "$name: panic: $(cat "$work/panic")"
	contains "$work/panic" 'no panic, no oops'
	contains "$work/panic" 'guest.second: .*kernel_stack'
	"$HYPERTRACE" record --ram "$image" --history -d 1 -o "$trace" 2>"$work/record" || fail "$name: record: $(cat "$work/record")"
	equal "$name: lost" "$(lost "$trace")" 0
	for machine in vm1 "$@"; do
		[ "$(events "$trace" -m "$machine")" -gt 500 ] || fail "$name: $machine: $(events "$trace" -m "$machine") events"
	done
}

# fuzz NAME TARGET SECONDS: on a copy of nothing: the image is only read
fuzz() {
	local directory=$work/fuzz-$1-$2
	mkdir -p "$directory"
	if (cd "$directory" && HYPERTRACE_IMAGE=$images/$1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		timeout $((60 + 10 * $3)) "$fuzzers/fuzz_$2" --seconds "$3" --seed "$fuzz_seed" >out 2>&1); then
		echo "$1: $(tail -n 1 "$directory/out")"
		return
	fi
	fail "$1: fuzz_$2 --seed $fuzz_seed: $(grep -v 'events were lost' "$directory/out" | tail -n 40)"
	[ -z "${KEEP_IMAGES:-}" ] || cp "$directory"/fuzz-*.crash "$KEEP_IMAGES/$1-$2.crash"
}

for kernel in $kernels; do
	module "$kernel" pktgen
	initramfs "$work/initramfs-$kernel" <<<"$inside"
	(cd "$work" && echo pktgen.ko | busybox cpio -o -H newc 2>/dev/null) >>"$work/initramfs-$kernel"

	boot "$kernel-moved" "$kernel" ''
	moved=$plain_pid
	boot "$kernel-fixed" "$kernel" 'nokaslr no5lvl'
	for name in "$kernel-moved" "$kernel-fixed"; do
		until_console "$name" GUEST-DONE || continue
	done
	kill -STOP "$moved" "$plain_pid"
	equal "$kernel-fixed: levels of its page tables" "$(tr -d '\r' <"$work/$kernel-fixed.console" | sed -n 's/^LEVELS //p')" 4
	for name in "$kernel-moved" "$kernel-fixed"; do
		echo "$name: page tables of $(tr -d '\r' <"$work/$name.console" | sed -n 's/^LEVELS //p') levels"
		read_image "$name" vm1.second $([ "$kernel" = 6.1 ] || echo vm1.boot_map)
	done
	equal "$kernel-fixed: KASLR" "$(python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["machines"][0]["kernel"]["kaslr_offset"])' "$work/trace-$kernel-fixed/hypertrace.json")" 0x0
	fuzz "$kernel-moved" guest_walkers "$fuzz_seconds"
	fuzz "$kernel-moved" guest_kernel $((fuzz_seconds / 2))
	fuzz "$kernel-fixed" guest_walkers $((fuzz_seconds / 2))
	[ -z "${KEEP_IMAGES:-}" ] || cp --sparse=always "$images/$kernel-moved" "$images/$kernel-fixed" "$KEEP_IMAGES/"
	kill -KILL "$moved" "$plain_pid"
	wait "$moved" "$plain_pid" 2>/dev/null
	rm -f "$images/$kernel-moved" "$images/$kernel-fixed"
done
finish
