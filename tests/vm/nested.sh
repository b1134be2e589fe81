# SPDX-License-Identifier: MIT
# Nested stacks on any machine: L1, a host with a working KVM, is emulated; L2 runs in it under KVM. Sourced behind lib.sh
# and plain_guest.sh. L1 needs a CPU with svm, which QEMU's emulation has; of Intel's vmx it has none.
#
#   l2_initramfs marks "$(kernel_module hypercalls 6.1):/hypercalls.ko" <<'END'
#   insmod /hypercalls.ko n=10
#   END
#   nested_run 6.1 one --no-trace <<'END' || fail …
#   l2 marks '' && grep -c 'hypercalls: ' /out/marks.console
#   END
#
# Within the script of L1: programs `hypertrace` and `qemu-system-x86_64`, the directory /out, whose files are in $work/one
# afterwards, and the functions of nested_l1.sh. L1 has lots of memory for one L2 of 192 MiB; --memory makes it larger.

nested_timeout=${NESTED_TIMEOUT:-180} # seconds; most stacks take 20 to 70
nested_files=$(mktemp -d "$work/nested.XXXX")
mkdir "$nested_files/l2"

# nested_kernel KERNEL: directory with its vmlinux and KVM's modules, made once and kept in the cache
nested_kernel() {
	local image directory modules name
	image=$(kernel_image "$1")
	[ -e "$image" ] || { echo "no kernel $1" >&2; return 1; }
	directory=$(dirname "$(dirname "$image")")/nested
	modules=$(ls -d "$(dirname "$directory")"/lib/modules/*/kernel)
	(
		flock 9
		[ -e "$directory/done" ] && exit
		mkdir -p "$directory/modules"
		"$TOP/tests/vm/extract_vmlinux.py" "$image" "$directory/vmlinux" || exit
		# those that the kernel has built in are no files
		for name in virt/lib/irqbypass arch/x86/kvm/kvm drivers/crypto/ccp/ccp arch/x86/kvm/kvm-amd arch/x86/kvm/kvm-intel \
			drivers/virtio/virtio drivers/virtio/virtio_ring drivers/virtio/virtio_pci_legacy_dev \
			drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci drivers/block/virtio_blk; do
			if [ -e "$modules/$name.ko.xz" ]; then
				xz -dc "$modules/$name.ko.xz" >"$directory/modules/${name##*/}.ko"
			elif [ -e "$modules/$name.ko" ]; then
				cp "$modules/$name.ko" "$directory/modules/"
			fi
		done
		touch "$directory/done"
	) 9>"$directory.lock"
	[ -e "$directory/done" ] && echo "$directory"
}

# l2_initramfs NAME [LOCAL:GUEST]...: an L2's files: busybox, and an init that runs the script on stdin and ends L2. A static
# program or a module comes with no more than itself.
l2_initramfs() {
	local name=$1 root file
	root=$(mktemp -d "$work/root.XXXX")
	shift
	mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp"
	cp /bin/busybox "$root/bin/"
	for file; do
		mkdir -p "$root/$(dirname "${file##*:}")"
		cp "${file%:*}" "$root/${file##*:}"
	done
	cat >"$root/script"
	cat >"$root/init" <<-'EOF_INIT'
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	export PATH=/bin
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs dev /dev
	mount -t tracefs tracefs /sys/kernel/tracing
	mount -t debugfs debugfs /sys/kernel/debug
	exec </dev/console >/dev/console 2>&1
	echo 7 >/proc/sys/kernel/printk
	. /script
	echo "L2-DONE $?"
	reboot -f
	EOF_INIT
	chmod +x "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$nested_files/l2/$name.cpio"
	rm -r "$root"
}

# l3_files KERNEL: for l2_initramfs: what an L2 of that kernel needs to run an L3; its script: . /l3.sh; l3_hypercalls COUNT NR
l3_files() {
	local directory module
	directory=$(nested_kernel "$1") || return 1
	for module in irqbypass kvm ccp kvm-amd; do
		[ -e "$directory/modules/$module.ko" ] && printf '%s\n' "$directory/modules/$module.ko:/modules/$module.ko"
	done
	cat >"$nested_files/l3.sh" <<-'EOF'
	for module in irqbypass kvm ccp kvm-amd; do
		[ ! -e /modules/$module.ko ] || insmod /modules/$module.ko
	done
	EOF
	printf '%s\n' "$nested_files/l3.sh:/l3.sh" "$(program l3_hypercalls):/bin/l3_hypercalls"
}

# What every L1 has: QEMU, of its firmware what L2 needs, our program, KVM, L2's kernel and files.
nested_options() {
	local directory name
	directory=$(nested_kernel "$1") && name=$(nested_kernel "${l2_kernel:-$1}") || return 1
	printf '%s\n' --file "$HYPERTRACE:/usr/bin/hypertrace" --file "$(command -v qemu-system-x86_64):/usr/bin/qemu-system-x86_64" \
		--file "$directory/modules:/nested/modules" --file "$name/vmlinux:/l2/vmlinux" --file "$nested_files/l2:/l2" \
		--file "$TOP/tests/vm/nested_l1.sh:/nested/l1.sh"
	for name in bios-256k.bin bios-microvm.bin qboot.rom pvh.bin linuxboot_dma.bin linuxboot.bin kvmvapic.bin; do
		for directory in /usr/share/seabios /usr/share/qemu; do
			[ -e "$directory/$name" ] && printf '%s\n' --file "$directory/$name:/usr/share/qemu/$name" && break
		done
	done
}

# nested_run KERNEL NAME RUN-OPTION...: boots L1 and runs the script on stdin in it; its status. What it wrote to stdout is in
# $work/NAME.out, the files of /out are in $work/NAME/, hypertrace's stderr is in $work/NAME.err. Options are those of
# `hypertrace run`: --no-trace or -o TRACE (events of L1), --icount (then L2_SMP=1 in the script), --file FILE:PATH for further
# files. L2's kernel is L1's, or the series in $l2_kernel. An emulated L1 hangs now and then: one more try.
nested_run() {
	local kernel=$1 name=$2 status try options
	shift 2
	mapfile -t options < <(nested_options "$kernel")
	[ ${#options[@]} -gt 10 ] || return 1
	cat >"$nested_files/script"
	for try in 1 2; do
		rm -rf "${work:?}/$name" "$work/out.disk"
		truncate -s 1G "$work/out.disk"
		timeout -k 10 $((nested_timeout + 60)) "$HYPERTRACE" run --kernel "$kernel" --memory 896 --timeout "$nested_timeout" \
			--kernel-log "$work/kernel-log.$name" --append 'tsc=reliable quiet' --qemu -cpu --qemu max,+svm \
			--qemu -drive --qemu "file=$work/out.disk,if=none,id=out,format=raw,cache=unsafe" \
			--qemu -device --qemu virtio-blk-pci,drive=out "${options[@]}" --file "$nested_files/script:/nested/script" \
			"$@" -- sh /nested/l1.sh >"$work/$name.out" 2>"$work/$name.err" </dev/null
		status=$?
		case $status in 124 | 125 | 137) ;; *) break ;; esac
	done
	mkdir -p "$work/$name"
	tar -x -C "$work/$name" -f "$work/out.disk" 2>/dev/null
	rm -f "$work/out.disk"
	return $status
}
