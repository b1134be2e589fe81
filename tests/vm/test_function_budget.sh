#!/bin/bash
# SPDX-License-Identifier: MIT
# --budget: a guest that does nothing but system calls, with every function traced, ends below the budget; what was left out
# is said, kept in the trace, and traced no more. So does one in which no function stands out, in a few steps.
. "$(dirname "$0")/lib.sh"

getppid=$(program getppid)

for kernel in $kernels; do
	# until long after the steps: the module's thread shares the only vCPU with the load
	run_guest --accel tcg-single --smp 1 --kernel "$kernel" -F '*' --probe entry --budget 5% --region-size 64M \
		--file "$getppid:/getppid" -o "$work/trace" -- \
		sh -c 'i=0; while [ $i -lt 250 ]; do /getppid 40000; i=$((i+1)); done' >/dev/null ||
		fail "$kernel: $(cat "$work/stderr")"
	contains "$work/stderr" "functions take [0-9.]+ % of the vCPUs' time, more than 5 %: left out from now on: .*sys"
	contains "$work/stderr" "functions took [0-9.]+ % of the vCPUs' time at last; [0-9]+ left out"
	"$HYPERTRACE" info "$work/trace" >"$work/info" || fail "$kernel: info"
	contains "$work/info" "^  budget +5 % of the vCPUs' time for functions, at last .* left out: .*__do_sys_getppid"
	"$HYPERTRACE" graph --json --report -t -1s "$work/trace" >"$work/tail.json"
	python3 - "$work/trace" "$work/tail.json" <<-'PY' || fail "$kernel: the budget is not kept"
	import json, sys
	machine = json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"][0]
	budget = machine["function_budget"]
	calls = {row["function"]: row["calls"] for row in json.load(open(sys.argv[2]))["machines"][0]["functions"]}
	print(machine["release"], budget["share_ppm"] / 1e4, "% at last without", ", ".join(budget["left_out"]))
	assert budget["budget_ppm"] == 50000 and budget["share_ppm"] < 50000, budget
	assert budget["left_out"] and not [name for name in budget["left_out"] if name in calls]
	PY
	equal "$kernel: lost" "$(lost "$work/trace")" 0
	rm -rf "$work/trace"

	# processes come and go: some thousand functions, each of a little
	run_guest --accel tcg-single --smp 1 --kernel "$kernel" -F '*' --probe return --budget 5% --region-size 64M \
		-o "$work/trace" -- \
		sh -c 'end=$(($(cut -d. -f1 /proc/uptime) + 12)); while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do ls /bin; done' \
		>/dev/null || fail "$kernel: flat: $(cat "$work/stderr")"
	contains "$work/stderr" 'and [0-9]+ more, the least of them with [0-9.e-]+ % of the events'
	steps=$(grep -c 'left out from now on' "$work/stderr")
	# three where nothing else has the host's CPUs
	[ "$steps" -le 8 ] || fail "$kernel: $steps steps: $(cat "$work/stderr")"
	python3 - "$work/trace" "$steps" <<-'PY' || fail "$kernel: flat: the budget is not kept"
	import json, sys
	budget = json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"][0]["function_budget"]
	print(budget["share_ppm"] / 1e4, "% at last without", len(budget["left_out"]), "functions, in", sys.argv[2], "steps")
	# of its last fifth of a second, which may be just above it: the next would have been below
	assert budget["share_ppm"] < 75000 and len(budget["left_out"]) >= 100 and "*" not in budget["left_out"], budget
	PY
	rm -rf "$work/trace"
done

# Another kernel on the same memory has its functions elsewhere: what was left out of the first is no wish of the second.
truncate -s 32M "$work/file"
"$HYPERTRACE" record -o "$work/trace" --region "$work/file" -F '*' --probe entry --budget 5% 2>"$work/said" &
recorder=$!
background=$recorder
for turn in 1 2; do
	timeout 240 "$HYPERTRACE" run --kernel "$kernel" --smp 1 --accel tcg-single --no-trace \
		--kernel-log "$(mktemp "$work/kernel-log.XXXX")" \
		--file "$("$HYPERTRACE" module --kernel "$kernel"):/hypertrace.ko" \
		--qemu -object --qemu "memory-backend-file,id=shared,mem-path=$work/file,size=32M,share=on" \
		--qemu -device --qemu ivshmem-plain,memdev=shared -- \
		sh -c 'modprobe ivshmem 2>/dev/null; insmod /hypertrace.ko
			end=$(($(cut -d. -f1 /proc/uptime) + 8)); while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do ls /bin; done' \
		>/dev/null 2>"$work/stderr" </dev/null || fail "turn $turn: $(cat "$work/stderr")"
done
kill -INT $recorder
wait $recorder || fail "two guests: $(cat "$work/said")"
background=
python3 - "$work/trace" <<-'PY' || fail "$kernel: two guests: $(cat "$work/said")"
import json, sys
machines = json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"]
left_out = [machine["function_budget"]["left_out"] for machine in machines]
print("left out of two guests:", [len(names) for names in left_out])
assert len(machines) == 2 and all("__cond_resched" in names for names in left_out), left_out
assert not [name for names in left_out for name in names if name.startswith("0x")], left_out
PY
finish
