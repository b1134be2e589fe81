#!/bin/bash
# SPDX-License-Identifier: MIT
# A real Xen with a dom0 and, if HYPERTRACE_XEN is a number, so many PV guests: its trace read, converted and looked at by the
# verbs that KVM's hosts have, and compared with what Xen says of itself. Downloads Xen's packages and takes minutes: only
# where HYPERTRACE_XEN is set (0: dom0 alone).
. "$(dirname "$0")/lib.sh"
[ "${HYPERTRACE_XEN:-}" ] || { echo "boots Xen under emulation: set HYPERTRACE_XEN=0 (or to a number of guests)"; exit 77; }

made=$work/made
"$TOP/tests/vm/make_xen_trace.sh" --guests "$HYPERTRACE_XEN" --timeout "${HYPERTRACE_XEN_TIMEOUT:-900}" "$made" ||
	{ fail "no trace was made"; finish; }
trace=$made/xen.trace
vcpus=$(tail -n +2 "$made/vcpus" | wc -l)

# the frequency that the trace tells is what Xen measured
"$HYPERTRACE" xen convert "$trace" -o "$work/t" --json >"$work/converted" || fail "xen convert: $?"
python3 - "$work/converted" "$(cat "$made/tsc")" "$vcpus" <<'PY' || fail "converted: $(cat "$work/converted")"
import json, sys
said, hz, vcpus = json.load(open(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
assert abs(said["tsc_hz"] - hz) < hz * 0.005, hz
assert said["vcpus"] == vcpus and said["skipped_bytes"] == said["left_out"] == 0
PY

# every other CTF reader takes it
for machine in "$work"/t/*/; do
	babeltrace2 "$machine" >"$work/text" 2>"$work/stderr" || fail "babeltrace2 $machine: $(cat "$work/stderr")"
	[ "$(grep -cv discarded "$work/stderr")" = 0 ] || fail "babeltrace2 $machine: $(cat "$work/stderr")"
done

# each vCPU's time adds up, and nearly all of it is known
"$HYPERTRACE" vcpu "$work/t" --json >"$work/vcpu.json" || fail "vcpu: $?"
python3 - "$work/vcpu.json" "$vcpus" <<'PY' || fail "vcpu: $(head -c 2000 "$work/vcpu.json")"
import json, sys
vcpus = json.load(open(sys.argv[1]))["vcpus"]
assert len(vcpus) == int(sys.argv[2])
for vcpu in vcpus:
    states = vcpu["states_ns"]
    assert sum(states.values()) > 4e9 and states["unknown"] < 0.05 * sum(states.values()), vcpu
PY
"$HYPERTRACE" exits "$work/t" >"$work/exits" || fail "exits: $?"
contains "$work/exits" '^ *hypercall '
contains "$work/exits" '^ *block '
contains "$work/exits" '^ *mmu_update '
"$HYPERTRACE" report -m xen "$work/t" >"$work/report" || fail "report: $?"
contains "$work/report" 'd0v0 '

# the original's rules mean the same
"$HYPERTRACE" xen format "$TOP/tests/golden/xen/directives.formats" "$trace" >"$work/formatted" || fail "xen format: $?"
python3 "$TOP/tests/cli/xen_format_reference.py" "$TOP/tests/golden/xen/directives.formats" "$trace" |
	cmp - "$work/formatted" || fail "xen format"
finish
