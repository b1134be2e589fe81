#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_initcalls.py BOOT.json DMESG: the boot report's initcalls against the kernel's own initcall_debug lines.

The kernel says how long an initcall took twice: "after N usecs" by its clock source, which moves in ticks of 4 ms until
late in the boot, and by the times of its two lines. The better one counts; it must agree within 5 % or 20 us, and the
names, their order, what they returned and the count exactly.

The clock of the lines is clamped to the last tick until late in the boot, so it stands still where a tick is late. Where
it did, the kernel does not know. It shows from outside the initcall: the time from its start to the next one's start is
then another by the kernel's lines than by the trace. (An end that we got wrong would not change that.)
"""
import json
import re
import sys

CALLING = re.compile(r"<\d>\[ *(\d+\.\d+)\] calling  (\S+?)\+0x")
RETURNED = re.compile(r"<\d>\[ *(\d+\.\d+)\] initcall (\S+?)\+0x\S+(?: \[\S+\])? returned (-?\d+) after (\d+) usecs")

theirs, running = [], {}
for line in open(sys.argv[2], errors="replace"):
    if match := CALLING.match(line):
        call = {"function": match[2], "start_us": float(match[1]) * 1e6}
        theirs.append(call)
        running.setdefault(match[2], []).append(call)
    elif match := RETURNED.match(line):
        call = running[match[2]].pop(0)
        call.update(between_us=float(match[1]) * 1e6 - call["start_us"], usecs=float(match[4]), returned=int(match[3]))

report = json.load(open(sys.argv[1]))["machines"][0]
ours = sorted(report["initcalls"]["rows"], key=lambda call: call["start_ns"])


def agree(a_us, b_us):
    return abs(a_us - b_us) <= max(20, 0.05 * b_us)


wrong, unknown = [], 0
for i, (our, their) in enumerate(zip(ours, theirs)):
    us, name = our["duration_ns"] / 1000, our["function"]
    if name != their["function"]:
        wrong.append(f'number {i} is {name}, of the kernel {their["function"]}')
        break
    if our["returned"] != their.get("returned"):
        wrong.append(f'{name}: returned {our["returned"]}, the kernel says {their.get("returned")}')
    elif agree(us, their["between_us"]) or agree(us, their["usecs"]):
        continue
    elif i + 1 < len(ours) and not agree((ours[i + 1]["start_ns"] - our["start_ns"]) / 1000,
                                         theirs[i + 1]["start_us"] - their["start_us"]):
        unknown += 1
    else:
        wrong.append(f'{name}: {us:.0f} us, the kernel says {their["usecs"]:.0f} and {their["between_us"]:.0f}')
print(f"{len(ours)} initcalls, the kernel lists {len(theirs)}; it does not know the time of {unknown}")
if len(ours) != len(theirs) or len(ours) < 400:
    wrong.append("not as many")
if unknown > len(theirs) / 10:
    wrong.append("the kernel's clock stood still too often")
if wrong:
    sys.exit("\n".join(wrong))
