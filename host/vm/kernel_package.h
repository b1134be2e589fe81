/* SPDX-License-Identifier: MIT */
/*
 * A guest kernel and what is needed to build a module for it.
 *
 * Looked for, in this order: the cache, what is installed (/boot, /usr/src), Debian's archive (apt-get
 * download and dpkg-deb, which need no root). Of a series the newest is taken.
 */
#pragma once
#include <stdbool.h>
#include "lib/base/error.h"

struct kernel_package {
	char *release; /* as uname -r says, "6.12.117+deb12-cloud-amd64" */
	char *vmlinuz; /* path of the bootable image */
	char *headers; /* directory for `make -C`; NULL: none known */
};

struct kernel_wish {
	const char *name;    /* a series "6.1", a release, or the path of a vmlinuz (then with a '/') */
	const char *headers; /* of a kernel given as a path; NULL: /lib/modules/RELEASE/build */
	bool need_headers;
	void (*progress)(const char *text); /* told before what takes long; may be NULL */
};

/*
 * Errors: -ENOENT no such kernel, or no headers for it; -EINVAL not a kernel image; -EIO the download failed;
 * others as the system says. Each has a hint.
 */
int kernel_package_find(struct kernel_package *package, const struct kernel_wish *wish, struct error *error);
void kernel_package_deinit(struct kernel_package *package);
