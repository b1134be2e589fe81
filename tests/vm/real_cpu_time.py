#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""real_cpu_time.py HYPERTRACE TRACE: what `graph` says functions of a guest with one vCPU took of a pCPU is what its
events add up to, call by call: while the caller's task ran, and the vCPU was not out."""
import collections
import json
import subprocess
import sys

EVENTS = "func_entry,func_exit,sched_switch,vcpu_out,vcpu_in"
hypertrace, trace = sys.argv[1:]


def run(*arguments):
    return subprocess.run([hypertrace, *arguments, trace], check=True, stdout=subprocess.PIPE).stdout


clock = collections.Counter()  # of each task: ns that it ran, with the vCPU in
stacks = collections.defaultdict(list)
total = collections.Counter()
pid, is_in, last = None, True, 0
for line in run("dump", "--json", "-e", EVENTS).splitlines():
    event = json.loads(line)
    name, now = event["event"], event["time_ns"]
    if is_in:
        clock[pid] += now - last
    last = now
    if name.startswith("vcpu_"):
        is_in = name == "vcpu_in"
        continue
    pid = event["pid"]
    if name == "sched_switch":
        pid = event["fields"]["next_pid"]
    elif name == "func_entry":
        stacks[pid].append((event["symbol"], clock[pid]))
    elif stacks[pid]:
        function, since = stacks[pid].pop()
        total[function] += clock[pid] - since

machine = json.loads(run("graph", "--report", "--json"))["machines"][0]
for row in machine["functions"]:
    function, on_cpu, real = row["function"], row["total_on_cpu_ns"], row["total_on_pcpu_ns"]
    print(f"{function}: {on_cpu / 1e6:.1f} ms on its CPU, {real / 1e6:.1f} ms of a pCPU, by hand {total[function] / 1e6:.1f}")
    assert abs(real - total[function]) <= 0.01 * real + 1e6, "not what the events say"
assert sum(row["self_on_pcpu_ns"] for row in machine["functions"]) < 0.9 * sum(
    row["self_on_cpu_ns"] for row in machine["functions"]), "the vCPU was in all the time"
