#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls that the return probe cannot record are counted: with those that it records they are what the kernel's own ftrace counts
# for the same functions, exactly. There is no hook left where thousands of threads sleep in hooked functions, and none
# on a CPU that idles, where RCU does not watch.
. "$(dirname "$0")/lib.sh"

# deeper than four pools of 4096 hooks by far
poll='__x64_sys_poll,do_sys_poll,schedule_hrtimeout_range,schedule_hrtimeout_range_clock'
# Debian's 6.1 idles in two functions that ftrace sees; later kernels in none
idle='arch_cpu_idle,amd_e400_idle,default_idle,arch_cpu_idle_enter'

# own FUNCTIONS COMMAND: a script for the guest: what an instance of ftrace counts while the command runs, as "COUNT FUNCTION"
own() {
	cat <<-EOF
	mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
	mkdir -p /sys/kernel/tracing/instances/own && cd /sys/kernel/tracing/instances/own || exit 1
	echo 16384 >buffer_size_kb
	echo 0 >tracing_on
	for function in $(echo "'$1'" | sed "s/,/' '/g"); do echo "\$function" >>set_ftrace_filter; done 2>/dev/null
	echo function >current_tracer || exit 1
	$2
	sed -n 's/.*: \([a-z0-9_.]*\) <-.*/\1/p' trace | sort | uniq -c
	EOF
}

# compare WHAT CAUSE LEAST: between the markers "begin" and "end", recorded and missed are together what the guest counted, and
# of the cause so many or more
compare() {
	"$HYPERTRACE" dump -e marker,func_entry,func_missed "$work/trace" >"$work/dump" || fail "$1: dump"
	python3 - "$work/dump" "$work/own" "$2" "$3" <<-'PY' || fail "$1: not what the kernel counts"
	import re, sys
	own = {line.split()[1]: int(line.split()[0]) for line in open(sys.argv[2])}
	recorded, missed, inside = {}, {}, False
	for line in open(sys.argv[1]):
	    name, text = re.search(r": (marker|func_entry|func_missed): +(.*)", line).groups()
	    if name == "marker":
	        inside = "begin" in text
	    elif inside and name == "func_entry":
	        function = text.split("+")[0]
	        recorded[function] = recorded.get(function, 0) + 1
	    elif inside:
	        cause, calls = re.fullmatch(r"(.*): (\d+) calls?", text).groups()
	        missed[cause] = missed.get(cause, 0) + int(calls)
	print("own", own, "recorded", recorded, "missed", missed)
	assert own and set(recorded) <= set(own), (own, recorded)
	assert sum(own.values()) == sum(recorded.values()) + sum(missed.values())
	assert set(missed) <= {sys.argv[3]} and missed.get(sys.argv[3], 0) >= int(sys.argv[4])
	PY
	equal "$1: lost" "$(lost "$work/trace")" 0
}

for kernel in $kernels; do
	own "$poll" 'echo 1 >tracing_on
	echo begin >/dev/hypertrace
	/sleepers 4600 1000 || echo no threads >&2
	sleep 1 # for the module to say what it missed
	echo 0 >tracing_on
	echo end >/dev/hypertrace' >"$work/guest.sh"
	run_guest --accel tcg-single --kernel "$kernel" --smp 2 -m 1G --region-size 64M -e marker -F "$poll" --probe return \
		--file "$(program sleepers):/sleepers" --file "$work/guest.sh:/guest.sh" -o "$work/trace" -- sh /guest.sh >"$work/own" ||
		fail "$kernel: $(cat "$work/stderr")"
	compare "$kernel: no hook left" "no room for their return" 1000
	equal "$kernel: exits of what is recorded" "$(events "$work/trace" -e func_exit)" "$(events "$work/trace" -e func_entry)"
	rm -rf "$work/trace"

	# it does not idle but between the two, so that both count the same
	own "$idle" 'while :; do :; done & spin=$!
	sleep 0.5
	echo begin >/dev/hypertrace
	echo 1 >tracing_on
	kill $spin
	sleep 2
	while :; do :; done & spin=$!
	sleep 0.5
	echo 0 >tracing_on
	echo end >/dev/hypertrace' >"$work/guest.sh"
	run_guest --accel tcg-single --kernel "$kernel" --smp 1 --region-size 64M -e marker -F "$idle" --probe return \
		--file "$work/guest.sh:/guest.sh" -o "$work/trace" -- sh /guest.sh >"$work/own"
	case $kernel in
	6.1) compare "$kernel: in idle" "in an idle CPU" 50 ;;
	*) compare "$kernel: in idle" "" 0 ;;
	esac
	rm -rf "$work/trace"
done
finish
