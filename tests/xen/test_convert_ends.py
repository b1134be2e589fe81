#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Conversions that do not come to their end: killed, interrupted, out of room. What was written until then is a trace, that
says it is not whole, and holds the first events of each CPU, and no others."""
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HYPERTRACE = os.environ["HYPERTRACE"]
TOP = pathlib.Path(os.environ["TOP"])
REPEAT = pathlib.Path(HYPERTRACE).resolve().parent / "bench/xen_repeat"
LONG = 60_000_000  # bytes: some 0.3 s of conversion
ATTEMPTS = 50
failures = []


def expect(what, good, text=""):
    if not good:
        failures.append(f"{what}: {text}")


def run(*words):
    return subprocess.run([HYPERTRACE, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=120)


def state_of(trace):
    try:
        return json.loads((trace / "hypertrace.json").read_text())["state"]
    except FileNotFoundError:
        return None


def stop_in_the_middle(source, trace):
    """A conversion that is stopped when it has written some packets, and not all; it may be over sooner than one looks."""
    for attempt in range(ATTEMPTS):
        output = trace.with_name(f"{trace.name}.{attempt}")
        process = subprocess.Popen([HYPERTRACE, "xen", "convert", source, "-o", output], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        first = output / "xen/cpu0"
        while process.poll() is None and not (first.exists() and first.stat().st_size):
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        if process.poll() is None and state_of(output) == "recording":
            return process, output
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=120)
    raise SystemExit(f"a conversion was over sooner than one could look, {ATTEMPTS} times")


def events(trace, cpu):
    """Of one pCPU, one after the other. Tasks' names are known at a conversion's end only."""
    dump = subprocess.Popen([HYPERTRACE, "dump", trace, "-m", "xen", "-f", f"cpu=={cpu}", "--json"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    try:
        for line in dump.stdout:
            event = json.loads(line)
            del event["comm"]
            yield event
    finally:
        dump.kill()
        dump.communicate()


def is_beginning(what, trace, whole):
    """Every event of `trace` is the one of `whole` in its place."""
    total = 0
    for cpu in json.loads((whole / "hypertrace.json").read_text())["machines"][0]["cpus"]:
        count = 0
        for got, wanted in itertools.zip_longest(events(trace, cpu["cpu"]), events(whole, cpu["cpu"])):
            if got is None:
                break
            if got != wanted:
                expect(what, False, f"CPU {cpu['cpu']}, event {count}: {got}, not {wanted}")
                return
            count += 1
        expect(what, count < cpu["events"], f"CPU {cpu['cpu']}: all {count} events: that is no middle")
        total += count
    expect(what, total > 1000, f"{total} events")


def check_kill(number, source, whole, work):
    what = number.name
    process, trace = stop_in_the_middle(source, work / what)
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    said = process.communicate(timeout=60)[1]
    expect(what, process.returncode == -number, f"status {process.returncode}")
    expect(what, said == "", said)
    expect(what, state_of(trace) == "recording", state_of(trace))
    info = run("info", trace)
    expect(what, info.returncode == 0 and "recording, or its recorder was killed" in info.stdout, info.stdout + info.stderr)
    is_beginning(what, trace, whole)
    for verb in ("vcpu", "exits", "report"):
        result = run(verb, trace)
        expect(f"{what}: {verb}", result.returncode == 0 and result.stdout, f"{result.returncode} {result.stderr}")
    again = run("xen", "convert", source, "-o", trace)  # is not written over
    expect(what, again.returncode == 1 and "there is something in it" in again.stderr, again.stderr)


def check_full(source, whole, work):
    """On a small file system of its own, in a mount namespace that goes with the shell."""
    script = """mount -t tmpfs -o size=2M hypertrace-test "$2" || exit 77
"$1" xen convert "$3" -o "$2/t" >"$4/out" 2>"$4/err"; echo $? >"$4/status"
cp -r "$2/t" "$4/full" """
    place = work / "small"
    place.mkdir()
    shell = subprocess.run(["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", script, "sh", HYPERTRACE, place,
                            source, work], stderr=subprocess.PIPE, text=True, timeout=120)
    if not (work / "status").exists():
        print(f"no full disk: {shell.stderr.strip()}")
        return
    said = (work / "err").read_text()
    expect("full", (work / "status").read_text() == "1\n", said)
    expect("full", (work / "out").read_text() == "", "a summary on stdout, as if it had gone well")
    expect("full", said.count("No space left on device") == 1 and said.count("\n") == 2 and "\nhint: " in said, said)
    is_beginning("full", work / "full", whole)
    machine = json.loads((work / "full/hypertrace.json").read_text())["machines"][0]
    good = json.loads((whole / "hypertrace.json").read_text())["machines"][0]
    counted = sum(cpu["events"] + cpu["lost"]["unwritten"] for cpu in machine["cpus"])
    expect("full", counted == sum(cpu["events"] for cpu in good["cpus"]), f"{counted} events, written or not")


def main():
    # of a shell's background job it is ignored, by all that it starts, too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        subprocess.run(["zstd", "-dqf", TOP / "tests/golden/xen/sched.bin.zst", "-o", work / "recorded"], check=True)
        subprocess.run([REPEAT, work / "recorded", work / "long", str(LONG)], check=True)
        whole = work / "whole"
        result = run("xen", "convert", work / "long", "-o", whole)
        expect("whole", result.returncode == 0 and state_of(whole) == "complete", result.stderr)
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
            check_kill(number, work / "long", whole, work)
        check_full(work / "long", whole, work)
    print("\n".join(failures))
    return bool(failures)


sys.exit(main())
