#!/bin/bash
# SPDX-License-Identifier: MIT
# The log, the tasks and their stacks of a guest with nothing of ours in it, live, as a dump and after a panic: the same
# as dmesg and /proc in the guest say.
. "$(dirname "$0")/lib.sh"

threads=$(program threads) || exit 1

# What the guest runs: it says what it sees of itself, waits for a line of input, and panics.
cat >"$work/inside" <<'SH'
/threads &
while [ ! -e /proc/$!/task ]; do :; done
printf '<4>two\n  lines, a \\ and a\ttab' >/dev/kmsg
echo '<11>of a program' >/dev/kmsg
read -r _
echo BEGIN dmesg; dmesg; echo END
i=0
while [ $i -lt 1600 ]; do
	echo "line $i, which is long enough that the ring of 128 KiB is too small for all of these lines" >/dev/kmsg
	i=$((i + 1))
done
echo BEGIN wrapped; dmesg; echo END
echo BEGIN stat
for task in /proc/[0-9]*/task/*; do
	stat=$(cat $task/stat 2>/dev/null) && echo "${task#/proc/} $stat"
done
echo END
echo BEGIN stack
for task in /proc/[0-9]*/task/*; do
	while read -r _ frame; do echo "${task##*/} $frame"; done <$task/stack
done 2>/dev/null
echo END
echo BEGIN end
read -r _
echo c >/proc/sysrq-trigger
SH

guest_says() { # WORD
	for _ in $(seq 600); do
		grep -q "$1" "$work/out" && return 0
		sleep 0.1
	done
	fail "$kernel: the guest never said $1: $(tail -n 5 "$work/out" "$work/err")"
	return 1
}

part() { # NAME: what the guest said between BEGIN NAME and END
	sed -n "/^BEGIN $1\$/,/^END\$/p" "$work/out" | sed '1d;$d'
}

# same_log WHAT GUEST HOST: the guest's lines stand in the host's output, one after the other
same_log() {
	python3 - "$2" "$3" <<'PY' || fail "$kernel: $1: another log than dmesg in the guest"
import sys
guest, host = ([line.rstrip("\n") for line in open(name, errors="surrogateescape")] for name in sys.argv[1:])
start = host.index(guest[1]) - 1 if guest[1] in host else 0  # the first may be cut
wrong = [(a, b) for a, b in zip(guest[1:], host[start + 1:]) if a != b]
if wrong or len(guest) < 100 or len(host) - start < len(guest):
    sys.exit(f"{len(guest)} lines, {len(host) - start} here\n" + "\n".join(f"guest: {a}\nhost:  {b}" for a, b in wrong[:3]))
PY
}

# same_tasks WHAT JSON: tasks, states, parents and stacks are those of /proc in the guest
same_tasks() {
	python3 - "$2" "$work/stat" "$work/stack" <<'PY' || fail "$kernel: $1: other tasks than in /proc of the guest"
import collections, json, re, sys
ours = {task["tid"]: task for task in json.load(open(sys.argv[1]))["tasks"] if not task["idle"]}
wrong, stacks, compared, equal = [], collections.defaultdict(list), 0, 0
for line in open(sys.argv[3]):
    tid, frame = line.split(None, 1)
    stacks[int(tid)].append(frame.strip())
guest = {}
for line in open(sys.argv[2]):
    pid, tid, comm, state, ppid = re.match(r"(\d+)/task/(\d+) \d+ \((.*)\) (\S) (\d+)", line).groups()
    guest[int(tid)] = (int(pid), comm, state, int(ppid))
for tid, (pid, comm, state, ppid) in guest.items():
    task = ours.get(tid)
    if not task:
        wrong += [f"{tid} {comm} is missing"] * (not comm.startswith(("kworker", "cat")))
    elif comm != "cat" and (task["pid"], task["ppid"]) != (pid, ppid) or not comm.startswith(task["comm"]):
        wrong.append(f"{tid} {comm} of {pid}, parent {ppid}: {task}")
    elif state != task["state"] and not comm.startswith(("kworker", "rcu", "ksoftirqd", "sh", "migration", "kcompact")):
        wrong.append(f"{tid} {comm} {state}: {task}")
    elif stacks[tid] and task["state"] in "SI" and not task["on_cpu"]:
        compared += 1
        frames = task["stack"][-len(stacks[tid]):]  # /proc leaves the scheduler's functions out
        equal += frames == stacks[tid]
        if frames != stacks[tid] and comm.startswith(("in ", "threads", "init", "kthreadd")):
            wrong.append(f"stack of {tid} {comm}: {task['stack']}, in the guest {stacks[tid]}")
        if task["stack_end"]:
            wrong.append(f"{tid} {comm}: {task['stack_end']}")
extra = [task for tid, task in ours.items() if tid not in guest and not task["comm"].startswith(("kworker", "sh", "sleep"))]
names = {guest[tid][1] for tid in guest}
if not {"threads", "in read", "in poll", "in sleep", "init", "kthreadd"} <= names:
    wrong.append(f"the guest's own list is not what it should be: {names}")
if compared < 30 or equal < 0.9 * compared:
    wrong.append(f"{equal} of {compared} stacks are equal")
if wrong or extra:
    sys.exit("\n".join(map(str, wrong[:5] + extra)))
PY
}

for kernel in $kernels; do
	sock=$work/$kernel.qmp
	rm -f "$work/input"
	mkfifo "$work/input"
	: >"$work/out"
	"$HYPERTRACE" run --no-trace --kernel "$kernel" --smp 2 -m 256 --qmp "$sock" --append 'panic=0 printk.devkmsg=on' \
		--file "$threads:/threads" --file "$work/inside:/inside" -- sh /inside \
		<"$work/input" >"$work/out" 2>"$work/err" &
	guest=$!
	exec 7>"$work/input"
	background="$background $guest"
	for _ in $(seq 100); do
		qemu=$(pgrep -P $guest qemu) && break
		sleep 0.1
	done
	"$HYPERTRACE" dmesg --pid "$qemu" --wait 60 --follow --json >"$work/follow" 2>"$work/follow-err" &
	follower=$!
	background="$background $follower"
	guest_says 'threads sleep' || continue
	echo >&7
	guest_says '^BEGIN wrapped' || continue
	part dmesg >"$work/dmesg"
	guest_says '^BEGIN end' || continue
	part wrapped >"$work/wrapped"
	part stat >"$work/stat"
	part stack >"$work/stack"

	"$HYPERTRACE" dmesg --pid "$qemu" >"$work/live" 2>"$work/errors" || fail "$kernel: dmesg --pid: $(cat "$work/errors")"
	contains "$work/errors" 'older records are gone'
	same_log 'dmesg --pid' "$work/wrapped" "$work/live"
	"$HYPERTRACE" dmesg --qmp "$sock" >"$work/live" 2>/dev/null || fail "$kernel: dmesg --qmp"
	same_log 'dmesg --qmp' "$work/wrapped" "$work/live"
	equal "$kernel: --tail" "$("$HYPERTRACE" dmesg --pid "$qemu" --tail 3 2>/dev/null)" "$(tail -n 3 "$work/live")"
	"$HYPERTRACE" ps --pid "$qemu" --threads --stack --json >"$work/tasks" || fail "$kernel: ps --pid"
	same_tasks 'ps --pid' "$work/tasks"
	contains <("$HYPERTRACE" ps --pid "$qemu" --threads) 'in sleep +[a-z_]*nanosleep$'
	contains <("$HYPERTRACE" ps --pid "$qemu" --task threads) ' S .*threads +futex'

	qmp "$sock" dump-guest-memory "{\"paging\": false, \"protocol\": \"file:$work/dump\"}" || fail "$kernel: no dump"
	"$HYPERTRACE" dmesg "$work/dump" >"$work/dead" 2>/dev/null || fail "$kernel: dmesg DUMP"
	same_log 'dmesg DUMP' "$work/wrapped" "$work/dead"
	"$HYPERTRACE" ps --threads --stack --json "$work/dump" >"$work/tasks" || fail "$kernel: ps DUMP"
	same_tasks 'ps DUMP' "$work/tasks"
	python3 - "$work/tasks" <<'PY' || fail "$kernel: ps DUMP: a running task without a stack"
import json, sys
running = [task for task in json.load(open(sys.argv[1]))["tasks"] if task["on_cpu"]]
sys.exit(not running or not all(task["stack"] or "user" in task["stack_end"] for task in running))
PY
	rm -f "$work/dump"

	# the follower has what the ring held before the burst, and knows how much it has missed of the rest
	kill -INT $follower
	wait $follower
	equal "$kernel: status of dmesg --follow" $? 0
	python3 - "$work/follow" "$work/follow-err" "$work/dmesg" <<'PY' || fail "$kernel: --follow: $(cat "$work/follow-err")"
import json, re, sys
records = [json.loads(line) for line in open(sys.argv[1])]
lost = re.search(r"(\d+) records were lost", open(sys.argv[2]).read())
missing = records[-1]["seq"] + 1 - records[0]["seq"] - len(records)
lines = [line for record in records for line in record["text"].split("\n")]
guest = [line.split("] ", 1)[1].rstrip("\n") for line in open(sys.argv[3])]
program = [record for record in records if record["text"] == "of a program"]
assert missing == int(lost.group(1) if lost else 0), f"{missing} missing"
assert records[0]["seq"] == 0 and lines[:len(guest)] == guest, "another log than dmesg in the guest"
assert program and (program[0]["level"], program[0]["facility"]) == ("err", "user"), program
assert any("line 1599" in line for line in lines), lines[-1]
PY

	echo >&7
	for _ in $(seq 100); do
		"$HYPERTRACE" ps --pid "$qemu" --stack --task sh >"$work/panic" 2>&1
		grep -q 'the kernel has panicked' "$work/panic" && break
		sleep 0.2
	done
	contains "$work/panic" 'the kernel has panicked on CPU [01]: Kernel panic - not syncing: sysrq triggered crash'
	contains "$work/panic" 'CPU [01] ran [0-9]+ sh'
	contains "$work/panic" '^ +panic\+0x'
	contains "$work/panic" '^ +sysrq_handle_crash\+0x'
	contains "$work/panic" '^ +entry_SYSCALL_64_after_hwframe\+0x'
	contains <("$HYPERTRACE" dmesg --pid "$qemu" --level emerg 2>/dev/null) 'end Kernel panic'
	exec 7>&-
	kill $guest
	wait $guest
done
finish
