/* SPDX-License-Identifier: MIT */
/* One line: time, pCPU, who ran there, event, fields. */
#include <string.h>

#include "tools/hypertrace/dump_put.h"
#include "tools/hypertrace/xen_dump.h"

#define SECOND_NS 1000000000u

/* "     1.234567890": seconds in at least six places. */
static char *put_time(char *at, int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns, limit = 10;
	uint64_t seconds = size / SECOND_NS;

	if (ns == XEN_NS_UNKNOWN)
		return put_literal(at, "               -");
	for (unsigned places = ns < 0 ? 2 : 1; places < 6; places++, limit *= 10)
		if (seconds < limit)
			*at++ = ' ';
	if (ns < 0)
		*at++ = '-';
	at = put_unsigned(at, seconds);
	*at++ = '.';
	return put_nanoseconds(at, (uint32_t)(size % SECOND_NS));
}

static char *put_vcpu(char *at, uint32_t domain, uint32_t vcpu)
{
	*at++ = 'd';
	at = put_unsigned(at, domain);
	*at++ = 'v';
	return put_unsigned(at, vcpu);
}

static char *pad(char *at, const char *from, unsigned width)
{
	do
		*at++ = ' ';
	while (at < from + width);
	return at;
}

static char *put_running(char *at, struct xen_running running)
{
	const char *from = at;

	if (running.state != XEN_RUNNING_VCPU)
		*at++ = running.state == XEN_RUNNING_NONE ? '-' : '?';
	else if (running.domain == XEN_DOMAIN_IDLE)
		at = put_unsigned(put_literal(at, "idle"), running.vcpu);
	else
		at = put_vcpu(at, running.domain, running.vcpu);
	return pad(at, from, 8);
}

static char *put_head(char *at, const struct xen_line *line)
{
	uint32_t pcpu = line->event->pcpu;

	at = put_time(at, line->ns);
	at = put_literal(at, " [");
	if (pcpu < 100)
		*at++ = '0';
	if (pcpu < 10)
		*at++ = '0';
	at = put_unsigned(at, pcpu);
	at = put_literal(at, "] ");
	return put_running(at, line->running);
}

/* Three decimals; of a fixed point number. */
static char *put_percent(char *at, uint64_t value, unsigned shift)
{
	unsigned __int128 scaled = (unsigned __int128)value * 100000 >> shift;
	unsigned rest = (unsigned)(scaled % 1000);

	at = put_unsigned(at, (uint64_t)(scaled / 1000));
	*at++ = '.';
	*at++ = (char)('0' + rest / 100);
	at = put_two_digits(at, rest % 100);
	*at++ = '%';
	return at;
}

static char *put_value(char *at, const struct xen_value *value)
{
	switch ((enum xen_value_kind)value->kind) {
	case XEN_VALUE_UNSIGNED:
	case XEN_VALUE_FLAG:
		return put_unsigned(at, value->value);
	case XEN_VALUE_SIGNED:
		return put_signed(at, (int64_t)value->value);
	case XEN_VALUE_HEX:
		return put_hex(at, value->value);
	case XEN_VALUE_DOMAIN:
		*at++ = 'd';
		return put_unsigned(at, value->value);
	case XEN_VALUE_VCPU:
		return put_vcpu(at, (uint32_t)(value->value >> 32), (uint32_t)value->value);
	case XEN_VALUE_NS:
		return put_literal(put_us(at, value->value), "us");
	case XEN_VALUE_PERCENT:
		return put_percent(at, value->value, value->shift);
	case XEN_VALUE_NAMED:
		return value->text ? put_string(at, value->text) : put_unsigned(at, value->value);
	case XEN_VALUE_NONE:
		break;
	}
	return put_literal(at, "none");
}

static char *put_words(char *at, const struct xen_event *event)
{
	*at++ = '[';
	for (unsigned i = 0; i < event->n_extra; i++) {
		if (i)
			*at++ = ' ';
		at = put_hex(at, event->extra[i]);
	}
	*at++ = ']';
	return at;
}

char *xen_put_symbol(char *at, const struct xen_line *line)
{
	const size_t length = strnlen(line->symbol, XEN_DUMP_NAME);

	memcpy(at, line->symbol, length);
	*(at += length) = '+';
	return put_hex(at + 1, line->symbol_offset);
}

char *xen_put_text(char *at, const struct xen_line *line)
{
	at = put_head(at, line);
	if (line->type) {
		const char *from = at;

		at = put_string(at, line->type->name);
		if (line->nr_values)
			at = pad(at, from, 24) - 1;
		for (unsigned i = 0; i < line->nr_values; i++) {
			*at++ = ' ';
			at = put_string(at, line->values[i].name);
			*at++ = '=';
			at = put_value(at, &line->values[i]);
		}
		if (line->symbol)
			at = xen_put_symbol(put_literal(at, " symbol="), line);
	} else {
		at = put_hex(at, line->event->code);
		if (line->event->n_extra) {
			*at++ = ' ';
			at = put_words(at, line->event);
		}
	}
	*at++ = '\n';
	return at;
}

char *xen_put_raw(char *at, const struct xen_line *line)
{
	at = put_head(at, line);
	at = put_hex(at, line->event->code);
	*at++ = ' ';
	if (line->event->has_tsc)
		at = put_unsigned(at, line->event->tsc);
	else
		*at++ = '-';
	*at++ = ' ';
	at = put_words(at, line->event);
	*at++ = '\n';
	return at;
}
