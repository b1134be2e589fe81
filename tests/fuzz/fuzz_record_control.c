/* SPDX-License-Identifier: MIT */
/* Anything that is written to the FIFO of record --control: it is done or refused with a reason that is safe to show. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/trace_maker.h"
#include "tools/hypertrace/record_control.h"

#define PIPE_BYTES 65536u

const char fuzz_name[] = "record_control";

static char *directory;
static struct recorder *recorder;
static struct recorder_options options;
static struct record_control control;
static int writer;

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char *const seeds[] = {
		"-e sched,syscalls -f comm==nginx,cpu!=0 -F 'tcp_*,!tcp_ack' -F vfs_read --probe entry\nstop\n",
		"-e !irq,kvm:kvm_exit\n--functions=\"a\\\"b\" --depth 3 --min-duration 1.5ms\n\n-e sched\n",
		"-f pid==1-5,syscall.duration>1ms\n-Fvfs_read --probe=fgraph\n'-e' '' x\n",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return strlen(seeds[index]);
}

static void check_notice(void *context, const char *text)
{
	(void)context;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			abort();
}

static void clean_up(void)
{
	record_control_close(&control);
	close(writer);
	recorder_destroy(recorder);
	maker_remove(directory);
}

static void begin(void)
{
	static char output[256], fifo[256];

	directory = maker_directory();
	snprintf(output, sizeof(output), "%s/trace", directory);
	snprintf(fifo, sizeof(fifo), "%s/wishes", directory);
	options = (struct recorder_options){.output = output, .notice = check_notice};
	if (recorder_create(&recorder, &options, NULL) || record_control_open(&control, fifo, &options, NULL))
		abort();
	writer = open(fifo, O_WRONLY | O_NONBLOCK);
	if (writer < 0)
		abort();
	atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), *words[16];
	int count;

	if (!recorder)
		begin();
	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	count = record_control_split(line, words, 16);
	for (int i = 0; i < count; i++)
		if (words[i] < line || words[i] + strlen(words[i]) > line + size)
			abort();
	free(line);
	for (size_t at = 0; at < size; at += PIPE_BYTES) {
		const size_t bytes = size - at < PIPE_BYTES ? size - at : PIPE_BYTES;

		if (write(writer, data + at, bytes) != (ssize_t)bytes)
			abort();
		for (size_t i = 0; i <= bytes / 4096; i++)
			record_control_poll(&control, recorder);
	}
	return 0;
}
