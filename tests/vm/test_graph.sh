#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls as `graph` counts them are those that the kernel's own ftrace counts for the same functions in the same run, exactly;
# who calls whom, and entries alone, too.
. "$(dirname "$0")/lib.sh"

functions=__do_sys_getppid,do_sched_yield,yield_task_fair,__x64_sys_sysinfo,__x64_sys_umask
calls=$(program calls)

# In the guest: an instance of ftrace beside what is recorded, and what it saw, as "COUNT FUNCTION"
cat >"$work/both.sh" <<EOF
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkdir -p /sys/kernel/tracing/instances/own && cd /sys/kernel/tracing/instances/own || exit 1
for function in $(echo $functions | tr , ' '); do echo \$function >>set_ftrace_filter; done 2>/dev/null
echo function >current_tracer || exit 1
/calls 1000 300 77 55
echo 0 >tracing_on
sed -n 's/.*: \([a-z0-9_.]*\) <-.*/\1/p' trace | sort | uniq -c
EOF

# compare KERNEL TRACE: what `graph` counts of the task with what the guest said
compare() {
	"$HYPERTRACE" graph "$2" -m guest -f comm==calls --report --json >"$work/graph.json" || fail "$1: graph --report"
	python3 - "$work/graph.json" "$work/own" <<-'PY' || fail "$1: other counts than the kernel's own"
	import json, sys
	machine = json.load(open(sys.argv[1]))["machines"][0]
	counted = {row["function"]: row["calls"] for row in machine["functions"]}
	own = {line.split()[1]: int(line.split()[0]) for line in open(sys.argv[2])}
	assert own and own["__do_sys_getppid"] == 1000 and own["__x64_sys_umask"] == 55, own
	assert counted == own, (counted, own)
	assert machine["lost"] == 0 and machine["exits_without_entry"] == 0, machine
	for row in machine["functions"] if machine["timed"] else []:
	    assert row["durations"]["count"] == row["calls"] and row["unended"] == 0, row
	    assert 0 < row["self_ns"] <= row["total_ns"] and row["total_on_cpu_ns"] <= row["total_ns"], row
	    assert row["durations"]["total_ns"] == row["total_ns"], row
	print(counted, "timed" if machine["timed"] else "entries only")
	PY
}

for kernel in $kernels; do
	for way in shm,return shm,entry ftrace,fgraph ftrace,entry; do
		run_guest --accel tcg-single --kernel "$kernel" --channel ${way%,*} -e sched -F "$functions" --probe ${way#*,} \
			--file "$calls:/calls" --file "$work/both.sh:/both.sh" -o "$work/trace" -- sh /both.sh >"$work/own" ||
			fail "$kernel, $way: $(cat "$work/stderr")"
		compare "$kernel, $way" "$work/trace"
		[ ${way#*,} != entry ] || { rm -rf "$work/trace"; continue; }

		# every call in its place: a yield goes from the system call to the scheduler's class
		"$HYPERTRACE" graph "$work/trace" -m guest -f comm==calls >"$work/text" || fail "$kernel: graph"
		equal "$kernel: lines of calls" "$(grep -c 'yield_task_fair();' "$work/text")" 300
		contains "$work/text" '\| do_sched_yield\(\) \{$'
		"$HYPERTRACE" graph "$work/trace" -m guest --callers yield_task_fair --json >"$work/callers.json" ||
			fail "$kernel: graph --callers"
		equal "$kernel: callers" "$(python3 -c 'import json, sys
print([(row["function"], row["calls"]) for row in json.load(open(sys.argv[1]))["machines"][0]["callers"]])' "$work/callers.json")" \
			"[('do_sched_yield', 300)]"
		rm -rf "$work/trace"
	done
done
finish
