/* SPDX-License-Identifier: MIT */
#include "host/collect/names_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "abi/ring.h"
#include "host/collect/event_table.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

/* Payloads, as abi/events.def lays them out. */
struct task_name {
	uint32_t pid, tgid;
	char comm[16];
} __attribute__((packed));

struct numbered_text { /* irq_name, event_format */
	uint32_t number;
	uint16_t length;
	char text[];
} __attribute__((packed));

struct symbol {
	uint64_t address;
	uint16_t length;
	char text[];
} __attribute__((packed));

#define LONGEST_TEXT 65535
#define SHOWN_TEXT   512 /* of a name: more is cut */

static FILE *create(int dir_fd, const char *name, struct error *error)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file) {
		error_set(error, -errno, "create names/%s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return file;
}

int names_writer_init(
	struct names_writer *writer, int machine_fd, const struct event_schema *schema, struct error *error)
{
	int names_fd = openat(machine_fd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*writer = (struct names_writer){.schema = schema, .formats_fd = -1};
	if (names_fd < 0)
		return error_set(error, -errno, "open names: %s", strerror(errno));
	writer->formats_fd = openat(names_fd, "formats", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (writer->formats_fd < 0)
		error_set(error, -errno, "open names/formats: %s", strerror(errno));
	writer->tasks = create(names_fd, "tasks", error);
	writer->irqs = create(names_fd, "irqs", error);
	writer->symbols = create(names_fd, "symbols", error);
	close(names_fd);
	if (writer->formats_fd >= 0 && writer->tasks && writer->irqs && writer->symbols)
		return 0;
	names_writer_deinit(writer);
	return error ? error->code : -EIO;
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
	*file = NULL;
}

void names_writer_deinit(struct names_writer *writer)
{
	close_file(&writer->tasks);
	close_file(&writer->irqs);
	close_file(&writer->symbols);
	if (writer->formats_fd >= 0)
		close(writer->formats_fd);
	writer->formats_fd = -1;
}

void names_writer_flush(struct names_writer *writer)
{
	fflush(writer->tasks);
	fflush(writer->irqs);
	fflush(writer->symbols);
}

/* One line: `prefix`, then escaped text. */
static void write_line(struct names_writer *writer, FILE *file, uint64_t *bytes, const char *prefix,
	const char *text, size_t length)
{
	char shown[4 * SHOWN_TEXT];
	size_t shown_bytes = text_escape(shown, text, length < SHOWN_TEXT ? length : SHOWN_TEXT);

	*bytes += strlen(prefix) + shown_bytes + 1;
	if (*bytes > NAMES_BYTES_MAX || fprintf(file, "%s%.*s\n", prefix, (int)shown_bytes, shown) < 0)
		writer->dropped++;
}

/* A tracefs format file has lines and tabs; whatever else controls a terminal becomes '?'. */
static void write_format(struct names_writer *writer, uint32_t number, const char *text, size_t length)
{
	char clean[LONGEST_TEXT], name[16];

	if (writer->formats >= NAMES_FORMATS_MAX) {
		writer->dropped++;
		return;
	}
	for (size_t i = 0; i < length; i++)
		clean[i] =
			((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 127
			? '?'
			: text[i];
	snprintf(name, sizeof(name), "%u", number);
	if (file_replace(writer->formats_fd, name, clean, length, NULL))
		writer->dropped++;
	else
		writer->formats++;
}

void names_writer_task(struct names_writer *writer, uint32_t pid, uint32_t tgid, const char comm[16])
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "%u %u ", pid, tgid);
	write_line(writer, writer->tasks, &writer->tasks_bytes, prefix, comm, strnlen(comm, 16));
}

void names_writer_irq(struct names_writer *writer, uint32_t irq, const char *text, size_t bytes)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "%u ", irq);
	write_line(writer, writer->irqs, &writer->irqs_bytes, prefix, text, bytes);
}

void names_writer_symbol(struct names_writer *writer, uint64_t address, const char *text, size_t bytes)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "%016" PRIx64 " t ", address);
	write_line(writer, writer->symbols, &writer->symbols_bytes, prefix, text, bytes);
}

static void write_record(struct names_writer *writer, uint32_t id, const uint8_t *payload)
{
	const struct task_name *task = (const void *)payload;
	const struct numbered_text *numbered = (const void *)payload;
	const struct symbol *symbol = (const void *)payload;

	switch (id) {
	case EVENT_ID_task_name:
		names_writer_task(writer, task->pid, task->tgid, task->comm);
		break;
	case EVENT_ID_irq_name:
		names_writer_irq(writer, numbered->number, numbered->text, numbered->length);
		break;
	case EVENT_ID_symbol:
		names_writer_symbol(writer, symbol->address, symbol->text, symbol->length);
		break;
	case EVENT_ID_event_format:
		write_format(writer, numbered->number, numbered->text, numbered->length);
		break;
	}
}

int names_writer_packet(void *context, const struct ring_packet *packet)
{
	struct names_writer *writer = context;
	const uint8_t *at = packet->buffer + RING_HEADROOM_BYTES, *end = at + packet->bytes;

	/* ring_walk() has checked every id and length of these */
	while (at < end) {
		const struct event_type *type;
		uint32_t head, id, header_bytes = HT_SHORT_HEADER_BYTES;
		uint16_t length = 0;

		memcpy(&head, at, sizeof(head));
		id = head & HT_ID_MASK;
		if (id == HT_ID_LONG) {
			id = head >> HT_ID_BITS;
			header_bytes = HT_LONG_HEADER_BYTES;
		}
		type = writer->schema->types[id];
		at += header_bytes;
		write_record(writer, id, at);
		at += type->fixed_bytes;
		if (type->variable)
			memcpy(&length, at - sizeof(length), sizeof(length));
		at += length;
	}
	return 0;
}
