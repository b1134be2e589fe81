/* SPDX-License-Identifier: MIT */
/* One rule of lib/model/xen_format.h: a text with directives, taken apart once. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/strbuf.h"

enum xen_format_field {
	XEN_FORMAT_FIELD_CPU,
	XEN_FORMAT_FIELD_TSC,
	XEN_FORMAT_FIELD_RELTSC,
	XEN_FORMAT_FIELD_EVENT,
	XEN_FORMAT_FIELD_EXTRA, /* the first of seven */
	XEN_FORMAT_FIELDS = XEN_FORMAT_FIELD_EXTRA + 7,
};

/* An integer from -2^64 to 2^64, or seconds. */
struct xen_format_value {
	uint64_t magnitude;
	bool negative, is_real;
	double real;
};

/* Text, then a value; the last part of a rule has none. */
struct xen_format_part {
	uint32_t text, length; /* in the rule's text */
	uint8_t field;         /* XEN_FORMAT_FIELDS: none */
	char conversion;
	bool alternate, zero, left, space, plus;
	uint16_t width;
	int16_t precision; /* -1: none */
};

struct xen_format_rule {
	char *text; /* heap; what stands between the directives, %% as % */
	struct xen_format_part *parts;
	uint32_t nr_parts;
};

/* -EINVAL: a directive that is none; the error says which column of the text, counted from `column`. -ENOMEM. */
int xen_format_rule_parse(
	struct xen_format_rule *rule, const char *text, size_t bytes, unsigned column, struct error *error);
void xen_format_rule_deinit(struct xen_format_rule *rule);

/* Appends the text with these values, without a newline. */
void xen_format_rule_put(const struct xen_format_rule *rule,
	const struct xen_format_value values[XEN_FORMAT_FIELDS], struct strbuf *out);
