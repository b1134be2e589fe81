/* SPDX-License-Identifier: MIT */
/* An initramfs under construction: a cpio archive (newc) in which every directory comes before what is in it. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>
#include "lib/base/error.h"

struct archive;

struct cpio_writer {
	struct archive *archive;
	void *names; /* tsearch() tree of what is in it: what was added first stays */
};

int cpio_writer_init(struct cpio_writer *writer, const char *path, struct error *error);
void cpio_writer_deinit(struct cpio_writer *writer);

/* Writes the end. Nothing may be added afterwards. */
int cpio_writer_finish(struct cpio_writer *writer, struct error *error);

bool cpio_writer_has(const struct cpio_writer *writer, const char *name);

/*
 * Adds one entry. `name` is the absolute path in the guest; the directories above it are made. What has been
 * added under that name before stays, and the new one is left out. Returns 0 or a negative errno.
 */
int cpio_writer_directory(struct cpio_writer *writer, const char *name, struct error *error);
int cpio_writer_text(
	struct cpio_writer *writer, const char *name, const char *bytes, size_t count, struct error *error);
int cpio_writer_link(struct cpio_writer *writer, const char *name, const char *target, struct error *error);
int cpio_writer_file(struct cpio_writer *writer, const char *name, const char *local, struct error *error);
int cpio_writer_descriptor(
	struct cpio_writer *writer, const char *name, int fd, mode_t mode, struct error *error);
