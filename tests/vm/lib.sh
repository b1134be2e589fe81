# SPDX-License-Identifier: MIT
# What the tests with guests share. Sourced by tests/vm/test_*.sh; needs bash.
set -u
: "${HYPERTRACE:?the program to test}"
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kernels=${KERNELS:-6.1 6.12}
work=$(mktemp -d)
failures=0
background=

cleanup() {
	[ -z "$background" ] || kill $background 2>/dev/null
	wait 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# What no kernel should say; the guests that run_guest started are judged at the end.
complaints='WARNING:|BUG:|Oops|RIP:|stall|soft lockup'

finish() {
	grep -lE "$complaints" "$work"/kernel-log.* 2>/dev/null | while read -r log; do
		echo "a guest's kernel complains: $(grep -E -A 20 "$complaints" "$log" | head -n 30)"
	done | grep . && failures=$((failures + 1))
	[ $failures -eq 0 ] || exit 1
	exit 0
}

# equal WHAT GOT EXPECTED
equal() {
	[ "$2" = "$3" ] || fail "$1: $2, expected $3"
}

# contains FILE PATTERN: an extended regular expression
contains() {
	grep -qE -e "$2" "$1" || fail "$1 does not contain '$2'; its end: $(tail -n 5 "$1")"
}

until_true() { # COMMAND...: for at most a minute
	for i in $(seq 600); do
		"$@" && return 0
		sleep 0.1
	done
	fail "never: $* $(tail -n 5 "$work"/out "$work"/said 2>/dev/null)"
	return 1
}

# A static program for guests, from tests/vm/NAME.c; printed: its path
program() {
	[ -x "$work/$1" ] || gcc -O2 -Wall -Werror -I"$TOP/include" -static -o "$work/$1" "$TOP/tests/vm/$1.c" || exit 1
	echo "$work/$1"
}

# kernel_module NAME KERNEL: a kernel module from tests/vm/NAME.c; printed: its path
kernel_module() {
	local headers directory=$work/module-$1-$2 cache=${HYPERTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hypertrace}
	if [ ! -e "$directory/$1.ko" ]; then
		"$HYPERTRACE" module --kernel "$2" >/dev/null || exit 1 # fetches the headers
		headers=$(find "$cache/kernels" -maxdepth 5 -type d -path "*/linux-headers-$2.*-cloud-amd64" | head -n 1)
		mkdir -p "$directory"
		cp "$TOP/tests/vm/$1.c" "$directory/"
		echo "obj-m := $1.o" >"$directory/Makefile"
		# without pahole there is no BTF of modules, and none is needed
		make -s -C "$headers" M="$directory" CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$directory/log" 2>&1 ||
			make -s -C "$directory" -f "$TOP/guest/module/Makefile" KDIR="$headers" >>"$directory/log" 2>&1 ||
			{ tail -n 5 "$directory/log" >&2; exit 1; }
	fi
	echo "$directory/$1.ko"
}

# hypertrace run, for at most four minutes; stderr in $work/stderr, what the kernel says in $work/kernel-log.N
run_guest() {
	timeout 240 "$HYPERTRACE" run --kernel-log "$(mktemp "$work/kernel-log.XXXX")" "$@" 2>"$work/stderr" </dev/null
}

# events TRACE DUMP-ARGUMENT...: how many there are
events() {
	"$HYPERTRACE" dump --count "$@"
}

# lost TRACE [CAUSE]: the sum over vCPUs, or that of one cause, from the trace's own account
lost() {
	python3 - "$@" <<'PY'
import json, sys
info = json.load(open(sys.argv[1] + "/hypertrace.json"))
total = 0
for machine in info["machines"]:
    for cpu in machine["cpus"]:
        total += sum(n for cause, n in cpu["lost"].items() if len(sys.argv) < 3 or cause == sys.argv[2])
print(total)
PY
}

# qmp SOCKET COMMAND [ARGUMENTS-AS-JSON]
qmp() {
	python3 - "$@" <<'PY'
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
stream = connection.makefile("rw")
stream.readline()
for command in ({"execute": "qmp_capabilities"},
                {"execute": sys.argv[2], "arguments": json.loads(sys.argv[3] if len(sys.argv) > 3 else "{}")}):
    stream.write(json.dumps(command) + "\n")
    stream.flush()
    while "event" in (answer := json.loads(stream.readline())):
        pass
    if "error" in answer:
        sys.exit(str(answer))
PY
}
