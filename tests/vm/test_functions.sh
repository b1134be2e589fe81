#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls that the module records are those that the kernel's own ftrace counts for the same functions in the same run, exactly:
# by each probe, nested, filtered by task, depth and duration. What cannot be traced is said, and the rest recorded.
. "$(dirname "$0")/lib.sh"

functions=__do_sys_getppid,do_sched_yield,yield_task_fair,__x64_sys_sysinfo,__x64_sys_umask
none="no function that can be traced matches do_sys_getpppid"
calls=$(program calls)

# In the guest: an instance of ftrace beside what is recorded, and what it saw of the program, as "COUNT FUNCTION"
cat >"$work/both.sh" <<EOF
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkdir -p /sys/kernel/tracing/instances/own && cd /sys/kernel/tracing/instances/own || exit 1
echo 16384 >buffer_size_kb
for function in $(echo $functions | tr , ' '); do echo \$function >>set_ftrace_filter; done 2>/dev/null
echo function >current_tracer || exit 1
/calls 1000 300 77 55
echo 0 >tracing_on
sed -n 's/^ *calls-.*: \([a-z0-9_.]*\) <-.*/\1/p' trace | sort | uniq -c
EOF

run() { # KERNEL REFUSED ARGUMENT...: the trace in $work/trace, what ftrace counted in $work/own. REFUSED: what stderr says then
	local kernel=$1 refused=$2
	shift 2
	rm -rf "$work/trace"
	run_guest --accel tcg-single --kernel "$kernel" --region-size 64M -e sched "$@" \
		--file "$calls:/calls" --file "$work/both.sh:/both.sh" -o "$work/trace" -- sh /both.sh >"$work/own" ||
		[ -n "$refused" ] || fail "$kernel: $*: $(cat "$work/stderr")"
	[ -z "$refused" ] || contains "$work/stderr" "$refused"
}

dumped() { # EVENT: how many of each function the program has called, as "COUNT FUNCTION"
	"$HYPERTRACE" dump -e "$1" -f comm==calls "$work/trace" | sed -n 's/.*: *\(function=\)\{0,1\}\([a-z0-9_.]*\).*/\2/p' |
		sed 's/+0x4$//' | sort | uniq -c
}

same() { # WHAT EVENT
	equal "$1" "$(dumped "$2" | tr -s ' ')" "$(tr -s ' ' <"$work/own")"
	equal "$1: lost" "$(lost "$work/trace")" 0
}

for kernel in $kernels; do
	for probe in entry return fgraph; do
		run "$kernel" "" -F "$functions" --probe $probe
		contains "$work/own" '^ *1000 __do_sys_getppid$'
		same "$kernel: $probe" func_entry
		exits=$(events "$work/trace" -e func_exit)
		[ $probe != entry ] || { equal "$kernel: exits of entries" "$exits" 0; continue; }
		equal "$kernel: $probe: exits" "$exits" "$(events "$work/trace" -e func_entry)"
		# every call in its place
		"$HYPERTRACE" graph "$work/trace" -m guest -f comm==calls >"$work/text" || fail "$kernel: graph"
		equal "$kernel: $probe: calls within calls" "$(grep -c '|.*yield_task_fair();' "$work/text")" 300
	done

	# one level: the scheduler's class is called within the system call. What names nothing is said, beside what is traced.
	run "$kernel" "$none" -F "$functions,do_sys_getpppid" --depth 1
	equal "$kernel: depth" "$(dumped func_entry | tr -s ' ')" "$(grep -v yield_task_fair "$work/own" | tr -s ' ')"

	# long calls alone, of which there is one event: the shell waits for the program
	run "$kernel" "" -F 'do_wait,__do_sys_getppid' --min-duration 1ms -f 'comm!=none'
	equal "$kernel: short calls" "$("$HYPERTRACE" dump -e func_span "$work/trace" | grep -c getppid)" 0
	"$HYPERTRACE" dump -e func_span "$work/trace" | grep -q 'do_wait took' || fail "$kernel: no long call"
	equal "$kernel: entries beside spans" "$(events "$work/trace" -e func_entry)" 0

	# tasks: nobody else is recorded
	run "$kernel" "" -F "$functions" -f 'comm==calls'
	same "$kernel: by task" func_entry
	equal "$kernel: others" "$(events "$work/trace" -e func_entry)" "$(events "$work/trace" -e func_entry -f comm==calls)"

	# nothing of it can be traced: said, with what is nearest, and the rest recorded
	run "$kernel" "$none" -F do_sys_getpppid
	contains "$work/stderr" 'did you mean [a-z0-9_]+\?'
	equal "$kernel: calls of nothing" "$(events "$work/trace" -e func_entry)" 0
	[ "$(events "$work/trace" -e sched_switch)" -gt 0 ] || fail "$kernel: nothing else was recorded"
done

expect_usage() { # WORD ARGUMENT...
	local word=$1
	shift
	"$HYPERTRACE" run "$@" -- true >"$work/stdout" 2>"$work/stderr" && fail "$*: not refused"
	contains "$work/stderr" "$word"
}
expect_usage 'no pattern of function names' -F 'a;b'
expect_usage 'nothing but what is taken out' -F '!vfs_*'
expect_usage 'need to know of returns' -F vfs_read --probe entry --depth 2
expect_usage 'are of functions' --depth 2
finish
