/* SPDX-License-Identifier: MIT */
/* The initramfs of a throw-away guest: our init, busybox, the module, the user's files, the command. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"

enum guest_stdin {
	GUEST_STDIN_NONE,     /* /dev/null */
	GUEST_STDIN_TERMINAL, /* the console, with echo and signals */
	GUEST_STDIN_STREAM,   /* the console, lines of text until ^D */
	GUEST_STDIN_FILE,     /* a copy of the file stdin_fd, byte for byte */
};

struct guest_image {
	const char *module;            /* path of hypertrace.ko; NULL: none */
	const char *module_parameters; /* "" for none */
	const char *const *files;      /* "LOCAL" or "LOCAL:GUEST" */
	size_t file_count;
	const char *const *command; /* NULL-ended, not empty */
	enum guest_stdin stdin_kind;
	int stdin_fd;         /* of GUEST_STDIN_FILE */
	bool separate_stderr; /* on a serial port of its own */
};

/*
 * Writes the initramfs to `path`. The command's first word, where it has a '/' and names a file here, goes in
 * as well, and the libraries of every dynamically linked program do. -ENOENT: a file, library, busybox or our
 * init is missing; -EINVAL: a word of `files` is wrong; others as the system says.
 */
int guest_image_write(const struct guest_image *image, const char *path, struct error *error);
