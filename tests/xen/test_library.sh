#!/bin/bash
# SPDX-License-Identifier: MIT
# libhypertrace_xen.a as another program uses it: the example is built with nothing but the header and the library, counts the
# events that `xen dump` counts, and needs little memory for a long trace.
set -eu
: "${HYPERTRACE:?the program to test}" "${TOP:?the source tree}"
build=$(dirname "$HYPERTRACE")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/include"
cp "$TOP/include/hypertrace_xen.h" "$work/include"
cc -std=c11 -Wall -Wextra -Werror -I "$work/include" "$TOP/docs/examples/xen_events.c" \
	"$build/lib/xen/libhypertrace_xen.a" -o "$work/xen_events"
printf '#include <hypertrace_xen.h>\n' >"$work/alone.c"
cc -std=c99 -pedantic -Wall -Wextra -Werror -I "$work/include" -c "$work/alone.c" -o "$work/alone.o"

# nothing of ours but the interface can collide with names of others
others=$(nm --defined-only --extern-only "$build/lib/xen/libhypertrace_xen.a" | awk 'NF == 3 { print $3 }' |
	grep -v '^hypertrace_xen_' || true)
[ -z "$others" ] || { echo "visible besides hypertrace_xen_*: $others"; exit 1; }

for name in tiny lost sched; do
	zstd -dqf "$TOP/tests/golden/xen/$name.bin.zst" -o "$work/$name"
	wanted=$("$HYPERTRACE" xen dump --count "$work/$name" 2>/dev/null)
	said=$("$work/xen_events" "$work/$name" | tail -n 1)
	case $said in
	"$wanted events of "*) ;;
	*) echo "$name: $wanted events, but the example says: $said"; exit 1 ;;
	esac
done
status=0
said=$("$work/xen_events" /dev/null 2>&1) || status=$?
[ "$status" = 1 ] && [ "${said%%$'\n'*}" = "/dev/null: is empty" ] || { echo "of an empty file: $status $said"; exit 1; }

# 100 MB in 32 MiB
"$build/bench/xen_repeat" "$work/sched" "$work/long" 100000000
python3 - "$HYPERTRACE" "$work/long" <<'EOF'
import resource
import subprocess
import sys

subprocess.run([sys.argv[1], "xen", "dump", sys.argv[2]], check=True, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"100 MB printed in {used} KiB")
sys.exit(used > 32 << 10)
EOF
