#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails when a file includes what its directory must not depend on. The arrows stand in ARCHITECTURE.md; keep both."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIB_DATA = ["lib/base", "lib/clock", "lib/model"]
LIB = LIB_DATA + ["lib/reader", "lib/writer", "lib/filter", "lib/analysis"]

# directory -> directories it may include from, besides itself; the longest matching directory counts
ARROWS = {
    "abi": [],
    "include": [],
    "guest/module": ["abi"],
    "guest/image": [],
    "lib/base": [],
    "lib/clock": ["lib/base"],
    "lib/model": ["lib/base"],
    "lib/reader": LIB_DATA,
    "lib/writer": LIB_DATA,
    "lib/filter": LIB_DATA,
    "lib/xen": ["include", "lib/reader"] + LIB_DATA,
    "lib/analysis": ["lib/base", "lib/model"],
    "host/bpf": ["abi"],
    "host/kvm": ["abi"],
    "host/vm": ["abi"] + LIB,
    "host/vmm": LIB,
    "host/memory": ["host/vmm"] + LIB,
    "host/kernel": ["host/memory"] + LIB,
    "host/collect": ["abi", "host/bpf", "host/vmm", "host/memory", "host/kernel"] + LIB,
    "host/xen": ["abi", "host/collect"] + LIB,
    "tools": ["abi", "host", "bench"] + LIB,
    "bench": ["abi", "include", "host", "tests/ring", "tools"] + LIB,
    "tests": ["abi", "include", "host", "bench", "tools", "guest"] + LIB,
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def owner(path):
    parents = [d for d in ARROWS if path == d or path.startswith(d + "/")]
    return max(parents, key=len) if parents else None


def target(path, name):
    """The included file as a path from the root, or None if it is not one of ours (generated, of a library)."""
    for candidate in ((path.parent / name), ROOT / name):
        if candidate.exists():
            return str(candidate.resolve().relative_to(ROOT))
    return None


def check(path):
    here = str(path.relative_to(ROOT))
    source = owner(here)
    if source is None:
        return []
    broken = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        found = match and target(path, match.group(1))
        if not found:
            continue
        allowed = [source] + ARROWS[source]
        if not any(found.startswith(d + "/") for d in allowed):
            broken.append(f"{here}:{number}: {source} must not include {found}")
    return broken


def main():
    files = [p for d in sorted({a.split("/")[0] for a in ARROWS}) for p in (ROOT / d).rglob("*")
             if p.suffix in (".c", ".h", ".def") and "build" not in p.parts]
    broken = [line for p in files for line in check(p)]
    print("\n".join(broken) or f"{len(files)} files keep the arrows")
    return bool(broken) or not files


sys.exit(main())
