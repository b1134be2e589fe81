#!/bin/bash
# SPDX-License-Identifier: MIT
# Recording guests to which everything happens that can: two at once, from before their modules are there to their ends.
. "$(dirname "$0")/lib.sh"

regions=
full=
trap '[ -z "$full" ] || umount "$full"; cleanup; rm -f $regions' EXIT

# guest NAME KERNEL: it does what say() tells it; $NAME_pid is its hypertrace
guest() {
	local module
	module=$("$HYPERTRACE" module --kernel "$2") || fail "$2: no module"
	mkfifo "$work/$1.in"
	exec {keep}<>"$work/$1.in"
	"$HYPERTRACE" run --kernel "$2" --smp 2 -m 256 --accel tcg-single --no-trace --qmp "$work/$1.qmp" \
		--file "$module:/hypertrace.ko" -- \
		sh -c 'modprobe ivshmem 2>/dev/null; echo ready; while read -r line; do eval "$line"; done' \
		<&$keep >"$work/$1.out" 2>"$work/$1.err" &
	declare -g "$1_pid=$!"
	background="$background $!"
}

say() { # NAME COMMAND
	echo "$2" >"$work/$1.in"
}

heard() { # NAME WORD: has the guest printed it?
	grep -q "$2" "$work/$1.out" 2>/dev/null
}

plug() { # NAME: prints the region
	"$HYPERTRACE" attach --qmp "$work/$1.qmp" --region-size 8M --name "hypertrace-test-$$-$1" 2>"$work/errors" ||
		fail "$1: attach: $(cat "$work/errors")"
}

record() { # TRACE ARGUMENT...: what it says goes to NAME.said, NAME being the last part of TRACE
	timeout 60 "$HYPERTRACE" record -o "$work/$1" "${@:2}" 2>"$work/${1##*/}.said"
}

# The same in the background: $recorder. It writes by the time this returns, but where its guest is not there yet.
start_record() { # TRACE ARGUMENT...
	"$HYPERTRACE" record -o "$work/$1" "${@:2}" 2>"$work/${1##*/}.said" &
	recorder=$!
	[ "$1" = both ] || [ "$1" = reboot ] || until_true test -s "$work/$1/vm1/cpu0" -o -s "$work/$1/vm1/cpu1"
}

ended() { # TRACE STATUS: the recorder in the background ends by itself or has been told to
	local status
	for i in $(seq 300); do
		kill -0 $recorder 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL $recorder 2>/dev/null && fail "$1: the recorder goes on and on"
	wait $recorder
	status=$?
	equal "$1: status" $status "$2"
	[ $status = "$2" ] || cat "$work/$1.said"
}

end_state() { # TRACE MACHINE STATE
	equal "$1/$2 ended" "$(python3 -c '
import json, sys
print([m["end"]["state"] for m in json.load(open(sys.argv[1]))["machines"] if m["name"] == sys.argv[2]])
' "$work/$1/hypertrace.json" "$2")" "['$3']"
}

# Read by both programs, without a word from either.
readable() { # TRACE [LEAST EVENTS]
	local ours theirs
	ours=$(events "$work/$1" 2>"$work/errors")
	theirs=$(babeltrace2 "$work/$1" 2>>"$work/errors" | wc -l)
	[ ! -s "$work/errors" ] || fail "$1: $(head -n 3 "$work/errors")"
	equal "$1: babeltrace2's count" "$theirs" "$ours"
	[ "$ours" -ge "${2:-1}" ] || fail "$1: only $ours events"
	"$HYPERTRACE" info "$work/$1" >"$work/info" || fail "$1: info"
}

set -- $kernels
guest a "$1"
guest b "${2:-$1}"
until_true heard a ready && until_true heard b ready || finish
a_region=$(plug a) b_region=$(plug b)
regions="$a_region $b_region"
"$HYPERTRACE" attach --qmp "$work/a.qmp" 2>"$work/errors" && fail "attached twice"
contains "$work/errors" "has a region already: $a_region"

# Two guests in one trace, by socket and by file; the recorder is there before their modules.
start_record both --qmp "$work/a.qmp" --region "$b_region" -e sched,syscalls
until_true grep -q 'vm1: waiting for hypertrace.ko' "$work/both.said"
for name in a b; do
	say $name 'insmod /hypertrace.ko && echo loaded'
done
until_true heard a loaded && until_true heard b loaded
for name in a b; do
	say $name '(while [ ! -e /quiet ]; do ls -R /sys/kernel/irq >/dev/null; done; rm /quiet; echo quiet) &'
done
until_true test -s "$work/both/vm2/cpu0" -o -s "$work/both/vm2/cpu1"
sleep 1
say b 'touch /quiet' # from here on only one is busy
until_true heard b quiet
kill -INT $recorder
ended both 0
contains "$work/both.said" 'both/vm1: [0-9]+ events, .* lost'
contains "$work/both.said" 'both/vm2: [0-9]+ events, .* lost'
readable both 1000
"$HYPERTRACE" dump "$work/both" 2>/dev/null >"$work/dump"
grep -oE '[0-9]+\.[0-9]{9}:' "$work/dump" | tr -d : | sort -c -g || fail "the guests are not merged by time"
for vm in vm1 vm2; do
	contains "$work/dump" "^$vm: .*insmod"
done
# merged, not one behind the other: they take turns often
turns=$(cut -d: -f1 "$work/dump" | uniq | wc -l)
[ "$turns" -gt 20 ] || fail "only $turns turns between the two guests"

# One recorder a region. The killed one leaves what it had.
start_record killed --qmp "$work/a.qmp"
record second --region "$a_region" -d 1 && fail "two recorders on one region"
contains "$work/second.said" 'another recorder is attached'
contains "$work/second.said" '^hint: .*fuser'
[ ! -e "$work/second" ] || fail "the refused recorder leaves a directory"
"$HYPERTRACE" doctor --qmp "$work/a.qmp" >"$work/doctor" || fail "doctor, while recording: $(tail -n 4 "$work/doctor")"
sleep 1
kill -KILL $recorder
wait $recorder 2>/dev/null
readable killed 100
contains "$work/info" 'recording, or its recorder was killed'

# Events, filters, modes and sizes change from one recording to the next; a short one counts from the guest's answer on.
record sched --qmp "$work/a.qmp" -e sched -d 0.5 || fail "sched: $(cat "$work/sched.said")"
equal "system calls, not asked for" "$(events -e sys_enter "$work/sched")" 0
[ "$(events -e sched_switch "$work/sched")" -gt 0 ] || fail "no sched_switch in half a second"
record calls --qmp "$work/a.qmp" -e syscalls -f comm==ls --mode discard --size 256K -d 1 || fail "calls: $(cat "$work/calls.said")"
[ "$(events -e sys_enter "$work/calls")" -gt 100 ] || fail "no system calls of ls"
"$HYPERTRACE" dump -e sys_enter "$work/calls" 2>/dev/null | grep -vE '^ *(ls|<\.\.\.>)-|events lost]' >"$work/others" &&
	fail "system calls of others than ls: $(wc -l <"$work/others"): $(head -n 3 "$work/others")"
"$HYPERTRACE" info "$work/calls" >"$work/info"
contains "$work/info" 'rings +discard, 2 vCPUs, 16 packets of 16.0 KiB'

# A flight recorder: nobody reads, the guest goes on.
record on --qmp "$work/a.qmp" -e syscalls --size 64K --leave-on -d 0.2 || fail "on: $(cat "$work/on.said")"
sleep 1
record history --qmp "$work/a.qmp" -e sched --history -d 0.2 || fail "history: $(cat "$work/history.said")"
[ "$(events -e sys_enter "$work/history" 2>/dev/null)" -gt 100 ] || fail "--history has nothing from before"
"$HYPERTRACE" info "$work/history" >"$work/info"
contains "$work/info" 'rings +overwrite, 2 vCPUs, 16 packets of 4.00 KiB'

# A wish that cannot be met is said once, and the rest is done.
record impossible --qmp "$work/a.qmp" -e sched --size 64M -d 0.5
equal "impossible: status" $? 1
equal "impossible: messages" "$(grep -c 'do not fit into 8388608 bytes' "$work/impossible.said")" 1
[ "$(events "$work/impossible")" -gt 0 ] || fail "impossible: nothing recorded"

# The status of COMMAND, also of one that will not end.
record command --qmp "$work/a.qmp" -- sh -c 'exit 7'
equal "status of a command" $? 7
record stubborn --qmp "$work/a.qmp" -d 0.2 -- sh -c 'trap "" TERM; exec sleep 50'
equal "status of a stubborn command" $? 137

# The rings start anew: the module is loaded again.
start_record anew --qmp "$work/b.qmp" -e sched
say b 'rmmod hypertrace; insmod /hypertrace.ko; echo again'
until_true test -s "$work/anew/vm1.2/cpu0" -o -s "$work/anew/vm1.2/cpu1"
kill -INT $recorder
ended anew 0
contains "$work/anew.said" 'module was unloaded'
end_state anew vm1 stopped
end_state anew vm1.2 running
readable anew

# A full disk: said once, the rest is counted, what is there can be read.
mkdir "$work/full"
if mount -t tmpfs -o size=1M hypertrace-test "$work/full" 2>"$work/errors"; then
	full=$work/full
	start_record full/trace --region "$a_region" --no-symbols
	until_true grep -q 'nothing more is recorded: .*No space left' "$work/trace.said"
	sleep 1
	kill -INT $recorder
	ended full/trace 1
	equal "a full disk: messages" "$(grep -c 'No space' "$work/trace.said")" 1
	[ $failures = 0 ] || cat "$work/trace.said"
	contains "$work/trace.said" 'full/trace/vm1: [0-9]+ events, .* lost: .*[0-9]+ unwritten'
	[ "$(lost "$full/trace" unwritten)" -gt 100 ] || fail "a full disk: nothing counted"
	readable full/trace 100
else
	echo "no full disk: $(cat "$work/errors")"
fi

# The region is taken away, and given anew.
start_record detached --qmp "$work/a.qmp"
"$HYPERTRACE" detach --qmp "$work/a.qmp" 2>"$work/errors" || fail "detach: $(cat "$work/errors")"
ended detached 0
contains "$work/detached.said" 'the region was detached'
[ ! -e "$a_region" ] || fail "$a_region is left behind"
readable detached 100
a_region=$(plug a)

# The guest panics.
start_record panic --qmp "$work/b.qmp"
say b 'echo c >/proc/sysrq-trigger'
ended panic 0
contains "$work/panic.said" 'kernel panic: sysrq triggered crash'
end_state panic vm1 panic
readable panic
"$HYPERTRACE" dump "$work/panic" 2>/dev/null | tail -n 1 >"$work/tail"
contains "$work/tail" 'panic: sysrq triggered crash'

# QEMU is killed. What its region still holds can be had afterwards.
start_record gone --qmp "$work/a.qmp" -e syscalls
kill -KILL $(pgrep -P $a_pid qemu-system)
ended gone 0
contains "$work/gone.said" 'QEMU has ended'
end_state gone vm1 gone
readable gone 100
record rest --region "$a_region" --history -d 0.2 || fail "rest: $(cat "$work/rest.said")"
readable rest 100

# A guest goes down, and another one is started on the same file.
truncate -s 8M "$work/file"
start_record reboot --region "$work/file" -e syscalls
for turn in 1 2; do
	"$HYPERTRACE" run --kernel "$1" --smp 1 -m 256 --accel tcg-single --no-trace \
		--file "$("$HYPERTRACE" module --kernel "$1"):/hypertrace.ko" \
		--qemu -object --qemu "memory-backend-file,id=shared,mem-path=$work/file,size=8M,share=on" \
		--qemu -device --qemu ivshmem-plain,memdev=shared -- \
		sh -c 'modprobe ivshmem 2>/dev/null; insmod /hypertrace.ko; ls -R /sys/kernel/irq >/dev/null' \
		2>"$work/errors" </dev/null || fail "turn $turn: $(cat "$work/errors")"
done
kill -INT $recorder
ended reboot 0
contains "$work/reboot.said" 'vm1: the guest goes down'
end_state reboot vm1 reboot
end_state reboot vm1.2 reboot
for vm in vm1 vm1.2; do
	[ "$(events "$work/reboot/$vm" -e sys_enter)" -gt 100 ] || fail "reboot: too few events of $vm"
done
readable reboot
finish
