# SPDX-License-Identifier: MIT
# Guests of plain QEMU, with nothing of ours in them and no option of ours. Sourced behind lib.sh.

# kernel_image SERIES: path of its vmlinuz, which hypertrace fetches
kernel_image() {
	"$HYPERTRACE" run --no-trace --kernel "$1" -- true >/dev/null 2>&1 </dev/null
	ls "${HYPERTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hypertrace}"/kernels/"$1".*/boot/vmlinuz-* | tail -n 1
}

# initramfs FILE PROGRAM...: a busybox whose init runs the script on stdin; /PROGRAM are programs of tests/vm
initramfs() {
	local out=$1 root
	root=$(mktemp -d "$work/root.XXXX")
	shift
	mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev"
	cp /bin/busybox "$root/bin/"
	for name; do
		cp "$(program "$name")" "$root/"
	done
	{
		cat <<-'EOF'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs dev /dev
		mount -t tracefs tracefs /sys/kernel/tracing
		exec </dev/console >/dev/console 2>&1
		cd /sys/kernel/tracing
		EOF
		cat
		echo 'echo GUEST-DONE; while :; do sleep 1000; done'
	} >"$root/init"
	chmod +x "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$out"
	rm -r "$root"
}

# plain_guest NAME KERNEL MEMORY INITRAMFS COMMAND-LINE [QEMU-OPTION...]: its console is $work/NAME.console; sets
# $plain_pid. Its vCPUs take turns, unless plain_accel is tcg: run at once, about one boot in 25 dies of an int3 in code
# that the kernel is patching (docs/testing.md), with or without us.
plain_guest() {
	local name=$1 kernel memory=$3 image=$4 words=$5
	kernel=$(kernel_image "$2")
	shift 5
	qemu-system-x86_64 -accel "${plain_accel:-tcg,thread=single}" -cpu max -smp 2 -m "$memory" \
		-display none -nic none -monitor none -kernel "$kernel" -initrd "$image" -append "console=ttyS0 loglevel=4 $words" \
		-serial "file:$work/$name.console" "$@" </dev/null >/dev/null 2>"$work/$name.qemu" &
	plain_pid=$!
	background="$background $plain_pid"
	until [ -e "$work/$name.console" ]; do sleep 0.05; done # QEMU has made the guest's memory before
}

# until_console NAME PATTERN: for at most two minutes
until_console() {
	for _ in $(seq 240); do
		grep -q "$2" "$work/$1.console" 2>/dev/null && return 0
		sleep 0.5
	done
	fail "$1: the guest never says $2: $(tail -n 3 "$work/$1.console")"
	return 1
}

# guest_entries NAME INSTANCE: events ever written, a line for each CPU, from the stats that the guest printed
guest_entries() {
	tr -d '\r' <"$work/$1.console" | sed -n "/^STATS $2\$/,/^END\$/p" | awk '
		/^(entries|overrun|read events): / {sum += $NF}
		/^read events: / {print sum; sum = 0}'
}

# trace_entries TRACE MACHINE: recorded and lost, a line for each CPU, from the trace's own account
trace_entries() {
	python3 - "$@" <<'PY'
import json, sys
for machine in json.load(open(sys.argv[1] + "/hypertrace.json"))["machines"]:
    if machine["name"] == sys.argv[2]:
        for cpu in sorted(machine["cpus"], key=lambda cpu: cpu["cpu"]):  # they stand as they were first seen
            print(cpu["events"] + cpu["lost"]["overwritten"] + cpu["lost"]["damaged"])
PY
}
