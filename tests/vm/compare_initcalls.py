#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_initcalls.py BOOT.json DMESG: the boot report's initcalls against the kernel's own initcall_debug lines.

The kernel says how long an initcall took twice: "after N usecs" by its clock source, which moves in ticks of 4 ms until
late in the boot, and by the times of its two lines, which stand still where that clock does. The better one counts; where
both stand still, the kernel does not know. Each must agree within 5 % or 20 us, and the count exactly.
"""
import json
import re
import sys

CALLING = re.compile(r"<\d>\[ *(\d+\.\d+)\] calling  (\S+?)\+0x")
RETURNED = re.compile(r"<\d>\[ *(\d+\.\d+)\] initcall (\S+?)\+0x\S+(?: \[\S+\])? returned (-?\d+) after (\d+) usecs")

began, said, count = {}, {}, 0
for line in open(sys.argv[2], errors="replace"):
    if match := CALLING.match(line):
        began.setdefault(match[2], []).append(float(match[1]))
    elif match := RETURNED.match(line):
        between_us = (float(match[1]) - began[match[2]].pop(0)) * 1e6
        said.setdefault(match[2], []).append((between_us, float(match[4]), int(match[3])))
        count += 1

report = json.load(open(sys.argv[1]))["machines"][0]
initcalls = sorted(report["initcalls"]["rows"], key=lambda call: call["start_ns"])
wrong, unknown = [], 0
for call in initcalls:
    if not said.get(call["function"]):
        wrong.append(f'{call["function"]}: the kernel does not list it')
        continue
    between_us, usecs, returned = said[call["function"]].pop(0)
    ours_us = call["duration_ns"] / 1000
    if between_us < 1 and usecs == 0:
        unknown += 1
    elif not any(abs(ours_us - theirs) <= max(20, 0.05 * theirs) for theirs in (between_us, usecs)):
        wrong.append(f'{call["function"]}: {ours_us:.0f} us, the kernel says {usecs:.0f} and {between_us:.0f}')
    if returned != call["returned"]:
        wrong.append(f'{call["function"]}: returned {call["returned"]}, the kernel says {returned}')
print(f"{len(initcalls)} initcalls, the kernel lists {count}; it does not know the time of {unknown}")
if len(initcalls) != count or len(initcalls) < 400:
    wrong.append("not as many")
# an initcall that straddles a step of a clock that stands still: the kernel is wrong, but not by nothing
allowed = 1 if unknown else 0
if len(wrong) > allowed or unknown > count / 10:
    sys.exit("\n".join(wrong))
