/* SPDX-License-Identifier: MIT */
/* Which events of a Xen trace the user wants. */
#include <errno.h>
#include <string.h>

#include "lib/base/suggest.h"
#include "lib/base/text.h"
#include "tools/hypertrace/xen_dump.h"

typedef int take_word(struct xen_choice *choice, const char *word, size_t length, struct error *error);

static int each_word(struct xen_choice *choice, const char *words, take_word *take, struct error *error)
{
	int result = 0;

	while (words && !result) {
		const char *comma = strchr(words, ',');
		size_t length = comma ? (size_t)(comma - words) : strlen(words);

		result = take(choice, words, length, error);
		words = comma ? comma + 1 : NULL;
	}
	return result;
}

static int too_many(const char *option, struct error *error)
{
	return error_set(error, -EINVAL, "%s: more than %d at once", option, XEN_DUMP_LIST);
}

/* --- events --- */

static bool is_word(const char *name, const char *word, size_t length)
{
	return strncmp(name, word, length) == 0 && !name[length];
}

static bool take_code(struct xen_choice *choice, const char *word, size_t length)
{
	uint32_t code = 0;

	if (length < 3 || length > 9 || word[0] != '0' || word[1] != 'x')
		return false;
	for (size_t i = 2; i < length; i++) {
		const char *digit = memchr("0123456789abcdef", word[i] | 0x20, 16);

		if (!digit)
			return false;
		code = code << 4 | (uint32_t)(digit - (const char *)"0123456789abcdef");
	}
	choice->codes[choice->nr_codes++] = code;
	return true;
}

/* A class, an event, all events of a scheduler ("csched2"), or a code. */
static int take_event(struct xen_choice *choice, const char *word, size_t length, struct error *error)
{
	struct suggestion suggestion = suggestion_for(word, length);
	bool found = false;

	if (choice->nr_codes == XEN_DUMP_LIST)
		return too_many("-e", error);
	for (unsigned bit = 0; bit < 12; bit++) {
		const char *name = xen_class_name(1u << bit << 16);

		if (!name)
			continue;
		suggestion_consider(&suggestion, name);
		if (is_word(name, word, length)) {
			choice->classes |= 1u << bit;
			found = true;
		}
	}
	for (unsigned i = 0; xen_event_type_at(i); i++) {
		const struct xen_event_type *type = xen_event_type_at(i);

		suggestion_consider(&suggestion, type->name);
		if (is_word(type->name, word, length) || xen_code_class(type->code) & choice->classes ||
			(length && !strncmp(type->name, word, length) && type->name[length] == ':'))
			choice->types[i] = found = true;
	}
	if (found || take_code(choice, word, length))
		return 0;
	error_set(error, -EINVAL, "-e: '%.*s' is no event of Xen", (int)(length < 64 ? length : 64), word);
	if (suggestion.best)
		return error_hint(error, "did you mean '%s'?", suggestion.best);
	return error_hint(error,
		"an event, a class (gen sched dom0op hvm mem pv shadow hw guest), a scheduler (csched csched2 rtds null) or a number as 0x28004");
}

/* --- pCPUs, domains, vCPUs --- */

static int take_pcpus(struct xen_choice *choice, const char *word, size_t length, struct error *error)
{
	const char *dash = memchr(word, '-', length);
	uint64_t from, to;
	size_t head = dash ? (size_t)(dash - word) : length;
	int result = text_parse_unsigned(word, head, XEN_DUMP_PCPUS - 1, &from);

	to = from;
	if (!result && dash)
		result = text_parse_unsigned(dash + 1, length - head - 1, XEN_DUMP_PCPUS - 1, &to);
	if (result || to < from) {
		error_set(
			error, -EINVAL, "--pcpu: '%.*s' is no pCPU", (int)(length < 64 ? length : 64), word);
		return error_hint(error, "for example 0 or 0-3,8");
	}
	for (; from <= to; from++)
		choice->pcpus[from / 64] |= 1ull << (from % 64);
	return 0;
}

static int take_domain(struct xen_choice *choice, const char *word, size_t length, struct error *error)
{
	uint64_t domain;
	bool letter = length > 1 && word[0] == 'd';

	if (choice->nr_domains == XEN_DUMP_LIST)
		return too_many("--domain", error);
	if (text_parse_unsigned(word + letter, length - letter, UINT16_MAX, &domain)) {
		error_set(error, -EINVAL, "--domain: '%.*s' is no domain", (int)(length < 64 ? length : 64),
			word);
		return error_hint(error, "for example 0 or 1,2; 32767 is the idle domain");
	}
	choice->domains[choice->nr_domains++] = (uint16_t)domain;
	return 0;
}

static int take_vcpu(struct xen_choice *choice, const char *word, size_t length, struct error *error)
{
	const char *v = memchr(word, 'v', length);
	size_t head = v ? (size_t)(v - word) : 0;
	uint64_t domain, vcpu;

	if (choice->nr_vcpus == XEN_DUMP_LIST)
		return too_many("--vcpu", error);
	if (head < 2 || word[0] != 'd' || text_parse_unsigned(word + 1, head - 1, UINT16_MAX, &domain) ||
		text_parse_unsigned(v + 1, length - head - 1, UINT16_MAX, &vcpu)) {
		error_set(
			error, -EINVAL, "--vcpu: '%.*s' is no vCPU", (int)(length < 64 ? length : 64), word);
		return error_hint(error, "for example d1v0 or d1v0,d1v1");
	}
	choice->vcpus[choice->nr_vcpus++] = domain << 32 | vcpu;
	return 0;
}

int xen_choice_init(struct xen_choice *choice, const char *events, const char *pcpus, const char *domains,
	const char *vcpus, const char *time, struct error *error)
{
	int result;

	*choice = (struct xen_choice){.all_types = !events, .all_pcpus = !pcpus};
	result = time_range_parse(&choice->range, time, error);
	if (!result)
		result = each_word(choice, events, take_event, error);
	if (!result)
		result = each_word(choice, pcpus, take_pcpus, error);
	if (!result)
		result = each_word(choice, domains, take_domain, error);
	if (!result)
		result = each_word(choice, vcpus, take_vcpu, error);
	return result;
}

/* --- matching --- */

static bool has_type(
	const struct xen_choice *choice, const struct xen_event *event, const struct xen_event_type *type)
{
	for (unsigned i = 0; i < choice->nr_codes; i++)
		if (choice->codes[i] == event->code)
			return true;
	return type ? choice->types[type - xen_event_type_at(0)]
		    : (choice->classes & xen_code_class(event->code)) != 0;
}

bool xen_choice_has(
	const struct xen_choice *choice, const struct xen_event *event, const struct xen_event_type *type)
{
	uint32_t pcpu = event->pcpu;

	if (!choice->all_pcpus && !(pcpu < XEN_DUMP_PCPUS && choice->pcpus[pcpu / 64] >> (pcpu % 64) & 1))
		return false;
	return choice->all_types || has_type(choice, event, type);
}

static bool has_domain(const struct xen_choice *choice, uint64_t domain)
{
	for (unsigned i = 0; i < choice->nr_domains; i++)
		if (choice->domains[i] == domain)
			return true;
	return false;
}

static bool has_vcpu(const struct xen_choice *choice, uint64_t vcpu)
{
	for (unsigned i = 0; i < choice->nr_vcpus; i++)
		if (choice->vcpus[i] == vcpu)
			return true;
	return has_domain(choice, vcpu >> 32);
}

bool xen_choice_has_subject(const struct xen_choice *choice, struct xen_running running,
	const struct xen_value *values, unsigned count)
{
	if (!choice->nr_domains && !choice->nr_vcpus)
		return true;
	if (running.state == XEN_RUNNING_VCPU &&
		has_vcpu(choice, (uint64_t)running.domain << 32 | running.vcpu))
		return true;
	for (unsigned i = 0; i < count; i++)
		if ((values[i].kind == XEN_VALUE_VCPU && has_vcpu(choice, values[i].value)) ||
			(values[i].kind == XEN_VALUE_DOMAIN && has_domain(choice, values[i].value)))
			return true;
	return false;
}
