# SPDX-License-Identifier: MIT
# What the tests of channel hypercall share. Sourced behind lib.sh, plain_guest.sh and nested.sh.

# Several L2s in one L1, also on a machine that has more to do.
nested_timeout=${NESTED_TIMEOUT:-400}

# What L2s have: the module, a program that makes system calls, one that makes hypercalls.
l2_files() { # KERNEL
	mkdir -p "$work/ko-$1"
	[ -e "$work/ko-$1/hypertrace.ko" ] || "$HYPERTRACE" module --kernel "$1" -o "$work/ko-$1" >&2 || exit 1
	echo "$work/ko-$1/hypertrace.ko:/hypertrace.ko" "$(program getppid):/getppid" "$(program marks):/marks"
}

# For the script of L1.
cat >"$work/record.sh" <<'EOF'
L2_TIMEOUT=150
record() { # NAME OPTION...: until finish_record
	name=$1
	shift
	hypertrace record --channel hypercall -o /out/$name.trace "$@" >/out/$name.record 2>&1 &
	recorder=$!
	sleep 1
}
finish_record() {
	kill -INT $recorder
	wait $recorder
}
EOF

count() { # TRACE TEXT DUMP-OPTION...: lines of the dump
	local trace=$1 text=$2
	shift 2
	"$HYPERTRACE" dump "$trace" "$@" 2>/dev/null | grep -cE "$text"
}

end() { # TRACE MACHINE state|message
	python3 -c '
import json, sys
for machine in json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"]:
    if machine["name"] == sys.argv[2]:
        print(machine["end"][sys.argv[3]])' "$@"
}
