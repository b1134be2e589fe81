#!/bin/bash
# SPDX-License-Identifier: MIT
# Records a real Xen trace: Xen 4.17 under QEMU's emulation, a dom0 and PV guests, all of Debian 12's packages, none of which
# has to be installed. Needs qemu-system-x86, busybox-static, cpio, kmod, the packages' lists of apt, and no root.
#
# usage: make_xen_trace.sh [OPTION]... DIRECTORY
#   --pcpus N        of the emulated host: at most as many as this machine has (default 2)
#   --guests N       PV guests beside dom0, 0 to 4 (default 0): each makes the boot some minutes longer
#   --events WHAT    xentrace's -e: all, sched, gen, hvm, dom0op or a number (default all)
#   --seconds N      how long is recorded (default 5)
#   --buffer PAGES   xentrace's buffer per pCPU; with 1 records get lost (default 256)
#   --xen ARGUMENTS  of Xen's command line: sched=credit, sched=rtds, …
#   --timeout N      seconds for all of it (default 900)
#
# DIRECTORY then holds xen.trace, tsc (Xen's own measure of the TSC in Hz), vcpus (xl vcpu-list), guests' and Xen's logs and
# console.log. With dom0 alone and 2 pCPUs it takes 80 s on a quiet machine.
set -eu

pcpus=2 guests=0 events=all seconds=5 buffer=256 xen_arguments= timeout=900 directory=
while [ $# -gt 0 ]; do
	case $1 in
	--pcpus) pcpus=$2 ;;
	--guests) guests=$2 ;;
	--events) events=$2 ;;
	--seconds) seconds=$2 ;;
	--buffer) buffer=$2 ;;
	--xen) xen_arguments=$2 ;;
	--timeout) timeout=$2 ;;
	-*) sed -n '/^# usage/,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	*) directory=$1; shift; continue ;;
	esac
	shift 2
done
[ "$directory" ] || { sed -n '/^# usage/,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$guests" -le 4 ] || { echo "at most 4 guests" >&2; exit 2; }
for tool in qemu-system-x86_64 busybox cpio depmod apt-get dpkg-deb; do
	PATH=$PATH:/sbin:/usr/sbin command -v $tool >/dev/null || { echo "no $tool" >&2; exit 1; }
done
PATH=$PATH:/sbin:/usr/sbin
cache=${HYPERTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hypertrace}/xen
mkdir -p "$cache" "$directory"
directory=$(cd "$directory" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- what it is made of: unpacked once, into the cache ---

# unpack NAME PACKAGE...: the packages of that name, into one directory that is there whole or not at all
unpack() {
	local name=$1 part
	shift
	[ -d "$cache/$name" ] && return
	part=$(mktemp -d "$cache/part.XXXX")
	chmod 755 "$part"
	(cd "$part" && apt-get -q -o APT::Sandbox::User="$(id -un)" download "$@" >/dev/null &&
		for package in *.deb; do dpkg-deb -x "$package" . && rm "$package"; done) || { rm -rf "$part"; return 1; }
	mv -T "$part" "$cache/$name" 2>/dev/null || rm -rf "$part" # somebody else was first
}

kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: linux-image-\(6\.1\.[^ ]*-amd64\).*/\1/p' | head -n 1)
[ "$kernel" ] || { echo "apt knows no linux-image-amd64 of Debian 12: apt-get update" >&2; exit 1; }
unpack hypervisor xen-hypervisor-4.17-amd64
unpack "kernel-$kernel" "linux-image-$kernel"
# those of Xen's libraries that differ with its version have it in their names; Debian's of 64-bit time do not matter here
unpack utils xen-utils-4.17 xen-utils-common xenstore-utils libxencall1 libxendevicemodel1 libxenevtchn1 \
	libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenmisc4.17 libxenstore4 libxentoolcore1 libxentoollog1 libyajl2 \
	libncurses6 libtinfo6 libnl-3-200 libnl-route-3-200 libuuid1 libfdt1 liblzma5 libbz2-1.0 liblzo2-2 zlib1g
utils=$cache/utils
modules=$cache/kernel-$kernel/lib/modules/$kernel
[ -e "$modules/modules.dep" ] || depmod -b "$cache/kernel-$kernel" "$kernel"
zcat "$cache"/hypervisor/boot/xen-4.17-amd64.gz >"$work/xen" # QEMU's multiboot does not unpack
cp "$cache/kernel-$kernel/boot/vmlinuz-$kernel" "$work/vmlinuz"

# pack DIRECTORY FILE: as an initramfs
pack() {
	(cd "$1" && find . | cpio -o -H newc --quiet | gzip -1) >"$2"
}

# --- a guest: it works as the word load= of its command line says ---

domu=$work/domu
mkdir -p "$domu"/{bin,proc,sys,dev,tmp}
cp /bin/busybox "$domu/bin/"
cat >"$domu/init" <<'EOF'
#!/bin/busybox sh
export PATH=/bin
busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
load=$(sed -n 's/.*load=\([a-z]*\).*/\1/p' /proc/cmdline)
echo "guest up: $load, $(grep -c ^processor /proc/cpuinfo) vCPUs"
count() { i=0; while [ $i -lt $1 ]; do i=$((i + 1)); done; }
case $load in
burn) while :; do count 20000; done & ;;
sleep) while :; do usleep 10000; done & while :; do usleep 1500; done & ;;
fork) while :; do /bin/busybox true; usleep 2000; done & ;;
mixed) while :; do count 20000; done & while :; do count 3000; usleep 7000; done & while :; do usleep 3000; done & ;;
esac
while :; do sleep 60; done
EOF
chmod +x "$domu/init"
pack "$domu" "$work/domu.gz"

# --- dom0: Xen's tools, the modules that they need, what to do ---

dom0=$work/dom0
libraries=/lib/x86_64-linux-gnu
mkdir -p "$dom0"/{bin,sbin,proc,sys,dev,tmp,run/xen,var/lib/xen,var/lib/xenstored,var/log/xen/console,var/lock,etc/xen} \
	"$dom0"/{root,boot,scratch,modules,lib64,usr/lib/xen-4.17/bin,usr/lib/x86_64-linux-gnu,"$libraries","lib/modules/$kernel"}
ln -s ../run "$dom0/var/run"
ln -s xen-4.17 "$dom0/usr/lib/xen-default"
cp /bin/busybox "$dom0/bin/"
for tool in xl xentrace xenstored xen-init-dom0 xenconsoled libxl-save-helper; do
	cp "$utils/usr/lib/xen-4.17/bin/$tool" "$dom0/usr/lib/xen-4.17/bin/"
done
cp "$utils"/usr/bin/xenstore-ls "$dom0/bin/"
LD_LIBRARY_PATH=$utils/usr/lib/x86_64-linux-gnu:$utils/lib/x86_64-linux-gnu ldd "$dom0"/usr/lib/xen-4.17/bin/* \
	"$dom0/bin/xenstore-ls" >"$work/ldd" 2>/dev/null || :
! grep "not found" "$work/ldd" || { echo "libraries of Xen's tools are missing" >&2; exit 1; }
awk '/=> \// { print $3 }' "$work/ldd" | sort -u | xargs -I{} cp -L {} "$dom0$libraries/"
cp -L /lib64/ld-linux-x86-64.so.2 "$dom0/lib64/"
cp -L $libraries/libgcc_s.so.1 "$dom0$libraries/"
for module in xen-privcmd xen-evtchn xenfs xen-gntdev xen-gntalloc ata_piix sd_mod; do
	modprobe -d "$cache/kernel-$kernel" -S "$kernel" --show-depends "$module" | awk '/^insmod/ { print $2 }'
done | awk '!seen[$0]++' >"$work/modules"
while read -r module; do
	cp "$module" "$dom0/modules/"
	basename "$module"
done <"$work/modules" >"$dom0/modules/order"
cp "$work/domu.gz" "$work/vmlinuz" "$dom0/boot/"
echo 'autoballoon="off"' >"$dom0/etc/xen/xl.conf"
echo 'root:x:0:0:root:/root:/bin/sh' >"$dom0/etc/passwd"

cat >"$dom0/scenario" <<EOF
guests=$guests seconds=$seconds
trace() { xentrace -D -e $events -S $buffer -T \$seconds /scratch/xen.trace 2>/scratch/xentrace.log; }
EOF
cat >>"$dom0/scenario" <<'EOF'
# guest NAME LOAD VCPUS MEMORY
guest() {
	cat >/tmp/$1.cfg <<-CFG
	name="$1"
	type="pv"
	kernel="/boot/vmlinuz"
	ramdisk="/boot/domu.gz"
	extra="console=hvc0 rdinit=/init load=$2 loglevel=4"
	vcpus=$3
	memory=$4
	CFG
	xl create /tmp/$1.cfg || echo "xl create $1 failed"
}
# so that there is something to see
( while :; do i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); done; usleep 2000; done ) &
( while :; do /bin/busybox true; usleep 1000; done ) &
[ $guests -lt 1 ] || guest web sleep 1 160
[ $guests -lt 2 ] || guest db mixed 2 192
[ $guests -lt 3 ] || guest batch burn 2 160
[ $guests -lt 4 ] || guest build fork 1 160
for name in $(echo web db batch build | cut -d' ' -f1-$guests 2>/dev/null); do
	n=0
	until grep -q 'guest up' /var/log/xen/console/guest-$name.log 2>/dev/null || [ $n -ge 300 ]; do
		sleep 1
		n=$((n + 1))
	done
	echo "$name: up after $n s"
done
trace
EOF
cat >"$dom0/init" <<'EOF'
#!/bin/busybox sh
export PATH=/bin:/sbin:/usr/lib/xen-4.17/bin HOME=/root
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; mount -t tmpfs -o size=600m tmp /scratch
echo "dom0 up: $(uname -r)"
for module in $(cat /modules/order); do insmod /modules/$module || echo "insmod $module failed"; done
mount -t xenfs xenfs /proc/xen
mkdir -p /run/xenstored /run/lock
XENSTORED_ROOTDIR=/var/lib/xenstored xenstored --pid-file=/run/xenstored.pid
sleep 1
xen-init-dom0
xenconsoled --log=all --log-dir=/var/log/xen/console --pid-file=/run/xenconsoled.pid
. /scenario
xl dmesg >/scratch/xl-dmesg.txt
sed -n 's/.*Detected \([0-9]*\)\.\([0-9]*\) MHz processor.*/\1\2000/p' /scratch/xl-dmesg.txt >/scratch/tsc
xl vcpu-list >/scratch/vcpus
cp /var/log/xen/console/guest-*.log /scratch/ 2>/dev/null
tar -C /scratch -cf /dev/sda . && sync && echo "trace written"
sync
sleep 1
poweroff -f
EOF
chmod +x "$dom0/init"
pack "$dom0" "$work/dom0.gz"

# --- the machine ---

truncate -s 700M "$work/disk"
# Of QEMU's CPU models one without SMAP: under emulation a PV kernel's iret is refused with it. An AVX state of guests breaks, too.
echo "booting Xen: console in $directory/console.log" >&2
timeout -k 5 "$timeout" qemu-system-x86_64 -accel tcg,thread=multi -cpu Nehalem-v1 -m 3072 -smp "$pcpus" -display none \
	-monitor none -serial "file:$directory/console.log" -no-reboot -net none -kernel "$work/xen" \
	-append "console=com1 com1=115200,8n1 loglvel=all dom0_mem=1400M,max:1400M $xen_arguments" \
	-initrd "$work/vmlinuz console=hvc0 loglevel=5 rdinit=/init,$work/dom0.gz" \
	-drive "file=$work/disk,format=raw,if=ide,index=0" </dev/null || echo "QEMU ended with $?" >&2
grep -q 'trace written' "$directory/console.log" ||
	{ echo "no trace: the end of console.log says" >&2; tail -n 5 "$directory/console.log" >&2; exit 1; }
tar -C "$directory" -xf "$work/disk"
[ -s "$directory/xen.trace" ] || { echo "xentrace wrote nothing: $(cat "$directory/xentrace.log")" >&2; exit 1; }
ls -l "$directory/xen.trace"
