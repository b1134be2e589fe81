/* SPDX-License-Identifier: MIT */
/*
 * One JSON object a line: ns, tsc (null: it has none), pcpu, vcpu ("d1v0"; null: none known), class, code, event (null: not
 * known) and fields. A vCPU is "d1v0"; ns have keys that end in _ns; loads are as stored, and also in percent; what has a
 * name is that name, and its number under the key with _nr; hexadecimal values are texts, for they may be beyond what
 * a JSON number holds. --raw: extra words in place of the fields, and the record's offset.
 */
#include "tools/hypertrace/dump_put.h"
#include "tools/hypertrace/xen_dump.h"

static char *put_vcpu(char *at, uint32_t domain, uint32_t vcpu)
{
	at = put_literal(at, "\"d");
	at = put_unsigned(at, domain);
	*at++ = 'v';
	at = put_unsigned(at, vcpu);
	*at++ = '"';
	return at;
}

static char *put_key(char *at, const char *name, const char *suffix)
{
	*at++ = '"';
	at = put_string(at, name);
	at = put_string(at, suffix);
	return put_literal(at, "\":");
}

static char *put_text(char *at, const char *text)
{
	*at++ = '"';
	at = put_string(at, text);
	*at++ = '"';
	return at;
}

static char *put_percent(char *at, const struct xen_value *value)
{
	unsigned __int128 scaled = (unsigned __int128)value->value * 100000 >> value->shift;
	unsigned rest = (unsigned)(scaled % 1000);

	at = put_unsigned(put_key(at, value->name, ""), value->value);
	*at++ = ',';
	at = put_unsigned(put_key(at, value->name, "_percent"), (uint64_t)(scaled / 1000));
	*at++ = '.';
	*at++ = (char)('0' + rest / 100);
	return put_two_digits(at, rest % 100);
}

static char *put_field(char *at, const struct xen_value *value)
{
	switch ((enum xen_value_kind)value->kind) {
	case XEN_VALUE_UNSIGNED:
	case XEN_VALUE_DOMAIN:
		return put_unsigned(put_key(at, value->name, ""), value->value);
	case XEN_VALUE_SIGNED:
		return put_signed(put_key(at, value->name, ""), (int64_t)value->value);
	case XEN_VALUE_HEX:
		at = put_key(at, value->name, "");
		*at++ = '"';
		at = put_hex(at, value->value);
		*at++ = '"';
		return at;
	case XEN_VALUE_FLAG:
		return put_string(put_key(at, value->name, ""), value->value ? "true" : "false");
	case XEN_VALUE_VCPU:
		return put_vcpu(
			put_key(at, value->name, ""), (uint32_t)(value->value >> 32), (uint32_t)value->value);
	case XEN_VALUE_NS:
		return put_unsigned(put_key(at, value->name, "_ns"), value->value);
	case XEN_VALUE_PERCENT:
		return put_percent(at, value);
	case XEN_VALUE_NAMED:
		if (value->text) {
			at = put_text(put_key(at, value->name, ""), value->text);
			*at++ = ',';
		}
		return put_unsigned(put_key(at, value->name, "_nr"), value->value);
	case XEN_VALUE_NONE:
		break;
	}
	return put_literal(put_key(at, value->name, ""), "null");
}

static char *put_words(char *at, const struct xen_event *event)
{
	at = put_literal(at, ",\"extra\":[");
	for (unsigned i = 0; i < event->n_extra; i++) {
		if (i)
			*at++ = ',';
		at = put_unsigned(at, event->extra[i]);
	}
	*at++ = ']';
	return at;
}

char *xen_put_json(char *at, const struct xen_line *line, bool raw)
{
	const struct xen_event *event = line->event;
	const char *class = xen_class_name(event->code);

	at = put_literal(at, "{\"ns\":");
	at = line->ns == XEN_NS_UNKNOWN ? put_literal(at, "null") : put_signed(at, line->ns);
	at = put_literal(at, ",\"tsc\":");
	at = event->has_tsc ? put_unsigned(at, event->tsc) : put_literal(at, "null");
	at = put_unsigned(put_literal(at, ",\"pcpu\":"), event->pcpu);
	at = put_literal(at, ",\"vcpu\":");
	if (line->running.state == XEN_RUNNING_VCPU)
		at = put_vcpu(at, line->running.domain, line->running.vcpu);
	else
		at = put_literal(at, "null");
	at = put_literal(at, ",\"class\":");
	at = class ? put_text(at, class) : put_literal(at, "null");
	at = put_unsigned(put_literal(at, ",\"code\":"), event->code);
	at = put_literal(at, ",\"event\":");
	at = line->type ? put_text(at, line->type->name) : put_literal(at, "null");
	if (raw || !line->type)
		at = put_words(at, event);
	if (raw) {
		at = put_unsigned(put_literal(at, ",\"offset\":"), event->offset);
	} else if (line->type) {
		at = put_literal(at, ",\"fields\":{");
		for (unsigned i = 0; i < line->nr_values; i++) {
			if (i)
				*at++ = ',';
			at = put_field(at, &line->values[i]);
		}
		if (line->symbol) { /* its characters need no escape: symbol_file.h */
			at = xen_put_symbol(put_literal(at, ",\"symbol\":\""), line);
			*at++ = '"';
		}
		*at++ = '}';
	}
	return put_literal(at, "}\n");
}
