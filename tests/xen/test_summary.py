#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`xen summary` and `xen scatter` on whole and damaged traces: every event is counted, intervals add up to the sums, rows and
drawings are what they say."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import damage
import hvm_trace

HYPERTRACE = os.environ["HYPERTRACE"]
GOLDEN = pathlib.Path(os.environ["TOP"]) / "tests/golden/xen"
failures = []


def run(*words):
    return subprocess.run([HYPERTRACE, "xen", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60)


def expect(what, good, text=""):
    if not good:
        failures.append(f"{what}: {text}")


def rows(text):
    head, *lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]


def check_damage(case, path):
    path.write_bytes(case.data)
    result = run("summary", "--json", "--cpu-hz", "2596.124M", path)
    expect(case.name, result.returncode == (1 if case.error or case.skipped else 0), f"status {result.returncode}")
    document = json.loads(result.stdout)  # one document, errors included
    if case.error:
        expect(case.name, case.error in json.dumps(document["error"]), result.stdout)
        return
    expect(case.name, document["events"] == case.events, f"{document['events']} events, {case.events} are whole")
    counted = sum(sum(pcpu["events"].values()) for pcpu in document["pcpus"])
    expect(case.name, counted == case.events, f"{counted} of {case.events} events by pCPU")
    expect(case.name, document["damage"]["bytes"] == case.skipped, document["damage"])


def add_up(lines, key, value, column):
    return sum(int(line[column]) for line in lines if int(line[key]) == value)


def check_intervals(name, path):
    """A state that goes on at the trace's end is in its interval, and in no sum: but running ends with the pCPU's records."""
    options = ("--cpu-hz", "2596.124M", path)
    document = json.loads(run("summary", "--json", *options).stdout)
    for length in ("7ms", "250ms", "100s"):
        lines = rows(run("summary", "--interval", length, "--per", "vcpu", *options).stdout)
        for vcpu in document["vcpus"]:
            mine = [line for line in lines if int(line["domain"]) == vcpu["domain"] and
                    int(line["vcpu"]) == vcpu["vcpu"]]
            what = f"{name}, {length}, d{vcpu['domain']}v{vcpu['vcpu']}"
            running = sum(int(line["running_ns"]) for line in mine)
            total = vcpu["runstates"].get("running", {"total_ns": 0})["total_ns"]
            # that it has run since its pCPU's first record is known when that interval is over: in the sum only
            early = 10_000_000 if (name, vcpu["domain"], vcpu["vcpu"]) == ("lost", 0, 0) else 0
            expect(what, -len(mine) <= total - running <= len(mine) + early, f"running {running} ns by interval, {total} ns in all")
            for column in ("hypercalls", "page_faults", "runs", "migrations", "exits", "interrupts"):
                count = sum(int(line[column]) for line in mine)
                expect(what, count == vcpu[column], f"{column}: {count} by interval, {vcpu[column]} in all")
        lines = rows(run("summary", "--interval", length, "--per", "pcpu", *options).stdout)
        for pcpu in document["pcpus"]:
            busy = add_up(lines, "pcpu", pcpu["pcpu"], "busy_ns")
            total = pcpu.get("busy", {"total_ns": 0})["total_ns"]
            expect(f"{name}, {length}, pCPU {pcpu['pcpu']}", abs(busy - total) <= len(lines), f"{busy}, {total}")
        begins = [float(line["begin_s"]) for line in lines]
        expect(f"{name}, {length}", begins == sorted(begins) and begins[0] == 0, "not in the order of time")


def check_rips(name, path):
    """By domain, kind and number each instruction pointer is counted as often as the events have it; by function, likewise."""
    options = ("--cpu-hz", "2596.124M", path)
    document = json.loads(run("summary", "--where", "--json", *options).stdout)
    found = {(row["domain"], row["kind"], row["number"], row["rip"]): row["count"] for row in document["rips"]}
    wanted = {}
    for line in run("dump", "-e", "hvm,pv", "--json", *options).stdout.splitlines()[1:]:
        event = json.loads(line)
        fields = event["fields"]
        if "rip" not in fields or not event["vcpu"]:
            continue
        number = fields.get("reason_nr", fields.get("op_nr", fields.get("vector_nr", event["code"] & 0xff)))
        kind = {"vmexit": "exit", "hypercall": "hypercall", "trap": "trap"}.get(event["event"], "pv_event")
        key = (int(event["vcpu"][1:].split("v")[0]), kind, number, fields["rip"])
        wanted[key] = wanted.get(key, 0) + 1
    # the very last exits have no end
    differ = [key for key in wanted.keys() | found.keys() if wanted.get(key, 0) != found.get(key, 0)]
    expect(name, len(found) > 5 and len(differ) <= 2 and document["rips_left_out"] == 0, f"{len(found)} places, not as often: {differ[:3]}")
    exits = sum(row["times"]["count"] if "times" in row else row["count"]
                for vcpu in document["vcpus"] for row in vcpu.get("hvm", {}).get("exit", []))
    expect(name, exits == sum(count for key, count in found.items() if key[1] == "exit"), f"{exits} exits")

    # functions of 64 KiB: each has its addresses' counts, in all rows of its reason
    symbols = path.with_suffix(".map")
    symbols.write_text("".join(f"{0xffffffff81000000 + i * 0x10000:016x} T f{i}\n" for i in range(256)))
    sums = {}
    for (domain, _, number, rip), count in found.items():
        place = int(rip, 16) - 0xffffffff81000000
        key = (domain, f"f{place >> 16}" if 0 <= place < 0x1000000 else rip)
        sums[key] = sums.get(key, 0) + count
    text = run("summary", "--symbols", symbols, "-n", "0", *options).stdout.split("\nWhere in the guest")[1]
    for line in text.splitlines()[2:]:
        words = line.split()
        place = next(word for word in words[1:] if re.fullmatch("f[0-9]+|0x[0-9a-f]+", word))
        sums[int(words[0]), place] -= int(words[words.index(place) + 1].replace(",", ""))
    expect(name, sums and not any(sums.values()), {key: count for key, count in sums.items() if count})


def check_drawing(name, path, directory, kind):
    drawing = directory / "drawing.svg"
    text = run("scatter", kind, "--cpu-hz", "2596.124M", path).stdout
    result = run("scatter", kind, "--svg", drawing, "--cpu-hz", "2596.124M", path)
    what = f"{name}: {kind}"
    if len(text.splitlines()) == 1:
        expect(what, result.returncode == 1 and "nothing of the kind" in result.stderr, result.stderr)
        return 0
    expect(what, result.returncode == 0 and result.stdout == "", result.stderr)
    root = xml.etree.ElementTree.parse(drawing).getroot()
    shapes = [e for e in root.iter() if e.tag.endswith("rect") and re.match("[cr][0-9]", e.get("class", ""))]
    expect(what, len(shapes) > 1 and drawing.stat().st_size < 4 << 20, f"{len(shapes)} shapes")
    # exits are told of at their end, with the time of their beginning; and that a vCPU has run since its pCPU's first
    # record is known only when it stops
    seen = set()
    times = [float(row["time_s"]) for row in rows(text) if row["vcpu"] in seen or seen.add(row["vcpu"])]
    expect(what, kind in ("vmexit", "interrupt", "io") or times == sorted(times), "not in the order of time")
    return len(times)


def main():
    kinds = re.findall(r"^([a-z0-9-]+)  +\S", run("scatter", "--help").stdout, re.M)
    expect("kinds", len(kinds) == 13, kinds)
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        paths = {"hvm": directory / "hvm"}
        paths["hvm"].write_bytes(hvm_trace.make())
        for golden in ("2cpu-small", "lost", "sched"):
            paths[golden] = directory / golden
            subprocess.run(["zstd", "-dqf", GOLDEN / f"{golden}.bin.zst", "-o", paths[golden]], check=True)
        for word, reason in (("--json", "IO_INSTRUCTION"), ("--svm", "reason 0x1e")):  # of Intel, of AMD
            names = {row["name"]: row["count"] for row in
                     json.loads(run("summary", "--json", word, paths["hvm"]).stdout)["vcpus"][0]["hvm"]["exit"]}
            expect(word, names.get(reason, 0) > 10, names)
            points = run("scatter", "vmexit", "--number", "30", *([word] if word == "--svm" else []), paths["hvm"]).stdout
            expect(word, rows(points)[0]["reason_name"] == ("IO_INSTRUCTION" if word == "--json" else "-"), points[:200])
        check_rips("hvm", paths["hvm"])
        check_rips("pv", pathlib.Path(shutil.copy(GOLDEN / "pv.trace", directory / "pv")))
        drawn = {}
        for name, path in paths.items():
            check_intervals(name, path)
            for kind in kinds:
                drawn[kind] = drawn.get(kind, 0) + check_drawing(name, path, directory, kind)
        expect("drawn", [kind for kind in kinds if not drawn[kind]] == ["rdtsc", "irq", "unpin", "promote"], drawn)
        trace = damage.Trace(paths["2cpu-small"].read_bytes())
        for case in damage.cases(trace):
            check_damage(case, directory / "damaged")
    print("\n".join(failures) or "every event is counted, intervals add up, drawings are drawings")
    return bool(failures)


sys.exit(main())
