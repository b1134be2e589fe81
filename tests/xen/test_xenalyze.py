#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hypertrace xen dump` has the events of xenalyze --dump-all, in its order, with equal values in every field.

What xenalyze does otherwise, and why it is not taken over, stands at each place below.
"""
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import xenalyze_text

TOP = pathlib.Path(os.environ["TOP"])
HYPERTRACE = os.environ["HYPERTRACE"]
GOLDEN = TOP / "tests/golden/xen"
TRACES = ["tiny", "2cpu-small", "runstate", "lost", "sched"]


# What a trace of every event must not have: HVM and shadow events need the story of an exit around them, runstates that of
# a vCPU; these are compared on recorded traces, or (HVM) not at all.
# The last: it stops at a 32-bit page table write in the form of a 64-bit one.
STORIES = ("0x01", "0x021", "0x08", "0x40", "0x20100b")


def made_trace():
    """Each event that a rule is known for, three times, with random words in the ranges that Xen has."""
    table = re.findall(r'XEN_EVENT\((0x[0-9a-f]+), "([^"]+)", (\d), (\d)',
                       (TOP / "lib/model/xen_events.def").read_text())
    generator = random.Random(6)
    known = set(xenalyze_text.RULES) | set(xenalyze_text.PV_WORDS) | {"irq_handled", "trap"}
    tsc, data = 1 << 36, b""

    def put(code, words):
        nonlocal tsc, data
        tsc += generator.randrange(100, 10**6)
        data += struct.pack(f"<IQ{len(words)}I", 1 << 31 | len(words) << 28 | code, tsc, *words)

    put(0x21002, [1 << 16])  # d1v0 runs on
    for _ in range(3):
        for code, name, _, most in table:
            if name not in known or code.startswith(STORIES):
                continue
            words = [generator.choice((0, 1, generator.randrange(1 << 16), generator.randrange(1 << 31)))
                     for _ in range(int(most))]
            if name == "csched2:update_vcpu_load":
                words[3] = 18  # binary places
            elif name == "csched2:update_rq_load":
                words[4] = words[4] & 0xffffff | 18 << 24
            elif name.startswith(("pod_", "decrease_")):
                words[-2] = words[-2] & 0x7fff | 9 << 16  # as in 4.17: the order is the upper half
            put(int(code, 16), words)
    return struct.pack("<III", 0x2001f003, 0, len(data)) + data


def find_xenalyze():
    cache = os.environ.get("HYPERTRACE_CACHE") or \
        os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "hypertrace")
    return shutil.which("xenalyze") or shutil.which("xenalyze", path=cache)


def ours(path):
    """Events with their fields, and their extra words besides."""
    command = [HYPERTRACE, "xen", "dump", "--json", "--cpu-hz", "2596.124M", path]
    decoded = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    raw = subprocess.run([*command, "--raw"], check=True, stdout=subprocess.PIPE).stdout.splitlines()
    assert len(decoded) == len(raw) and decoded[0] == raw[0]
    base = json.loads(decoded[0])["base_tsc"]
    return base, ({**json.loads(words), **json.loads(fields)} for fields, words in zip(decoded[1:], raw[1:]))


def theirs(xenalyze, path):
    """Lines of events, as (time, pCPU, who runs there, text)."""
    command = [xenalyze, "--dump-all", "--cpu-hz", "2596.124M", path]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for line in output.decode().splitlines():
        match = xenalyze_text.LINE.match(line)
        if match:
            yield match["time"], match["pcpus"].index("x"), match["running"], match["text"]


def same_running(event, running):
    """xenalyze learns who runs from runstate changes only: until the first, its "default domain" does, or nobody."""
    return running == "d?v?" or running.startswith("d32768v") or running == event["vcpu"]


def expected_texts(event, generic_if_unknown):
    text = xenalyze_text.text(event) if not event["event"] == "lost_records" else None
    if text is None:
        return []
    # PV, HVM and shadow events of a pCPU of which it does not know who runs there are not decoded
    return [text, xenalyze_text.generic(event)] if generic_if_unknown else [text]


def lost_text(event):
    f = event["fields"]
    return (f"lost_records count {f['count']} d{f['domain']}v{f['vcpu']} (cur ", f" first_tsc {f['first_tsc']}")


def compare(name, xenalyze, path):
    """The number of events compared, of those that xenalyze does not show, and what differs."""
    base, events = ours(path)
    lines = theirs(xenalyze, path)
    compared, silent, differences = 0, 0, []
    for index, event in enumerate(events):
        lost = event["event"] == "lost_records"
        texts = expected_texts(event, event["class"] in ("pv", "hvm", "shadow"))
        if not texts and not lost:
            silent += 1
            continue
        time, pcpu, running, text = next(lines, (None, None, None, "(none)"))
        compared += 1
        if lost:
            head, tail = lost_text(event)
            good = text.startswith(head) and text.endswith(tail)
        else:
            # an argument that is absent at the end is written as "??", and then a space may follow
            good = text.rstrip() in [expected.rstrip() for expected in texts]
        if not good or pcpu != event["pcpu"] or not same_running(event, running) or \
                time != xenalyze_text.time_text(event["tsc"], base):
            differences.append(f"{name} event {index}: {event}\n  xenalyze: {time} {pcpu} {running} {text}\n"
                               f"  expected: {xenalyze_text.time_text(event['tsc'], base)} {texts}")
            if len(differences) > 5:
                break
    rest = [line for line in lines]
    if rest and len(differences) <= 5:
        differences.append(f"{name}: {len(rest)} events more in xenalyze's, the first {rest[0]}")
    return compared, silent, differences


def main():
    xenalyze = find_xenalyze()
    if not xenalyze:
        print("no xenalyze to compare with: scripts/setup gets it")
        return 77
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        for name in [*TRACES, "every event"]:
            path = os.path.join(directory, name)
            if name in TRACES:
                subprocess.run(["zstd", "-dq", GOLDEN / f"{name}.bin.zst", "-o", path], check=True)
            else:
                pathlib.Path(path).write_bytes(made_trace())
            compared, silent, differences = compare(name, xenalyze, path)
            print(f"{name}: {compared} events as in xenalyze, {silent} that it does not show")
            print("\n".join(differences), end="\n" if differences else "")
            failed |= bool(differences) or not compared
    return int(failed)


sys.exit(main())
