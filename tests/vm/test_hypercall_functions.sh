#!/bin/bash
# SPDX-License-Identifier: MIT
# Channel hypercall with functions, by the module's parameters, changed while they are traced. What is recorded is what the
# guest's own ftrace counts, whatever the size of the batches, to a reboot right behind the last call.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"
. "$(dirname "$0")/hypercall.sh"

cat >"$work/count.sh" <<'EOF'
mkdir -p /sys/kernel/tracing/instances/own
cd /sys/kernel/tracing/instances/own
for function in __do_sys_getppid do_sched_yield yield_task_fair __x64_sys_umask; do echo $function >>set_ftrace_filter; done
echo function >current_tracer
cd /sys/module/hypertrace/parameters
calls() { # NAME
	echo >/sys/kernel/tracing/instances/own/trace
	echo "begin $1" >/dev/hypertrace
	/calls 500 150 0 30
	echo "end $1" >/dev/hypertrace
	sed -n 's/^ *calls-.*: \([a-z0-9_.]*\) <-.*/\1/p' /sys/kernel/tracing/instances/own/trace | sort | uniq -c |
		while read -r count function; do echo "own $1 $count $function"; done
}
EOF

# compare TRACE CONSOLE PHASE:FUNCTION,…...: entries within each phase, and what the guest counted of these functions
compare() {
	"$HYPERTRACE" dump -e marker,func_entry "$1" >"$work/dump" || fail "dump"
	python3 - "$work/dump" "${@:2}" <<-'PY' || fail "$kernel: not what was called"
	import re, sys
	own, recorded, phase = {}, {}, None
	for line in open(sys.argv[2], errors="replace"):
	    said = re.search(r"\bown (\w+) (\d+) ([\w.]+)", line)
	    if said:
	        own.setdefault(said[1], {})[said[3]] = int(said[2])
	wanted = {argument.split(":")[0]: set(argument.split(":")[1].split(",")) for argument in sys.argv[3:]}
	for line in open(sys.argv[1]):
	    name, text = re.search(r": (marker|func_entry): +(.*)", line).groups()
	    if name == "marker":
	        word, which = re.search(r"(begin|end) (\w+)", text).groups()
	        phase = which if word == "begin" else None
	    elif phase:
	        function = text.split("+")[0]
	        assert function in wanted[phase], (phase, line)
	        if re.search(r"\bcalls-\d+ ", line):
	            counts = recorded.setdefault(phase, {})
	            counts[function] = counts.get(function, 0) + 1
	for phase, functions in wanted.items():
	    expected = {name: count for name, count in own[phase].items() if name in functions}
	    print(phase, recorded.get(phase))
	    assert expected and recorded[phase] == expected, (phase, recorded.get(phase), expected)
	PY
}

run_stack() {
	nested_run "$kernel" one --no-trace --file "$work/record.sh:/record.sh" <<-'EOF'
	. /record.sh
	hypertrace record --channel hypercall -F 'vfs_*' -o /out/refused.trace 2>/out/refused
	record functions
	l2 functions ""
	finish_record
	EOF
}

for kernel in $kernels; do
	l2_initramfs functions $(l2_files "$kernel") "$(program calls):/calls" "$work/count.sh:/count.sh" <<-'EOF'
	insmod /hypertrace.ko channel=hypercall functions='a;b' && echo "L2-WRONG PATTERN TAKEN"
	insmod /hypertrace.ko channel=hypercall functions='!vfs_*' && echo "L2-WRONG NOTHING TAKEN"
	insmod /hypertrace.ko channel=hypercall functions=vfs_read function_probe=kprobe && echo "L2-WRONG PROBE TAKEN"
	insmod /hypertrace.ko channel=hypercall wait=2000 events=sched,marker batch=10 functions='__do_sys_getppid,*sched_yield,yield_task_*,!*_sys_*yield' || exit 1
	. /count.sh
	calls first
	echo 0 >batch
	echo '__x64_sys_umask,do_sched_yield,nosuchfunction' >functions
	calls second
	echo 2 >function_depth
	echo entry >function_probe && echo "L2-WRONG DEPTH OF ENTRIES TAKEN"
	echo 0 >function_depth
	echo entry >function_probe
	echo 1 >batch
	calls third
	echo 50 >batch
	echo fgraph >function_probe
	echo '__do_sys_getppid' >functions
	calls fourth
	echo >functions
	/calls 100 0 0 0
	echo return >function_probe
	echo __do_sys_getppid >functions
	/calls 321 0 0 0
	reboot -f
	EOF
	# an emulated L2 hangs now and then, as an L1 does: once more
	run_stack && grep -q 'own fourth' "$work/one/functions.console" || run_stack || fail "$kernel: L1: $(tail -n 20 "$work/one.err" "$work/one.out")"
	one=$work/one
	contains "$one/refused" "the guest's module decides: no -F"
	contains "$one/refused" "parameters/functions"
	grep 'L2-WRONG' "$one/functions.console" && fail "$kernel: wrong parameters are taken"
	contains "$one/functions.console" 'functions: a;b: no pattern of function names'
	contains "$one/functions.console" 'no function that can be traced matches nosuchfunction'
	trace=$one/functions.trace
	equal "$kernel: lost" "$(lost "$trace")" 0
	compare "$trace" "$one/functions.console" first:__do_sys_getppid,do_sched_yield,yield_task_fair \
		second:__x64_sys_umask,do_sched_yield third:__x64_sys_umask,do_sched_yield fourth:__do_sys_getppid
	equal "$kernel: calls with none wanted, and before a reboot" \
		"$("$HYPERTRACE" dump -e func_entry "$trace" | grep -c getppid)" $((500 + 500 + 321))
	"$HYPERTRACE" graph "$trace" --report --json >"$work/graph.json" || fail "$kernel: graph"
	equal "$kernel: exits without entry" "$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["machines"][0]["exits_without_entry"])' "$work/graph.json")" 0
done
finish
