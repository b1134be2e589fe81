#!/bin/bash
# SPDX-License-Identifier: MIT
# hypertrace run, as its users see it: exit statuses, clean output, files, input, errors, nothing left behind.
set -u
: "${HYPERTRACE:?the program to test}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# expect NAME STATUS OUTPUT ARGUMENT... : stdin is ours
expect() {
	local name=$1 status=$2 output=$3 got
	shift 3
	got=$(timeout 240 "$HYPERTRACE" run --no-trace "$@" 2>"$work/stderr"; echo "status $?")
	[ "$got" = "${output:+$output$'\n'}status $status" ] ||
		fail "$name: expected '$output' and status $status, got '$got'; stderr: $(cat "$work/stderr")"
}

# expect_error NAME STATUS PATTERN ARGUMENT... : one error of one line, and nothing on stdout
expect_error() {
	local name=$1 status=$2 pattern=$3 output got
	shift 3
	output=$(timeout 240 "$HYPERTRACE" run "$@" 2>"$work/stderr" </dev/null)
	got=$?
	[ $got -eq "$status" ] || fail "$name: status $got, expected $status"
	[ -z "$output" ] || fail "$name: output '$output'"
	[ "$(grep -c '^hypertrace: ' "$work/stderr")" -eq 1 ] || fail "$name: not one error: $(cat "$work/stderr")"
	[ "$(grep -vc '^hypertrace: \|^hint: ' "$work/stderr")" -eq 0 ] || fail "$name: noise: $(cat "$work/stderr")"
	grep -q -e "$pattern" "$work/stderr" || fail "$name: no '$pattern' in: $(cat "$work/stderr")"
}

bad_arguments() {
	expect_error 'no command' 2 'no command'
	expect_error 'unknown option' 2 'did you mean --kernel?' --kernal 6.1 -- true
	expect_error 'missing value' 2 '--kernel needs a value' --kernel
	expect_error 'no number' 2 "'two' is not a whole number" --smp two -- true
	expect_error 'no size' 2 'is not a number of bytes' --memory much -- true
	expect_error 'no accelerator' 2 'is not one of auto|kvm|tcg|tcg-single' --accel warp -- true
	expect_error 'icount' 2 'one vCPU only' --icount --smp 2 -- true
	expect_error 'flag with a value' 2 'takes no value' --verbose=yes -- true
	expect_error 'no such mode' 2 'mode' --mode sideways -- true
	expect_error 'no such event' 2 'event' -e no_such_event -- true
	expect_error 'no such series' 125 'no kernel 5.99' --kernel 5.99 -- true
	expect_error 'no such kernel' 125 'cannot open kernel' --kernel ./no/such/vmlinuz -- true
	expect_error 'not a kernel' 125 'is not a Linux kernel image' --kernel /etc/passwd -- true
	expect_error 'no such file' 125 'no/such/file' --no-trace --file no/such/file -- true
	expect_error 'little memory' 125 'too few for a guest' --no-trace --memory 64 -- true
	expect_error 'odd region' 125 'no multiple of 2 MiB' --region-size 100K -- true
}

# one boot: most of what can be seen in the output
output_is_clean() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/sub"
	echo text >"$work/tree/sub/text"
	ln -s sub/text "$work/tree/link"
	expect "output on $1" 7 $'1\n\r\n2\ntext\ntext' --kernel "$1" --file "$work/tree:/tree" -- \
		sh -c 'printf "1\n\r\n"; echo 2; echo error >&2; cat /tree/sub/text /tree/link; exit 7' </dev/null
	[ "$(cat "$work/stderr")" = $'error' ] || fail "stderr on $1: $(cat -A "$work/stderr")"
}

statuses() {
	expect "status 0 on $1" 0 '' --kernel "$1" -- true </dev/null
	expect "signal on $1" 137 '' --kernel "$1" -- sh -c 'kill -9 $$' </dev/null
	expect "no such program on $1" 127 '' --kernel "$1" -- no-such-program </dev/null
	expect "timeout on $1" 124 '' --kernel "$1" --timeout 12 -- sleep 1000 </dev/null
	expect "panic on $1" 125 '' --kernel "$1" -- sh -c 'echo c >/proc/sysrq-trigger' </dev/null
	grep -q 'panicked: sysrq triggered crash' "$work/stderr" || fail "panic on $1: $(cat "$work/stderr")"
}

dynamic_programs() {
	expect 'dynamic program by --file' 0 "$(xz --version)" --file "$(command -v xz):/opt/xz" -- /opt/xz --version \
		</dev/null
	expect 'program as the command' 0 "$("$HYPERTRACE" --version)" -- "$HYPERTRACE" --version </dev/null
}

input() {
	head -c 200000 /dev/urandom >"$work/random"
	expect 'a file as input' 0 "$(md5sum <"$work/random")" -- md5sum <"$work/random"
	printf 'one\n\004\026 two' >"$work/text"
	expect 'a pipe as input' 0 "$(md5sum <"$work/text")" -- md5sum < <(cat "$work/text")
}

memory_above_the_hole() {
	local size
	size=$(timeout 240 "$HYPERTRACE" run --kernel 6.1 --memory 5G -o "$work/5G" -- awk '/MemTotal/ { print $2 }' /proc/meminfo \
		</dev/null 2>"$work/stderr")
	[ "${size:-0}" -gt 4900000 ] || fail "5 GiB: $size KiB; $(cat "$work/stderr")"
}

region_is_reserved() {
	local line
	line=$(timeout 240 "$HYPERTRACE" run --kernel "$1" -o "$work/trace-$1" -- grep 08000000 /proc/iomem </dev/null \
		2>"$work/stderr")
	[ "$line" = '08000000-09ffffff : Reserved' ] || fail "region on $1: '$line'; $(cat "$work/stderr")"
}

interrupted() {
	local run status
	setsid "$HYPERTRACE" run --no-trace --qmp "$work/qmp" -- sh -c 'echo started; sleep 1000' </dev/null \
		>"$work/out" 2>"$work/stderr" &
	run=$!
	for _ in $(seq 600); do
		grep -q started "$work/out" && break
		sleep 0.1
	done
	grep -q started "$work/out" || fail "interrupted: never started"
	[ -S "$work/qmp" ] || fail "interrupted: no QMP socket"
	pgrep -P $run >/dev/null || fail "interrupted: no QEMU to end"
	local qemu directory
	qemu=$(pgrep -P $run)
	directory=$(tr '\0' '\n' </proc/"$qemu"/cmdline | sed -n 's|/initramfs$||p')
	[ -d "$directory" ] || fail "interrupted: no directory '$directory'"
	kill -INT $run
	wait $run
	status=$?
	[ $status -eq 130 ] || fail "interrupted: status $status"
	[ ! -e "/proc/$qemu" ] || fail "interrupted: QEMU still runs"
	[ ! -e "$directory" ] || fail "interrupted: $directory is left"
	[ ! -e "$work/qmp" ] || fail "interrupted: the QMP socket is left"
	[ ! -s "$work/stderr" ] || fail "interrupted: $(cat "$work/stderr")"
}

bad_arguments
for kernel in 6.1 6.12; do
	output_is_clean $kernel
	statuses $kernel
	region_is_reserved $kernel
done
dynamic_programs
input
memory_above_the_hole
interrupted

[ $failures -eq 0 ] && echo 'all as expected'
exit $((failures > 0))
