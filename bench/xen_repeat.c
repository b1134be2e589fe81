/* SPDX-License-Identifier: MIT */
/*
 * xen_repeat TRACE OUT BYTES: a Xen trace of at least so many bytes, made of one that was recorded: all its windows again and
 * again, each time with the TSCs moved on by the length of the trace, so that it goes on as one recording.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/reader/xen_frame.h"

#define LIMIT (1u << 30)

static uint8_t *read_all(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	if (file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0 && size < (long)LIMIT) {
		rewind(file);
		/* a record at the end may be looked at as a whole */
		data = calloc(1, (size_t)size + XEN_RECORD_BYTES_MAX);
		*bytes = (size_t)size;
		if (data && fread(data, 1, *bytes, file) != *bytes) {
			free(data);
			data = NULL;
		}
	}
	if (file)
		fclose(file);
	return data;
}

static void add(uint8_t *at, uint64_t tsc)
{
	uint64_t moved = htole64(xen_load64(at) + tsc);

	memcpy(at, &moved, sizeof(moved));
}

/* Moves all TSCs on; *least and *most are what they were. */
static void move_on(uint8_t *data, size_t bytes, uint64_t tsc, uint64_t *least, uint64_t *most)
{
	*least = UINT64_MAX;
	*most = 0;
	for (size_t offset = 0; offset + 4 <= bytes; offset += xen_word_bytes(xen_load32(data + offset))) {
		uint32_t word = xen_load32(data + offset);
		uint64_t was;

		if (!xen_word_has_tsc(word))
			continue;
		was = xen_load64(data + offset + 4);
		*least = was < *least ? was : *least;
		*most = was > *most ? was : *most;
		add(data + offset + 4, tsc);
		if (xen_word_code(word) == XEN_LOST_RECORDS && xen_word_extras(word) == 4)
			add(data + offset + 20, tsc);
	}
}

int main(int argc, char **argv)
{
	uint64_t least, most, written = 0, wanted = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	uint8_t *data;
	size_t bytes;
	FILE *out;
	int failed;

	if (!wanted) {
		fputs("xen_repeat TRACE OUT BYTES\n", stderr);
		return 2;
	}
	data = read_all(argv[1], &bytes);
	out = data ? fopen(argv[2], "wb") : NULL;
	if (!out) {
		fprintf(stderr, "%s: %s\n", data ? argv[2] : argv[1], strerror(errno));
		return 1;
	}
	move_on(data, bytes, 0, &least, &most);
	for (uint64_t step = most - least + 1000; written < wanted && !ferror(out); written += bytes) {
		fwrite(data, 1, bytes, out);
		move_on(data, bytes, step, &least, &most);
	}
	failed = ferror(out) | fclose(out);
	free(data);
	if (failed)
		fprintf(stderr, "%s: cannot be written\n", argv[2]);
	return failed != 0;
}
