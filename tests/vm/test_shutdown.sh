#!/bin/bash
# SPDX-License-Identifier: MIT
# The end of stock kernels by their function graph: notifiers, device callbacks, where the machine stopped; and by the
# module, which has no function graph.
. "$(dirname "$0")/lib.sh"

for kernel in $kernels; do
	run_guest --icount --kernel "$kernel" --channel ftrace -e shutdown,sched,printk:console -o "$work/end" -- true ||
		fail "$kernel: $(cat "$work/stderr")"
	equal "$kernel: lost" "$(lost "$work/end")" 0
	"$HYPERTRACE" shutdown --guest-clock --json "$work/end" >"$work/end.json" || fail "$kernel: shutdown --json"
	python3 - "$work/end.json" <<-'PY' || fail "$kernel: $(head -c 2000 "$work/end.json")"
	import json, sys
	end = json.load(open(sys.argv[1]))["machines"][0]
	calls = [call for call in end["calls"] if not call["helper"]]
	names = {call["function"] for call in calls}
	stages = [stage["name"] for stage in end["stages"]]
	devices = [call for call in calls if call["section"] == "devices"]
	assert end["function_graph"] and end["unmatched"] == 0, "a function without its end, or the other way round"
	assert end["known_from"] == "function graph" and end["task"].startswith("init/"), end["task"]
	for stage in "reboot notifiers", "devices", "system core", "machine":
	    assert stage in stages, stages
	assert {"perf_reboot", "pci_device_shutdown", "i8259A_shutdown"} <= names, names
	assert len(devices) > 8 and all(" " in call.get("device", "") for call in devices), devices
	assert sum(call["duration_ns"] for call in calls) <= end["total_ns"]
	assert all(call["waited_ns"] <= call["duration_ns"] for call in calls)
	# the machine goes off in ACPI's hands: that function's end never comes
	assert end["stopped_inside"][0] == "kernel_power_off" and len(end["stopped_inside"]) > 3
	assert any("acpi" in function for function in end["stopped_inside"]), end["stopped_inside"]
	assert [call for call in calls if not call["finished"]]
	print(len(calls), "calls in", end["total_ns"] / 1e6, "ms; it stopped in", end["stopped_inside"][-1])
	PY
	"$HYPERTRACE" shutdown "$work/end" --svg "$work/end.svg" >"$work/text" || fail "$kernel: shutdown --svg"
	contains "$work/text" 'the machine stopped inside .*acpi'
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$work/end.svg" ||
		fail "$kernel: the drawing is no XML"
	rm -rf "$work/end"

	run_guest --kernel "$kernel" -e sched,syscalls,printk:console -o "$work/end" -- true || fail "$kernel: $(cat "$work/stderr")"
	"$HYPERTRACE" shutdown "$work/end" >"$work/text" || fail "$kernel: shutdown without a function graph"
	contains "$work/text" 'from the reboot system call to the trace.s end'
	contains "$work/text" 'no function graph'
	contains "$work/text" 'reboot: Power down'
	rm -rf "$work/end"
done
finish
