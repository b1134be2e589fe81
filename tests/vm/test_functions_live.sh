#!/bin/bash
# SPDX-License-Identifier: MIT
# Functions and probe are changed while a recorder records. The trace says where that was, holds what the kernel's own ftrace
# counts before and after, and no call that was not made, though tasks call and sleep in what is switched all the time.
. "$(dirname "$0")/lib.sh"

region=
trap 'cleanup; rm -f $region' EXIT

say() { # COMMAND: to the guest
	echo "$1" >"$work/in"
}

heard() { # WORD
	grep -q "$1" "$work/out" 2>/dev/null
}

# In the guest: an instance of ftrace beside what is recorded
cat >"$work/phase.sh" <<'EOS'
cd /sys/kernel/tracing/instances/own || exit 1
echo >trace
echo 1 >tracing_on
echo "begin $1" >/dev/hypertrace
/calls 1000 300 77 55
echo "end $1" >/dev/hypertrace
echo 0 >tracing_on
sed -n 's/^ *calls-.*: \([a-z0-9_.]*\) <-.*/\1/p' trace | sort | uniq -c | while read -r count function; do echo "own $1 $count $function"; done
echo "done $1"
EOS
cat >"$work/own.sh" <<'EOS'
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkdir -p /sys/kernel/tracing/instances/own && cd /sys/kernel/tracing/instances/own || exit 1
echo 0 >tracing_on
for function in __do_sys_getppid do_sched_yield yield_task_fair __x64_sys_sysinfo __x64_sys_umask; do echo $function >>set_ftrace_filter; done
echo function >current_tracer || exit 1
insmod /hypertrace.ko
(while :; do /noise 20 20 20 20; done) &
(while :; do sleep 0.3; done) &
sleep 1000 &
echo ready
EOS

phase() { # NAME
	say "sh /phase.sh $1"
	until_true heard "done $1"
}

wish() { # LINE: asked of the recorder, and in force
	local before=$(grep -c 'what was asked for is in force' "$work/said")
	echo "$1" >"$work/wishes"
	until_true eval '[ $(grep -c "what was asked for is in force" "$work/said") -gt $before ]'
}

change() { # PHASE OPTION...: other functions from now on, and what the guest does then
	wish "-e sched,marker ${*:2}"
	phase "$1"
}

# compare: what the trace holds of each phase with what the guest counted; a phase's functions as arguments, PHASE:FUNCTION,…
compare() {
	"$HYPERTRACE" dump -e marker,func_entry,func_missed "$work/trace" >"$work/dump" || fail "dump"
	"$HYPERTRACE" graph "$work/trace" --report --json >"$work/graph.json" || fail "graph"
	python3 - "$work/dump" "$work/out" "$work/graph.json" "$@" <<-'PY' || fail "$kernel: not what was called"
	import json, re, sys
	own, recorded, phase, switches = {}, {}, None, {}
	for line in open(sys.argv[2], errors="replace"):
	    words = line.split()
	    if words[:1] == ["own"]:
	        own.setdefault(words[1], {})[words[3]] = int(words[2])
	wanted = {argument.split(":")[0]: set(argument.split(":")[1].split(",")) for argument in sys.argv[4:]}
	last = "start"
	for line in open(sys.argv[1]):
	    name, text = re.search(r": (marker|func_entry|func_missed): +(.*)", line).groups()
	    task = line.split()[0]
	    if name == "marker":
	        word, which = re.search(r"(begin|end) (\w+)", text).groups()
	        phase, last = (which, which) if word == "begin" else (None, last)
	    elif name == "func_missed":
	        assert "switched" in text and phase is None, line
	        switches[last] = switches.get(last, 0) + 1
	    elif phase:
	        function = text.split("+")[0]
	        assert function in wanted[phase], (phase, line)
	        if task.startswith("calls-"):
	            recorded.setdefault(phase, {})
	            recorded[phase][function] = recorded[phase].get(function, 0) + 1
	for phase, functions in wanted.items():
	    expected = {name: count for name, count in own[phase].items() if name in functions}
	    print(phase, recorded.get(phase), "switched after it:", switches.get(phase))
	    assert expected and recorded[phase] == expected, (phase, recorded.get(phase), expected)
	# on each CPU, after every phase but the last, which ends with the recorder
	assert [switches.get(name) for name in list(wanted)[:-1]] == [2] * (len(wanted) - 1), switches
	machine = json.load(open(sys.argv[3]))["machines"][0]
	assert machine["exits_without_entry"] == 0 and machine["lost"] == 0, machine
	PY
}

# who is around: as the kernel's source has it, and no call of before; unknown where it began before it was traced
callers() { # FUNCTION EXPECTED
	"$HYPERTRACE" graph "$work/trace" --callers "$1" --json >"$work/callers.json" || fail "graph --callers $1"
	equal "$kernel: callers of $1" "$(python3 -c 'import json, sys
print(" ".join(sorted({row["function"] for row in json.load(open(sys.argv[1]))["machines"][0]["callers"]} - {"[unknown]"})))' "$work/callers.json")" "$2"
}

for kernel in $kernels; do
	rm -rf "$work"/{in,out,qmp,trace}
	module=$("$HYPERTRACE" module --kernel "$kernel") || fail "$kernel: no module"
	mkfifo "$work/in"
	exec {keep}<>"$work/in"
	timeout 300 "$HYPERTRACE" run --kernel "$kernel" --smp 2 -m 512 --accel tcg-single --no-trace --qmp "$work/qmp" \
		--kernel-log "$work/kernel-log.$kernel" --file "$module:/hypertrace.ko" --file "$(program calls):/calls" \
		--file "$(program calls):/noise" --file "$work/phase.sh:/phase.sh" --file "$work/own.sh:/own.sh" -- \
		sh -c 'modprobe ivshmem 2>/dev/null; echo booted; while read -r line; do eval "$line"; done' \
		<&$keep >"$work/out" 2>"$work/stderr" &
	guest=$!
	background="$background $guest"
	until_true heard booted || finish
	region=$("$HYPERTRACE" attach --qmp "$work/qmp" --region-size 32M --name "hypertrace-test-$$" 2>"$work/errors") ||
		fail "attach: $(cat "$work/errors")"
	say 'sh /own.sh'
	until_true heard ready || finish

	sleeping=hrtimer_nanosleep,do_nanosleep
	"$HYPERTRACE" record -o "$work/trace" --qmp "$work/qmp" -e sched,marker \
		-F "__do_sys_getppid,do_sched_yield,yield_task_fair,$sleeping" --control "$work/wishes" 2>"$work/said" &
	recorder=$!
	background="$background $recorder"
	until_true test -s "$work/trace/vm1/cpu0" -o -s "$work/trace/vm1/cpu1"
	phase first
	# others and some of the same, while a task sleeps in one; then without returns; then by the kernel's graph
	change second -F do_sched_yield,yield_task_fair -F __x64_sys_umask,do_nanosleep
	change third -F __x64_sys_sysinfo,__x64_sys_umask,hrtimer_nanosleep --probe entry
	# a mistake is said, and changes nothing
	echo "-e sched,marker -F vfs_read --probe exit" >"$work/wishes"
	until_true grep -q "wishes: --probe.*exit" "$work/said"
	change fourth -F "__do_sys_getppid,do_sched_yield,yield_task_fair,$sleeping" --probe fgraph
	change fifth -F "'do_sched_y*'" -F "'yield_task_*,!yield_task_[rsd]*'" --probe=fgraph
	echo stop >"$work/wishes"
	wait $recorder || fail "$kernel: $(cat "$work/said")"
	[ ! -e "$work/wishes" ] || fail "$kernel: the FIFO is still there"
	"$HYPERTRACE" info "$work/trace" >"$work/info"
	contains "$work/info" "functions .*$sleeping by return; then do_sched_yield,.*; then .*hrtimer_nanosleep by entry; then "
	compare "first:__do_sys_getppid,do_sched_yield,yield_task_fair,$sleeping" \
		"second:do_sched_yield,yield_task_fair,__x64_sys_umask,do_nanosleep" \
		"third:__x64_sys_sysinfo,__x64_sys_umask,hrtimer_nanosleep" \
		"fourth:__do_sys_getppid,do_sched_yield,yield_task_fair,$sleeping" \
		"fifth:do_sched_yield,yield_task_fair"
	callers yield_task_fair do_sched_yield
	callers do_nanosleep hrtimer_nanosleep
	kill $guest 2>/dev/null
	wait $guest
	exec {keep}>&-
	rm -f "$region"
done
finish
