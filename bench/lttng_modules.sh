#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds LTTng's kernel modules for a guest's kernel, from Debian's source package lttng-modules-dkms, which is fetched
# and not installed. What it makes stays: the next call finds it.
#
#   lttng_modules.sh HEADERS RELEASE DIRECTORY    makes DIRECTORY as the guest's /lib/modules/RELEASE
set -eu
headers=$1 release=$2 directory=$3
[ ! -e "$directory" ] || exit 0

parent=$(dirname "$directory")
mkdir -p "$parent"
scratch=$(mktemp -d "$parent/build-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
cd "$scratch"
chmod 755 .
apt-get -qq download lttng-modules-dkms 2>said || { tail -n 1 said >&2; exit 1; }
dpkg-deb --fsys-tarfile lttng-modules-dkms_*.deb | tar -x --strip-components=4 --wildcards './usr/src/lttng-modules-*/*'

# Its description of hrtimer_start does not follow the newest stable kernels; the benchmark records no timers.
sed -i '/lttng-probe-timer\.o/d' src/probes/Kbuild
make -s -j"$(nproc)" -C "$headers" M="$PWD" CONFIG_LTTNG=m CONFIG_DEBUG_INFO_BTF_MODULES= modules >build.log 2>&1 || {
	grep -m 1 'error' build.log >&2 || tail -n 1 build.log >&2
	exit 1
}
mkdir -p "root/lib/modules/$release/extra"
find src -name '*.ko' -exec strip --strip-debug {} + -exec cp -t "root/lib/modules/$release/extra" {} +
# libkmod wants every index, also of what is built into the kernel
(cd "root/lib/modules/$release" && : >modules.order && : >modules.builtin && : >modules.builtin.modinfo)
PATH=$PATH:/usr/sbin:/sbin depmod -b root "$release"
mv "root/lib/modules/$release" "$directory"
