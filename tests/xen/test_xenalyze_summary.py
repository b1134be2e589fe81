#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hypertrace xen summary` and `xen scatter` have the counts and times of xenalyze.

What xenalyze does otherwise, and why it is not taken over, stands at each place below; docs/design/xen.md has the list.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import hvm_trace

TOP = pathlib.Path(os.environ["TOP"])
HYPERTRACE = os.environ["HYPERTRACE"]
GOLDEN = TOP / "tests/golden/xen"
TRACES = ["tiny", "2cpu-small", "runstate", "lost", "sched"]
HZ = 2596124000

SUMMARY = re.compile(r"^ *(?P<name>[a-z][a-z _]*): +(?P<count>\d+) +(?P<seconds>[\d.]+)s +(?P<mean>\d+) ")
AFFINITY = re.compile(r"^ cpu affinity: +(?P<count>\d+) +(?P<mean>\d+) ")
EXIT = re.compile(r"^ (?P<name>\S.*?) +(?P<count>\d+) +(?P<seconds>[\d.]+)s +[\d.]+% +(?P<mean>\d+) cyc")
DETAIL = re.compile(r"^  +\[? *(?P<name>[\w ]+?)\]? +(?P<count>\d+) +[\d.]+s +[\d.]+% +(?P<mean>\d+) cyc")


def find_xenalyze():
    cache = os.environ.get("HYPERTRACE_CACHE") or \
        os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "hypertrace")
    return shutil.which("xenalyze") or shutil.which("xenalyze", path=cache)


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode()


class Difference(Exception):
    pass


class Comparison:
    def __init__(self, name):
        self.name, self.compared, self.failures = name, 0, []

    def same(self, what, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.failures.append(f"{self.name}: {what}: ours {ours}, xenalyze's {theirs}")

    def times(self, what, ours, match):
        """Count, mean in cycles and total are equal."""
        ours = ours or {"count": 0, "total_tsc": 0}
        count = ours["count"]
        self.same(what, (count, ours["total_tsc"] // count if count else 0, "%.2f" % (ours["total_tsc"] / HZ)),
                  (int(match["count"]), int(match["mean"]), match["seconds"]))


def sections(text):
    """Lines by (domain, vCPU), by (domain, None), by ("pcpu", N)."""
    where, result = None, {}
    for line in text.splitlines():
        domain = re.match(r"^\|-- Domain (\d+) --\|", line)
        vcpu = re.match(r"^-- v(\d+) --", line)
        pcpu = re.match(r"^pcpu (\d+)$", line)
        if domain:
            where = (int(domain[1]), None)
        elif vcpu:
            where = (where[0], int(vcpu[1]))
        elif pcpu:
            where = ("pcpu", int(pcpu[1]))
        else:
            result.setdefault(where, []).append(line)
    return result


def compare_states(check, what, lines, ours, waits, gaps):
    for line in lines:
        match = SUMMARY.match(line)
        if not match:
            continue
        name = match["name"]
        if name in ("wake", "preempt", "other"):
            name = {"wake": "woken", "preempt": "preempted"}.get(name, name)
            check.times(f"{what} {name}", waits.get(name), match)
        elif name == "lost" and gaps:
            # each further gap ends a piece of "lost" in xenalyze, and one that lasts to the end of the trace counts up
            # to the last gap: neither is something that happened to the vCPU
            check.same(f"{what} lost", ours.get("lost", {"total_tsc": 0})["total_tsc"] <=
                       (float(match["seconds"]) + 0.005) * HZ, True)
        else:
            check.times(f"{what} {name}", ours.get(name), match)
    shown = {m["name"] for m in map(SUMMARY.match, lines) if m}
    check.same(f"{what}: states only of ours", [name for name in ours if name not in shown and
                                                 name.replace("_", " ") not in shown], [])


def compare_domain(check, lines, ours, gaps):
    states = {}
    for name, times in ours["states"].items():
        # xenalyze writes two of its names with an underline, the others with a blank
        states[name if name in ("concurrency_hazard", "full_contention") else name.replace("_", " ")] = times
    if gaps:
        # the pieces of a state are cut at each gap in xenalyze, even where nothing changes for the domain
        for line in lines:
            match = SUMMARY.match(line)
            if match and match["name"] != "lost":
                seconds = states.get(match["name"], {"total_tsc": 0})["total_tsc"] / HZ
                check.same(f"domain {ours['domain']} {match['name']}",
                           abs(seconds - float(match["seconds"])) < 0.02 or (seconds, match["seconds"]), True)
        return
    compare_states(check, f"domain {ours['domain']}", lines, states, {}, gaps)


def compare_pv(check, what, lines, pv):
    for line in lines:
        match = re.match(r"^    (\w+) +\[ *(\d+)\]: +(\d+)$", line)
        if match:
            calls = [row for row in pv["hypercalls"] if row["number"] == int(match[2])]
            count = sum(row["count"] + row["in_multicalls"] for row in calls)
            check.same(f"{what} hypercall {match[2]}", count, int(match[3]))
        match = re.match(r"^  ([a-z][a-z_ ()/]*?)  (\d+)$", line)
        if not match:
            continue
        if match[1] == "hypercall":  # with those inside multicalls, which it shows again
            count = pv["events"]["hypercall"] + pv["events"].get("subcall", 0)
        elif match[1] == "hypercall (subcall)":
            count = pv["events"].get("subcall", 0)
        else:
            count = pv["events"].get(match[1], 0)
        check.same(f"{what} {match[1]}", count, int(match[2]))


def compare_hvm(check, what, lines, hvm):
    exits = {row["number"]: row for row in hvm["exit"]}
    calls = {row["number"]: row for row in hvm.get("vmcall", [])}
    # by name, as xenalyze shows no numbers
    reasons = {"EXTERNAL_INTERRUPT": 1, "PENDING_INTERRUPT": 7, "CPUID": 10, "HLT": 12, "VMCALL": 18,
               "CR_ACCESS": 28, "IO_INSTRUCTION": 30, "MSR_WRITE": 32, "EPT_VIOLATION": 48}
    hypercalls = {"memory_op": 12, "vcpu_op": 24, "sched_op": 29, "hvm_op": 34}
    seen = 0
    for line in lines:
        match = EXIT.match(line)
        if match and match["name"] in reasons:
            seen += 1
            check.times(f"{what} {match['name']}", exits.get(reasons[match["name"]]), match)
        match = DETAIL.match(line)
        if match and match["name"] in hypercalls:
            row = calls[hypercalls[match["name"]]]
            check.same(f"{what} vmcall {match['name']}", (row["count"], row["total_tsc"] // row["count"]),
                       (int(match["count"]), int(match["mean"])))
        match = re.match(r"^ +[A-Z_]*[\[(] *(\d+)[\])]: (\d+)$", line)
        if match:
            rows = [row["count"] for row in hvm["external_interrupt"] if row["number"] == int(match[1])]
            check.same(f"{what} external interrupt {match[1]}", rows, [int(match[2])])
        match = re.match(r"^  \[ *(\d+)\] (\d+)$", line)
        if match:
            vector = int(match[1])
            rows = [row["count"] for row in hvm["injected_interrupt"] if row["number"] == vector]
            check.same(f"{what} injected {vector}", rows, [int(match[2])])
        match = re.match(r"^ +(?P<port>[0-9a-f]+):\[(?P<way>[rw])\] +(?P<count>\d+) .*% +(?P<mean>\d+) cyc", line)
        if match:
            rows = [(row["count"], row["total_tsc"] // row["count"])
                    for row in hvm["port_read" if match["way"] == "r" else "port_write"]
                    if row["number"] == int(match["port"], 16)]
            check.same(f"{what} port {match['port']} {match['way']}", rows,
                       [(int(match["count"]), int(match["mean"]))])
        match = re.match(r"^   \* (.*): +(\d+) +[\d.]+s +(\d+) ", line)
        if match and match[1].strip() in ("wake to halt any", "intr to halt"):
            kind = "wake_to_halt" if match[1].startswith("wake") else "interrupt_to_halt"
            rows = [(row["count"], row["total_tsc"] // row["count"]) for row in hvm.get(kind, [])
                    if row["number"] == vector]
            check.same(f"{what} {kind} {vector}", rows, [(int(match[2]), int(match[3]))])
    check.same(f"{what}: exits compared", seen, len(exits))


def compare_summary(check, xenalyze, path):
    theirs = sections(run(xenalyze, "--cpu-hz", f"{HZ}", "--summary", "--report-pcpu",
                          "--with-pio-enumeration", path))
    ours = json.loads(run(HYPERTRACE, "xen", "summary", "--json", "--cpu-hz", HZ, path))
    gaps = ours["lost"]["gaps"]
    for domain in ours["domains"]:
        compare_domain(check, theirs[domain["domain"], None], domain, gaps)
    for vcpu in ours["vcpus"]:
        what = f"d{vcpu['domain']}v{vcpu['vcpu']}"
        lines = theirs.pop((vcpu["domain"], vcpu["vcpu"]))
        compare_states(check, what, lines, vcpu["runstates"], vcpu["waits"], gaps)
        for line in lines:
            match = AFFINITY.match(line)
            if match:
                # it begins with the second time that the vCPU is put on a pCPU, and books a stay under the pCPU
                # that comes next: so the first stay is shorter or missing
                count = vcpu["stays"]["count"]
                check.same(f"{what} stays", count in (int(match["count"]), int(match["count"]) + 1), True)
        if "pv" in vcpu:
            compare_pv(check, what, lines, vcpu["pv"])
        if "hvm" in vcpu:
            compare_hvm(check, what, lines, vcpu["hvm"])
    check.same("vCPUs of xenalyze alone", [where for where in theirs if where and where[0] != "pcpu" and
                                            where[1] is not None], [])
    for pcpu in ours["pcpus"]:
        for line in theirs["pcpu", pcpu["pcpu"]]:
            match = SUMMARY.match(line)
            if match:
                name = {"running": "busy"}.get(match["name"], match["name"])
                check.times(f"pCPU {pcpu['pcpu']} {name}", pcpu.get(name), match)


def compare_scatter(check, xenalyze, path):
    """vCPU on pCPU, at which cycle: xenalyze writes the old and the new pCPU, but not the first."""
    lines = run(xenalyze, "--cpu-hz", f"{HZ}", "--scatterplot-pcpu", path).splitlines()
    theirs = [line.split() for line in lines if re.match(r"^\d+v\d+ \d+\.\d{9} \d+$", line)]
    rows = [line.split("\t") for line in run(HYPERTRACE, "xen", "scatter", "pcpu", "--cpu-hz", HZ,
                                             path).splitlines()[1:]]
    pairs = {}
    for vcpu, _, pcpu in theirs:
        pairs.setdefault("d" + vcpu, []).append(pcpu)
    for vcpu, pcpus in pairs.items():
        ours = [row[2] for row in rows if row[1] == vcpu]
        # two lines for each but the first after the vCPU's start
        check.same(f"{vcpu}: pCPUs", ours[-((len(pcpus) + 1) // 2):], pcpus[1 - len(pcpus) % 2::2])


def main():
    xenalyze = find_xenalyze()
    if not xenalyze:
        print("no xenalyze to compare with: scripts/setup gets it")
        return 77
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for name in TRACES:
            paths.append((name, os.path.join(directory, name)))
            subprocess.run(["zstd", "-dq", GOLDEN / f"{name}.bin.zst", "-o", paths[-1][1]], check=True)
        paths.append(("hvm", os.path.join(directory, "hvm")))
        pathlib.Path(paths[-1][1]).write_bytes(hvm_trace.make())
        for name, path in paths:
            check = Comparison(name)
            compare_summary(check, xenalyze, path)
            compare_scatter(check, xenalyze, path)
            print(f"{name}: {check.compared} numbers compared, {len(check.failures)} differ")
            print("\n".join(check.failures[:12]), end="\n" if check.failures else "")
            failed |= bool(check.failures) or check.compared < 10
    return int(failed)


sys.exit(main())
