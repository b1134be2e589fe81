/* SPDX-License-Identifier: MIT */
/*
 * A stream file of a trace whose metadata is good; two of them, so that they are merged: the input and a
 * sound one.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/reader/trace_reader.h"
#include "tests/unit/trace_maker.h"

const char fuzz_name[] = "trace";

#define SOUND_EVENTS 50

static struct trace *trace; /* stream 0 is the input's, an anonymous file */

static void write_stream(int dir_fd, uint32_t cpu, bool all_kinds)
{
	uint8_t marker[4 + 2 + 5] = {42, 0, 0, 0, 5, 0, 'h', 'e', 'l', 'l', 'o'}, fork[28] = {1};
	uint64_t function = 0xffffffff81234567ull;
	struct maker_stream maker;
	uint64_t tsc = 1000;

	maker_stream_init(&maker, dir_fd, cpu);
	for (uint16_t i = 0; i < SOUND_EVENTS; i++, tsc += 100) {
		switch (all_kinds ? i % 5 : 0) {
		case 0:
			maker_event(&maker, MAKER_SYS_ENTER, tsc, &i, 2);
			break;
		case 1:
			maker_switch(&maker, tsc, i, 1, 120);
			break;
		case 2:
			maker_event(&maker, MAKER_MARKER, tsc, marker, sizeof(marker));
			break;
		case 3:
			maker_event(&maker, MAKER_TASK, tsc, fork, sizeof(fork));
			break;
		case 4:
			maker_event(&maker, MAKER_TIMER, tsc, &function, 8);
			maker.lost += i == 24;
			break;
		}
		if (i % 20 == 19)
			maker_flush(&maker);
	}
	maker_stream_deinit(&maker);
}

static void open_once(void)
{
	char *path = maker_directory();
	int dir_fd = open(path, O_RDONLY | O_DIRECTORY);
	struct error error;

	maker_metadata(dir_fd, "vm");
	write_stream(dir_fd, 0, true);
	write_stream(dir_fd, 1, false);
	if (trace_open((const char *const *)&path, 1, &trace, &error))
		abort();
	close(dir_fd);
	maker_remove(path); /* its files stay open */
}

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static uint8_t seed[1 << 16];
	ssize_t bytes;

	if (index)
		return 0;
	open_once();
	bytes = file_read_at(trace->streams[0].fd, seed, sizeof(seed), 0);
	close(trace->streams[0].fd);
	trace->streams[0].fd = memfd_create("fuzz", MFD_CLOEXEC);
	*data = seed;
	return (size_t)bytes;
}

static uint64_t decode(const struct trace_event *event)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < event->type->nr_fields; i++) {
		const struct event_field *field = &event->type->fields[i];
		const uint8_t *text = event->payload + field->byte_offset;
		uint32_t bytes = field->kind == EVENT_FIELD_COMM ? 16 : 0;

		if (field->kind == EVENT_FIELD_TEXT || field->kind == EVENT_FIELD_BYTES)
			text = trace_event_text(event, field, &bytes);
		if (event_field_is_integer(field->kind))
			sum += event_field_value(field, event->payload);
		for (uint32_t j = 0; j < bytes; j++)
			sum += text[j];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	unsigned long events = 0, sound = 0;
	struct trace_reader *reader;
	struct trace_event event;
	struct error error = {0};
	uint64_t last_tsc = 0, sum = 0;
	int fd;

	if (!trace) {
		const uint8_t *ignored;

		fuzz_seed(0, &ignored);
	}
	fd = trace->streams[0].fd;
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size ||
		trace_reader_create(trace, &options, &reader, NULL))
		abort();
	while (trace_reader_next(reader, &event)) {
		if (event.tsc < last_tsc)
			abort(); /* whatever the input is, the order holds */
		last_tsc = event.tsc;
		sum += decode(&event) + event.pid;
		sound += event.cpu == 1;
		if (++events > size + SOUND_EVENTS + 1)
			abort(); /* no more events than bytes */
	}
	if (sound != SOUND_EVENTS)
		abort(); /* damage in one stream costs the other nothing */
	if (trace_reader_damage(reader, &error) && !error.text[0])
		abort();
	trace_reader_destroy(reader);
	__asm__ volatile("" : : "r"(sum)); /* the fields are read */
	return 0;
}
