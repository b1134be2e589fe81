#!/bin/bash
# SPDX-License-Identifier: MIT
# Parts of a region that is plugged into a running guest: the guest's devices for them, what may be mapped, and that
# neither the module nor the region goes while somebody has one.
. "$(dirname "$0")/lib.sh"

: >"$work/out"
guest_says() { # WORD: wait until the guest has printed it
	for i in $(seq 1200); do
		grep -q "$1" "$work/out" && return 0
		sleep 0.1
	done
	fail "the guest never said $1: $(tail -n 5 "$work/out" "$work/stderr")"
	return 1
}

for kernel in $kernels; do
	module=$("$HYPERTRACE" module --kernel "$kernel") || fail "$kernel: no module"
	cat >"$work/script" <<-'EOF'
	insmod /hypertrace.ko && echo ready
	until [ -e /dev/hypertrace-nested1 ]; do sleep 0.1; done
	mkfifo /hold
	(exec 3<>/hold; /map_region /dev/hypertrace-nested1 'HELLO FROM INSIDE' <&3) &
	sleep 1
	rmmod hypertrace && echo removed
	dmesg | grep 'waiting for a guest' || sleep 5
	until dmesg | grep -q 'waiting for a guest'; do sleep 0.2; done
	sleep 2
	kill $(pidof map_region)
	until dmesg | grep -q 'no region yet' && [ ! -e /dev/hypertrace-nested1 ]; do sleep 0.2; done
	sleep 2
	rmmod hypertrace && echo unloaded
	sleep 1000
	EOF
	"$HYPERTRACE" run --kernel "$kernel" --accel tcg-single --no-trace --qmp "$work/qmp" --file "$module:/hypertrace.ko" \
		--file "$(program map_region):/map_region" --file "$work/script:/script" -- sh /script >"$work/out" 2>"$work/stderr" &
	background=$!
	guest_says ready || continue
	"$HYPERTRACE" attach --qmp "$work/qmp" --region-size 16M --nested-size 6M --nested-guests 3 --name hypertrace-none-$$ \
		2>"$work/errors" && fail "$kernel: nothing is left of the region, and it was attached"
	contains "$work/errors" 'hint: .*--region-size'
	region=$("$HYPERTRACE" attach --qmp "$work/qmp" --region-size 16M --nested-size 4M --nested-guests 2 \
		--name hypertrace-test-$$ 2>"$work/errors") || fail "$kernel: attach: $(cat "$work/errors")"
	guest_says 'mapped 4194304' || continue
	equal "$kernel: what the guest's program wrote" "$(dd if="$region" bs=1M skip=12 count=1 2>/dev/null | head -c 17)" \
		'HELLO FROM INSIDE'
	"$HYPERTRACE" record --region "$region" -e syscalls -o "$work/trace-$kernel" --duration 1 2>"$work/errors" ||
		fail "$kernel: record: $(cat "$work/errors")"
	contains "$work/errors" 'l2-2.*no hypertrace header'
	equal "$kernel: lost" "$(lost "$work/trace-$kernel")" 0
	"$HYPERTRACE" detach --qmp "$work/qmp" 2>"$work/errors" || fail "$kernel: detach: $(cat "$work/errors")"
	guest_says unloaded
	grep -q removed "$work/out" && fail "$kernel: the module was unloaded under a mapping"
	kill -INT $background
	wait $background
	background=
done
finish
