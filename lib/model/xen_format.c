/* SPDX-License-Identifier: MIT */
#include "lib/model/xen_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash_map.h"
#include "lib/model/xen_format_rule.h"

#define EVENT_MAX        0x0fffffffu
#define EVENT_IRQ        0x0001f004u
#define EVENT_HYPERCALL  0x0020100du
#define EVENT_SUBCALL    0x0020200eu /* of a multicall */
#define HYPERCALL_NUMBER 0x000fffffu /* above it: which arguments follow */
#define VECTORS          256

struct irq_sums {
	uint32_t count, total, longest;
};

struct xen_format {
	struct xen_format_rule *rules;
	size_t nr_rules, room;
	struct hash_map by_event; /* event -> index + 1 */
	uint32_t mhz;
	uint64_t last_tsc[XEN_FORMAT_CPUS_MAX]; /* 0: none yet */
	struct irq_sums irqs[VECTORS];
};

/* --- reading --- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* As C and Python 2 write numbers, and Python 3 octal ones. */
static int parse_event(const char *text, size_t length, uint32_t *event, struct error *error)
{
	char copy[32], *end;
	unsigned long long value;

	if (length >= sizeof(copy) || *text < '0' || *text > '9')
		return error_set(error, -EINVAL, "no event number at its beginning");
	memcpy(copy, text, length);
	copy[length] = 0;
	if (copy[0] == '0' && (copy[1] == 'o' || copy[1] == 'O'))
		copy[1] = '0';
	value = strtoull(copy, &end, 0);
	if (*end)
		return error_set(error, -EINVAL, "no event number at its beginning");
	if (value > EVENT_MAX)
		return error_set(error, -EINVAL, "an event number above 0x%x", EVENT_MAX);
	*event = (uint32_t)value;
	return 0;
}

static int keep_rule(
	struct xen_format *format, uint32_t event, const struct xen_format_rule *rule, struct error *error)
{
	uint64_t *place = hash_map_put(&format->by_event, event);

	if (place && format->nr_rules == format->room) {
		size_t room = format->room ? 2 * format->room : 64;
		struct xen_format_rule *rules = reallocarray(format->rules, room, sizeof(*rules));

		if (rules) {
			format->rules = rules;
			format->room = room;
		}
	}
	if (!place || format->nr_rules == format->room)
		return error_set(error, -ENOMEM, "out of memory");
	format->rules[format->nr_rules++] = *rule;
	*place = format->nr_rules;
	return 0;
}

/* One line without its newline. */
static int parse_line(struct xen_format *format, const char *line, size_t bytes, struct error *error)
{
	struct xen_format_rule rule;
	size_t begin = 0, end, text;
	uint32_t event = 0;
	int result;

	while (begin < bytes && is_space(line[begin]))
		begin++;
	if (begin == bytes || line[begin] == '#')
		return 0;
	if (bytes > XEN_FORMAT_LINE_LIMIT)
		return error_set(error, -E2BIG, "longer than %d bytes", XEN_FORMAT_LINE_LIMIT);
	if (memchr(line, 0, bytes))
		return error_set(error, -EINVAL, "a NUL byte: this is no text");
	for (end = begin; end < bytes && !is_space(line[end]);)
		end++;
	for (text = end; text < bytes && is_space(line[text]);)
		text++;
	result = parse_event(line + begin, end - begin, &event, error);
	if (!result && text == bytes)
		result = error_set(error, -EINVAL, "no text after the event number");
	if (!result)
		result = xen_format_rule_parse(&rule, line + text, bytes - text, (unsigned)text + 1, error);
	if (result)
		return result;
	result = keep_rule(format, event, &rule, error);
	if (result)
		xen_format_rule_deinit(&rule);
	return result;
}

static int parse_text(struct xen_format *format, const char *text, size_t bytes, struct error *error)
{
	const char *const end = text + bytes;

	for (unsigned number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		int result;

		if (stop > text && stop[-1] == '\r')
			result = parse_line(format, text, (size_t)(stop - text) - 1, error);
		else
			result = parse_line(format, text, (size_t)(stop - text), error);
		if (result) {
			error_hint(error,
				"a line is an event's number and a text: 0x21002 CPU%%(cpu)d %%(tsc)d 0x%%(1)08x");
			return error_add(error, "line %u", number);
		}
		text = newline ? newline + 1 : end;
	}
	return 0;
}

int xen_format_create(
	struct xen_format **result, const char *text, size_t bytes, uint32_t mhz, struct error *error)
{
	struct xen_format *format = calloc(1, sizeof(*format));
	int code;

	*result = NULL;
	if (!format)
		return error_set(error, -ENOMEM, "out of memory");
	format->mhz = mhz;
	code = parse_text(format, text, bytes, error);
	if (code)
		xen_format_destroy(format);
	else
		*result = format;
	return code;
}

void xen_format_destroy(struct xen_format *format)
{
	if (!format)
		return;
	for (size_t i = 0; i < format->nr_rules; i++)
		xen_format_rule_deinit(&format->rules[i]);
	free(format->rules);
	hash_map_deinit(&format->by_event);
	free(format);
}

/* --- writing --- */

static const struct xen_format_rule *find_rule(const struct xen_format *format, uint32_t event)
{
	const uint64_t *found = hash_map_get(&format->by_event, event);

	if (!found)
		found = hash_map_get(&format->by_event, XEN_FORMAT_DEFAULT_EVENT);
	return found && *found ? &format->rules[*found - 1] : NULL;
}

static void put_back_step(uint32_t cpu, uint64_t tsc, uint64_t last, struct strbuf *out)
{
	strbuf_printf(
		out, "TSC stepped backward cpu %" PRIu32 " !  %" PRIu64 " %" PRIu64 "\n", cpu, tsc, last);
}

static struct xen_format_value integer(uint64_t value)
{
	return (struct xen_format_value){.magnitude = value};
}

/* Since the CPU's last TSC, which becomes this one. */
static struct xen_format_value step(
	struct xen_format *format, const struct xen_format_record *record, struct strbuf *out)
{
	struct xen_format_value value = {0};
	uint64_t *last;

	if (!record->has_tsc || record->cpu >= XEN_FORMAT_CPUS_MAX)
		return value;
	last = &format->last_tsc[record->cpu];
	if (record->tsc < *last)
		put_back_step(record->cpu, record->tsc, *last, out);
	value.negative = record->tsc < *last;
	if (*last)
		value.magnitude = value.negative ? *last - record->tsc : record->tsc - *last;
	*last = record->tsc;
	return value;
}

/* What the original makes of some events' words. */
static void change_extras(struct xen_format *format, uint32_t event, struct xen_format_value *extra)
{
	struct irq_sums *sums = &format->irqs[extra[0].magnitude % VECTORS];
	uint32_t took;

	if (event == EVENT_HYPERCALL || event == EVENT_SUBCALL)
		extra[0].magnitude &= HYPERCALL_NUMBER;
	if (event != EVENT_IRQ)
		return;
	took = (uint32_t)(extra[2].magnitude - extra[1].magnitude);
	sums->count++;
	sums->total += took;
	if (took > sums->longest)
		sums->longest = took;
	extra[1].magnitude = sums->count;
	extra[2].magnitude = sums->total;
	extra[3].magnitude = sums->longest;
}

void xen_format_put(struct xen_format *format, const struct xen_format_record *record, struct strbuf *out)
{
	const struct xen_format_rule *rule = find_rule(format, record->event);
	struct xen_format_value values[XEN_FORMAT_FIELDS];

	values[XEN_FORMAT_FIELD_CPU] = integer(record->cpu);
	values[XEN_FORMAT_FIELD_TSC] = integer(record->tsc);
	values[XEN_FORMAT_FIELD_RELTSC] = step(format, record, out);
	values[XEN_FORMAT_FIELD_EVENT] = integer(record->event);
	for (int i = 0; i < XEN_FORMAT_EXTRAS; i++)
		values[XEN_FORMAT_FIELD_EXTRA + i] = integer(record->extra[i]);
	change_extras(format, record->event, &values[XEN_FORMAT_FIELD_EXTRA]);
	if (!rule)
		return;
	if (format->mhz) {
		values[XEN_FORMAT_FIELD_TSC].is_real = true;
		values[XEN_FORMAT_FIELD_TSC].real = (double)record->tsc / (format->mhz * 1e6);
	}
	xen_format_rule_put(rule, values, out);
	strbuf_putc(out, '\n');
}
