/* SPDX-License-Identifier: MIT */
/* The events of a Xen trace, chosen and written one after the other. */
#include "tools/hypertrace/xen_dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/dump_put.h"

#define BUFFER_BYTES (256u << 10)

/* Until 4.18 an exit of AMD's hardware had the number that is only Intel's since. */
#define HVM_EXIT_SUBCLASS 0x81u
#define HVM_EXIT          2u
#define HVM_EXIT_SVM      3u

struct output {
	int fd;
	int failed; /* errno */
	char *at;
	char buffer[BUFFER_BYTES + XEN_DUMP_LINE_BYTES];
};

static int flush(struct output *out)
{
	const char *from = out->buffer;

	while (from < out->at && !out->failed) {
		ssize_t done = write(out->fd, from, (size_t)(out->at - from));

		if (done < 0 && errno != EINTR)
			out->failed = errno;
		else if (done > 0)
			from += done;
	}
	out->at = out->buffer;
	return out->failed;
}

static void put_line(const struct xen_dump *dump, struct output *out, const struct xen_line *line)
{
	if (dump->json)
		out->at = xen_put_json(out->at, line, dump->raw);
	else if (dump->raw)
		out->at = xen_put_raw(out->at, line);
	else
		out->at = xen_put_text(out->at, line);
	if (out->at >= out->buffer + BUFFER_BYTES)
		flush(out);
}

static void name_function(const struct xen_dump *dump, struct xen_line *line)
{
	if (line->running.state != XEN_RUNNING_VCPU)
		return;
	for (unsigned i = 0; i < line->nr_values; i++)
		if (!strcmp(line->values[i].name, "rip"))
			line->symbol = xen_symbols_at(&dump->symbols, line->running.domain,
				line->values[i].value, &line->symbol_offset);
}

static int dump_all(struct xen_dump *dump, struct output *out, struct xen_context *context, uint64_t *count,
	struct error *error)
{
	const struct xen_choice *choice = &dump->choice;
	bool timed = choice->range.from_ns > 0 || choice->range.to_ns < INT64_MAX;
	struct xen_event event;
	int result = 0;

	while (!out->failed && (result = xen_reader_next(dump->input.reader, &event, error)) > 0) {
		struct xen_value values[XEN_VALUES_MAX];
		struct xen_line line = {.event = &event, .values = values};

		if (dump->svm && event.code >> 12 == HVM_EXIT_SUBCLASS && (event.code & 0xff) == HVM_EXIT)
			event.code += HVM_EXIT_SVM - HVM_EXIT;
		line.type = xen_event_type(event.code);
		line.running = xen_context_at(context, event.pcpu);
		if (xen_context_feed(context, &event))
			return error_set(error, -ENOMEM, "out of memory");
		if (timed) {
			int64_t order_ns = xen_clock_ns(&dump->input.clock, event.order_tsc);

			if (order_ns < 0 || (uint64_t)order_ns < choice->range.from_ns ||
				(uint64_t)order_ns >= choice->range.to_ns)
				continue;
		}
		if (!xen_choice_has(choice, &event, line.type))
			continue;
		if (line.type)
			line.nr_values = xen_event_decode(line.type, &event, values);
		if (!xen_choice_has_subject(choice, line.running, values, line.nr_values))
			continue;
		++*count;
		if (dump->count)
			continue;
		if (dump->symbols.count && !dump->raw)
			name_function(dump, &line);
		line.ns = event.tsc ? xen_clock_ns(&dump->input.clock, event.tsc) : XEN_NS_UNKNOWN;
		put_line(dump, out, &line);
	}
	return out->failed ? 0 : result;
}

/* The first line in JSON: what the times were made with. */
static void put_header(const struct xen_dump *dump, struct output *out)
{
	static const char *const sources[] = {"given", "estimated", "assumed"};

	out->at = put_unsigned(put_literal(out->at, "{\"cpu_hz\":"), (uint64_t)dump->input.clock.hz);
	out->at = put_string(put_literal(out->at, ",\"cpu_hz_source\":\""), sources[dump->input.hz_source]);
	out->at = put_unsigned(put_literal(out->at, "\",\"base_tsc\":"), dump->input.clock.base_tsc);
	out->at = put_literal(out->at, "}\n");
}

int xen_dump_run(struct xen_dump *dump, struct error *error)
{
	struct output *out = malloc(sizeof(*out));
	struct xen_context context = {0};
	uint64_t count = 0;
	int result;

	if (!out)
		return error_set(error, -ENOMEM, "out of memory");
	out->fd = dump->fd;
	out->failed = 0;
	out->at = out->buffer;
	if (dump->json && !dump->count)
		put_header(dump, out);
	result = dump_all(dump, out, &context, &count, error);
	if (dump->count) {
		if (dump->json)
			out->at = put_literal(out->at, "{\"events\":");
		out->at = put_unsigned(out->at, count);
		if (dump->json)
			*out->at++ = '}';
		*out->at++ = '\n';
	}
	/* a closed pipe, as of head, has seen enough */
	if (flush(out) && out->failed != EPIPE)
		result = error_set(error, -out->failed, "cannot write: %s", strerror(out->failed));
	xen_context_deinit(&context);
	free(out);
	return result;
}
