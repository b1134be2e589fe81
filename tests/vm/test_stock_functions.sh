#!/bin/bash
# SPDX-License-Identifier: MIT
# A stock kernel's boot, all its functions: by the guest's own count of each CPU none is missing, while the ring wraps many
# times. Then some functions with their returns, and patterns that name none.
. "$(dirname "$0")/lib.sh"

# In the guest: what each CPU has written, once nothing is written any more
stats='cd /sys/kernel/tracing && echo 0 >tracing_on && cat per_cpu/cpu*/stats'

# written OUTPUT: entries + overrun of each CPU, by the guest; recorded TRACE: events of each CPU, by the trace
written() {
	awk '/^entries:/ { entries = $2 } /^overrun:/ { print entries + $2 }' "$1"
}
recorded() {
	python3 -c 'import json, sys
for cpu in json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"][0]["cpus"]:
    print(cpu["events"] + sum(cpu["lost"].values()))' "$1"
}

for kernel in $kernels; do
	# the default ring holds what is written before the kernel is found
	run_guest --kernel "$kernel" --channel ftrace -F '*' --probe entry -o "$work/all" -- sh -c "$stats" >"$work/stats" ||
		fail "$kernel: $(cat "$work/stderr")"
	equal "$kernel: events of each CPU" "$(recorded "$work/all")" "$(written "$work/stats")"
	equal "$kernel: lost" "$(lost "$work/all")" 0
	functions=$(events "$work/all" -e function)
	[ "$functions" -gt 1000000 ] || fail "$kernel: only $functions functions in a boot"
	"$HYPERTRACE" dump "$work/all" -e function | head -n 1 >"$work/first"
	contains "$work/first" '^ +<idle>-0 .* parent_ip=tracing_set_tracer'
	echo "$kernel: $functions functions, $(lost "$work/all") lost"
	rm -rf "$work/all"

	# a small one does not: what is missing is counted
	run_guest --kernel "$kernel" --channel ftrace -F '*' --probe entry --size 256K -o "$work/all" -- sh -c "$stats" >"$work/stats" ||
		fail "$kernel: $(cat "$work/stderr")"
	equal "$kernel, small ring: events of each CPU" "$(recorded "$work/all")" "$(written "$work/stats")"
	[ "$(lost "$work/all")" -gt 0 ] || fail "$kernel: nothing lost from a ring of 256 KiB"
	rm -rf "$work/all"

	run_guest --kernel "$kernel" --channel ftrace -F 'ksys_*,vfs_write,vfs_wrte' --probe fgraph -F '!ksys_sync' \
		-o "$work/some" -- sh -c 'i=0; while [ $i -lt 1000 ]; do echo; i=$((i+1)); done >/dev/null; sync'
	contains "$work/stderr" '-F vfs_wrte: no function that the guest.s kernel can trace$'
	contains "$work/stderr" '^hint: is vfs_writev? meant'
	"$HYPERTRACE" dump "$work/some" -e 'funcgraph_*' | sed -n 's/.* \(funcgraph_[a-z]*\): *func=\([^ +]*\).*/\1 \2/p' | sort |
		uniq -c >"$work/counts"
	for function in ksys_write vfs_write; do
		entries=$(awk "/funcgraph_entry $function\$/ { print \$1 }" "$work/counts")
		exits=$(awk "/funcgraph_exit $function\$/ { print \$1 }" "$work/counts")
		[ "${entries:-0}" -ge 1000 ] || fail "$kernel: $function was entered ${entries:-0} times"
		equal "$kernel: returns of $function" "${exits:-0}" "$entries"
	done
	grep -vE '(ksys_[a-z0-9_]*|vfs_write)$' "$work/counts" | grep . && fail "$kernel: functions that were not asked for"
	grep ' ksys_sync$' "$work/counts" && fail "$kernel: ksys_sync was taken out"
	rm -rf "$work/some"
done
finish
