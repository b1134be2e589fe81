#!/bin/bash
# SPDX-License-Identifier: MIT
# Channel hypercall with two guests at once: one lies and floods, the other works, and does not notice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"
. "$(dirname "$0")/hypercall.sh"

for kernel in $kernels; do
	l2_initramfs hostile $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall wait=2000 events=syscalls batch=10 || exit 1
	/marks garbage 3000
	/marks flood 8
	EOF
	l2_initramfs honest $(l2_files "$kernel") <<-'EOF'
	insmod /hypertrace.ko channel=hypercall wait=2000 events=syscalls batch=10 || exit 1
	for i in 1 2 3 4 5; do
		/getppid 200
		sleep 1
	done
	rmmod hypertrace
	EOF
	nested_run "$kernel" one --no-trace --memory 1100 --file "$work/record.sh:/record.sh" <<-'EOF' || fail "$kernel: L1: $(tail -n 20 "$work/one.err" "$work/one.out")"
	. /record.sh
	record two
	(L2_SMP=1 L2_MEMORY=160 l2 hostile "") &
	hostile=$!
	L2_SMP=1 L2_MEMORY=160 l2 honest ""
	wait $hostile
	finish_record
	EOF
	one=$work/one

	trace=$one/two.trace
	honest=$(python3 -c '
import json, sys
for machine in json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"]:
    if machine["end"]["state"] == "stopped":
        print(machine["name"])' "$trace")
	equal "$kernel: lost by a guest beside a hostile one" "$("$HYPERTRACE" info "$trace" | sed -n "/^machine $honest /,/^machine/s/^  lost *//p")" 0
	equal "$kernel: getppid of a guest beside a hostile one" "$(count "$trace" 'sys_enter: +getppid' --machine "$honest")" 1000
done
finish
