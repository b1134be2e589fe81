#!/bin/bash
# SPDX-License-Identifier: MIT
# hypertrace run --channel hypercall, where a host has KVM: in an emulated one. Boots a stock kernel's image under a nested KVM,
# which takes half a minute: one kernel is enough.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/plain_guest.sh"
. "$(dirname "$0")/nested.sh"

nested_timeout=${NESTED_TIMEOUT:-400}
kernel=${kernels##* }
module=$("$HYPERTRACE" module --kernel "$kernel") || fail "no module for $kernel"
image=$(kernel_image "$kernel")
init=$(dirname "$HYPERTRACE")/guest/image/init
[ -e "$init" ] || { echo "skipped: needs the build tree's init"; exit 77; }
# L1 has no compiler: it finds the module where it would look for one that it built before
mkdir "$work/headers"
touch "$work/headers/Makefile"
l2_initramfs none </dev/null
nested_run "$kernel" one --no-trace --memory 1300 --file "$module:/cache/hypertrace/modules/$(basename "$(dirname "$module")")/hypertrace.ko" \
	--file "$TOP/guest/module:$TOP/guest/module" --file "$TOP/abi:$TOP/abi" --file "$image:/boot/vmlinuz" \
	--file "$work/headers:/headers" --file "$init:/usr/local/libexec/hypertrace/init" --file /bin/busybox:/bin/busybox \
	--file "$(program getppid):/getppid" <<-'EOF' || fail "L1: $(tail -n 20 "$work/one.out" "$work/one.err")"
	XDG_CACHE_HOME=/cache hypertrace run --channel hypercall --kernel /boot/vmlinuz --headers /headers --smp 1 --memory 256 \
		--timeout 300 -e sched,syscalls --batch 20 -F '__do_sys_getppid,!vfs_*' --depth 1 -o /out/run.trace -- /getppid 1000
	EOF
equal "getppid of a guest of run" "$("$HYPERTRACE" dump "$work/one/run.trace" | grep -cE 'sys_enter: +getppid')" 1000
equal "calls of its function" "$(events "$work/one/run.trace" -e func_entry)" 1000
equal "returns" "$(events "$work/one/run.trace" -e func_exit)" 1000
equal "lost" "$(lost "$work/one/run.trace")" 0
contains "$work/one.err" '^hypertrace: /out/run.trace/guest: [0-9,]* events, .* 0 lost'
finish
