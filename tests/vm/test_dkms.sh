#!/bin/bash
# SPDX-License-Identifier: MIT
# The tree that `make dkms-tree` makes is whole: the module builds from it alone, as DKMS would, for every kernel.
. "$(dirname "$0")/lib.sh"

version=$(cat "$TOP/abi/VERSION")
make -s -C "$TOP/guest/module" dkms-tree DESTDIR="$work" || fail "make dkms-tree"
tree=$work/usr/src/hypertrace-$version
contains "$tree/dkms.conf" "PACKAGE_VERSION=\"$version\""
cache=${HYPERTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hypertrace}

for kernel in $kernels; do
	"$HYPERTRACE" module --kernel "$kernel" >"$work/module" || fail "$kernel: no module" # fetches the headers
	headers=$(find "$cache/kernels" -maxdepth 5 -type d -path "*/linux-headers-$kernel.*-cloud-amd64" | head -n 1)
	[ -n "$headers" ] || { echo "no headers of $kernel in $cache"; exit 77; }
	cp -r "$tree" "$work/$kernel"
	make -s -C "$work/$kernel" KDIR="$headers" >"$work/log" 2>&1 || fail "$kernel: $(tail -n 5 "$work/log")"
	[ "$(modinfo -F version "$work/$kernel/hypertrace.ko")" = "$version" ] || fail "$kernel: modinfo: no version $version"
done
finish
