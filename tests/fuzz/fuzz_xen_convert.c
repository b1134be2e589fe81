/* SPDX-License-Identifier: MIT */
/* Any file as a Xen trace, converted: what comes out is a trace without damage, that holds no more than went in. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/xen/xen_convert.h"
#include "lib/base/strbuf.h"
#include "lib/reader/trace_reader.h"
#include "tests/unit/trace_maker.h"

#define DERIVED_MAX 8 /* events that one of Xen's may become */

const char fuzz_name[] = "xen_convert";

/* --- seeds --- */

static struct strbuf seeds[2], *seed; /* for as long as the program runs */

static void add(uint64_t tsc, uint32_t code, unsigned count, const uint32_t *words)
{
	const uint32_t head = code | count << 28 | (tsc ? 1u << 31 : 0);

	strbuf_append(seed, &head, sizeof(head));
	if (tsc)
		strbuf_append(seed, &tsc, sizeof(tsc));
	strbuf_append(seed, words, 4 * count);
}
#define ADD(tsc, code, ...) \
	add(tsc, code, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})

static void make_pv(void)
{
	ADD(0, 0x1f003, 0, 160);
	ADD(1000, 0x21002, 0);
	ADD(1100, 0x20100d, 0x400001, 7);
	ADD(1200, 0x201104, 0x81001234, 0xffffffff, 0x1000, 0, 2);
	ADD(1300, 0x21011, 0);
	ADD(1400, 0x21101, 1 << 16);
	ADD(1500, 0x28006, 1, 0);
	ADD(1600, 0x21021, 1 << 16);
	ADD(1700, 0x2800a, 1, 0, 0, 0);
	ADD(1800, 0x1f001, 5, 0, 1750, 0);
	ADD(0, 0x1f003, 1, 32);
	ADD(1900, 0x21211, 1 << 16);
	ADD(2000, 0x21101, 1 << 16);
}

static void make_hvm(void)
{
	ADD(0, 0x1f003, 3, 200);
	ADD(900, 0x2800a, 32767, 3, 2, 1);
	ADD(1000, 0x81102, 0x81, 0x401000, 0);
	ADD(1100, 0x82012, 29);
	add(1200, 0x81001, 0, NULL);
	ADD(1300, 0x81402, 0x78, 0x1000);
	ADD(1400, 0x28006, 2, 1);
	ADD(1500, 0x2800a, 2, 1, 32767, 3);
	ADD(1600, 0x28004, 2, 1);
	ADD(1700, 0x80f123, 1, 2, 3, 4, 5, 6, 7);
}

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static void (*const makers[])(void) = {make_pv, make_hvm};

	if (index >= sizeof(makers) / sizeof(makers[0]))
		return 0;
	seed = &seeds[index];
	if (!seed->length)
		makers[index]();
	*data = (const uint8_t *)seed->data;
	return seed->length;
}

/* --- what came out --- */

static uint64_t count_events(const char *path)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct trace_event event;
	struct trace *trace;
	uint64_t count = 0;

	if (trace_open(&path, 1, &trace, NULL) || trace_reader_create(trace, &options, &reader, NULL))
		abort();
	while (trace_reader_next(reader, &event))
		count++;
	if (trace_reader_damage(reader, NULL))
		abort();
	trace_reader_destroy(reader);
	trace_close(trace);
	return count;
}

static void check_error(int code, const struct error *error)
{
	if (!error->text[0] || error->code != code)
		abort(); /* every failure says why */
	for (const char *at = error->text; *at; at++)
		if ((unsigned char)*at < ' ')
			abort(); /* and is safe to show */
}

/* In memory, where a file's way to the disk takes no time. */
static char *make_directory(void)
{
	char *const path = strdup("/dev/shm/hypertrace-fuzz-XXXXXX");

	if (path && mkdtemp(path))
		return path;
	free(path);
	return maker_directory();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *const directory = make_directory(), input[64], output[128];
	const int fd = memfd_create("xen", MFD_CLOEXEC);
	struct xen_convert_result result;
	struct error error = {0};
	int code;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(input, sizeof(input), "/proc/self/fd/%d", fd);
	snprintf(output, sizeof(output), "%s/trace", directory);
	code = xen_convert(&(struct xen_convert_options){.path = input, .output = output}, &result, &error);
	if (code)
		check_error(code, &error);
	else if (count_events(output) > DERIVED_MAX * result.events)
		abort();
	close(fd);
	maker_remove(directory);
	return 0;
}
