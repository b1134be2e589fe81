/* SPDX-License-Identifier: MIT */
/* The directory of a trace while it is being recorded: TRACE/hypertrace.json, TRACE/<machine>/. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/trace_info.h"

struct trace_dir {
	int fd;
	int reserve_fd; /* room on the disk for the last description, a file without a name; -1: none */
	char *path;
};

/*
 * Creates the directory; it must not exist, or be empty. -EEXIST: something is in it (hint: another -o).
 * `dir` is good for trace_dir_deinit() also after an error.
 */
int trace_dir_init(struct trace_dir *dir, const char *path, struct error *error);
void trace_dir_deinit(struct trace_dir *dir);

/* The disk is full: gives back the room that was kept, so that what is left to say of the trace can be said. */
void trace_dir_use_reserve(struct trace_dir *dir);

/*
 * Creates TRACE/<machine>/ with names/ and names/formats/. Returns an open directory, the caller's, or
 * negative errno.
 */
int trace_dir_add_machine(struct trace_dir *dir, const char *machine, struct error *error);

/* Writes or atomically replaces hypertrace.json. */
int trace_dir_write_info(struct trace_dir *dir, const struct trace_info *info, struct error *error);

/* 16 bytes of a new random UUID (version 4), for ctf_metadata and its streams. */
int trace_uuid(uint8_t uuid[16], struct error *error);
