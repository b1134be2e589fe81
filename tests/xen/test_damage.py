#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Damaged Xen traces: what is whole is delivered, what is not is counted, and the exit status says if bytes were unusable."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import damage

HYPERTRACE = os.environ["HYPERTRACE"]
GOLDEN = pathlib.Path(os.environ["TOP"]) / "tests/golden/xen"


def dump(path):
    return subprocess.run([HYPERTRACE, "xen", "dump", "--raw", "--json", path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)


def events(result):
    """(pCPU, TSC, code, extras) of each, in order; not where it is in the file."""
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{"ns"')]
    return [(e["pcpu"], e["tsc"], e["code"], tuple(e["extra"])) for e in lines]


def message(result):
    """The error, which with --json is on stdout."""
    last = result.stdout.splitlines()[-1] if result.stdout else ""
    return result.stderr + (last if last.startswith('{"error"') else "")


def check(case, path, good):
    path.write_bytes(case.data)
    result = dump(path)
    said = message(result)
    wrong = []
    if case.error is not None:
        if result.returncode != 1 or case.error not in said:
            wrong.append(f"status {result.returncode}, not one error with '{case.error}': {said}")
        return wrong
    found = events(result)
    if len(found) != case.events:
        wrong.append(f"{len(found)} events, {case.events} by hand")
    # nothing invented: apart from what the damage itself changes, every event is one of the good trace
    strange = len(set(e[1:] for e in found) - good)
    if strange > (1 if case.data[:len(case.data) // 2] and case.skipped == 0 else 0):
        wrong.append(f"{strange} events that are not in the good trace")
    if result.returncode != (1 if case.skipped else 0):
        wrong.append(f"status {result.returncode}")
    if case.skipped:
        match = re.search(r"damaged: ([\d,]+) bytes skipped: (\d+) at offset (\d+)", said)
        if not match or int(match[1].replace(",", "")) != case.skipped or int(match[3]) != case.at:
            wrong.append(f"not {case.skipped} bytes skipped at {case.at}: {said.strip()}")
    wrong += [f"does not say '{text}': {said.strip()}" for text in case.says if text not in said]
    return wrong


def main():
    failed = total = 0
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        for name in ("2cpu-small", "lost"):
            data = subprocess.run(["zstd", "-dqc", GOLDEN / f"{name}.bin.zst"], check=True,
                                  stdout=subprocess.PIPE).stdout
            path = directory / "trace"
            path.write_bytes(data)
            good = set(e[1:] for e in events(dump(path)))
            for case in damage.cases(damage.Trace(data)):
                wrong = check(case, path, good)
                total += 1
                failed += bool(wrong)
                for text in wrong:
                    print(f"{name} {case.name}: {text}")
    print(f"{total} damaged traces, {failed} not read as they should be")
    return int(bool(failed))


sys.exit(main())
