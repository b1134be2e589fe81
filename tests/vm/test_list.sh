#!/bin/bash
# SPDX-License-Identifier: MIT
# Two guests of plain QEMU with names: found, named, recorded by name and by pattern; looked into by name; mistakes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"

one=list-one-$$ two=list-two-$$ uuid=6c3bf4f6-0000-4000-8000-$(printf %012d $$)

initramfs "$work/image" <<'SH'
echo 1 >events/sched/sched_switch/enable
echo READY
while :; do ls / >/dev/null; sleep 0.1; done
SH

# field NAME EXPRESSION: of the guest of that name in `hypertrace list --json`
field() {
	"$HYPERTRACE" list --kernel --json | python3 -c '
import json, sys
for guest in json.load(sys.stdin)["guests"]:
    if guest["name"] == sys.argv[1]:
        print(eval(sys.argv[2], {}, {"guest": guest}))' "$1" "$2"
}

plain_accel=tcg # a thread for each vCPU
set -- $kernels
plain_guest one "$1" 128M "$work/image" "" -name "guest=$one,debug-threads=on" -uuid "$uuid"
pid_one=$plain_pid
plain_guest two "${2:-$1}" 160M "$work/image" "" -name "$two" -qmp "unix:$work/two.qmp,server=on,wait=off"
pid_two=$plain_pid
until_console one READY || finish
until_console two READY || finish

equal 'pid' "$(field "$one" 'guest["pid"]')" "$pid_one"
equal 'uuid' "$(field "$one" 'guest["uuid"]')" "$uuid"
equal 'memory' "$(field "$one" 'guest["memory_bytes"]')" $((128 << 20))
equal 'accelerator' "$(field "$one" 'guest["accel"]')" TCG
equal 'kernel' "$(field "$one" 'guest["kernel"].split("-")[0].rsplit(".", 1)[0]')" "$1"
equal 'channels' "$(field "$one" '" ".join(guest["channels"])')" ftrace
equal 'may attach' "$(field "$one" 'guest["may_attach"]') $(field "$two" 'guest["may_attach"]')" 'False True'
# by the threads' own names, and by QEMU's word: they are what /proc says of who works
for name in "$one" "$two"; do
	equal "$name: vCPUs" "$(field "$name" '[v["vcpu"] for v in guest["vcpus"]]')" '[0, 1]'
	for tid in $(field "$name" '" ".join(str(v["tid"]) for v in guest["vcpus"])'); do
		[ -d "/proc/$(field "$name" 'guest["pid"]')/task/$tid" ] || fail "$name: $tid is no thread of it"
	done
done
for tid in $(field "$one" '" ".join(str(v["tid"]) for v in guest["vcpus"])'); do
	contains "/proc/$pid_one/task/$tid/comm" '^CPU [01]/TCG$'
done
"$HYPERTRACE" list >"$work/list" 2>"$work/hints" || fail 'list'
contains "$work/list" "^ *$pid_two  $two +TCG .* 160 MiB +2  .*\\(shm\\) ftrace"

# by name, by uuid, by pid, by pattern; machines have the guests' names
"$HYPERTRACE" record -g "$one" -g "$pid_two" -d 1 -o "$work/both" 2>"$work/errors" || fail "record -g: $(cat "$work/errors")"
for machine in "$one" "$two"; do
	[ -e "$work/both/$machine/metadata" ] || fail "no machine $machine: $(ls "$work/both")"
	[ "$(events -e sched_switch "$work/both" 2>/dev/null)" -gt 10 ] || fail 'too few events'
done
"$HYPERTRACE" record -g "list-*-$$" -g "$uuid" -d 1 -o "$work/pattern" 2>"$work/errors" || fail "record -g PATTERN: $(cat "$work/errors")"
equal 'machines by pattern' "$(ls -d "$work/pattern"/list-* | wc -l)" 2
"$HYPERTRACE" dmesg -g "$uuid" --tail 5 >"$work/dmesg" 2>&1 || fail "dmesg -g: $(cat "$work/dmesg")"
"$HYPERTRACE" ps -g "$two" >"$work/ps" 2>&1 || fail "ps -g: $(cat "$work/ps")"
contains "$work/ps" 'kthreadd'
"$HYPERTRACE" attach -g "$two" --region-size 8M --name "hypertrace-list-$$" >"$work/region" 2>"$work/errors" ||
	fail "attach -g: $(cat "$work/errors")"
equal 'region' "$(field "$two" 'guest["region"]')" "$(cat "$work/region")"
"$HYPERTRACE" record -g "$one" -g "$two" -d 1 -o "$work/mixed" 2>"$work/errors" && fail 'recorded two channels in one'
contains "$work/errors" 'hint: --channel ftrace takes them all'
"$HYPERTRACE" record -g "$two" -d 1 -o "$work/waits" 2>"$work/errors" && fail 'recorded without a module'
contains "$work/errors" "$two: waiting for hypertrace.ko"
"$HYPERTRACE" detach -g "$two" >"$work/errors" 2>&1 # nothing in the guest lets go of it: whatever it says
rm -f "$(cat "$work/region")"

"$HYPERTRACE" record -g "${one}x" -d 1 -o "$work/none" 2>"$work/errors" && fail 'recorded nobody'
contains "$work/errors" "no guest '${one}x'"
contains "$work/errors" "hint: did you mean '$one'"
"$HYPERTRACE" ps -g "list-*-$$" 2>"$work/errors" && fail 'ps of two guests'
contains "$work/errors" '2 guests have such a name'
"$HYPERTRACE" attach -g "$one" 2>"$work/errors" && fail 'attached without a socket'
contains "$work/errors" 'has no QMP socket'

# one that ends while somebody looks is left out, and spoils nothing
kill -9 "$pid_one"
wait "$pid_one" 2>/dev/null
equal 'after its end' "$(field "$one" 'guest["pid"]')" ''
equal 'the other' "$(field "$two" 'guest["pid"]')" "$pid_two"
finish
