#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What xentrace_format makes of a trace, in a dozen lines: an independent judge for tests/cli/test_xen_format.sh.

usage: xen_format_reference.py FORMATS TRACE [MHZ]
"""
import re
import struct
import sys


class Seconds(float):
    def __str__(self):  # as Python 2 did
        text = "%.12g" % self
        return text if "." in text or "e" in text else text + ".0"


def load_rules(path):
    rules = {}
    for line in open(path):
        match = re.match(r"(\S+)\s+(\S.*)", line)
        if match and not line.startswith("#"):
            rules[int(match.group(1), 0)] = match.group(2)
    return rules


def main():
    rules, data = load_rules(sys.argv[1]), open(sys.argv[2], "rb").read()
    mhz = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    last, irqs, cpu, at = {}, {}, 0, 0
    while at + 4 <= len(data):
        (word,) = struct.unpack_from("<I", data, at)
        event, extras, has_tsc = word & 0x0FFFFFFF, word >> 28 & 7, word >> 31
        size = 4 + 8 * has_tsc + 4 * extras
        if at + size > len(data):
            break
        tsc = struct.unpack_from("<Q", data, at + 4)[0] if has_tsc else 0
        words = list(struct.unpack_from("<%dI" % extras, data, at + 4 + 8 * has_tsc)) + [0] * (7 - extras)
        at += size
        if event == 0x1F003:
            cpu = words[0]
        if event in (0x20100D, 0x20200E):
            words[0] &= 0xFFFFF
        if event == 0x1F004:
            count, total, longest = irqs.get(words[0], (0, 0, 0))
            took = words[2] - words[1] & 0xFFFFFFFF
            irqs[words[0]] = count + 1, total + took, max(longest, took)
            words[1:4] = irqs[words[0]]
        before = last.get(cpu, 0)
        if has_tsc and tsc < before:
            print("TSC stepped backward cpu %d !  %d %d" % (cpu, tsc, before))
        values = {"cpu": cpu, "event": event, "reltsc": tsc - before if before and has_tsc else 0}
        values["tsc"] = Seconds(tsc / (mhz * 1000000.0)) if mhz else tsc
        values.update({str(i + 1): word for i, word in enumerate(words)})
        if has_tsc:
            last[cpu] = tsc
        rule = rules.get(event, rules.get(0))
        if rule is not None:
            print(rule % values)


main()
