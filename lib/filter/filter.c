/* SPDX-License-Identifier: MIT */
#include "lib/filter/filter.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/suggest.h"
#include "lib/base/text.h"

enum comparison {
	COMPARE_NONE,
	COMPARE_EQUAL,
	COMPARE_NOT_EQUAL,
	COMPARE_ABOVE,
};

struct slice {
	const char *at, *end;
};

static size_t length_of(struct slice slice)
{
	return (size_t)(slice.end - slice.at);
}

static bool slice_is(struct slice slice, const char *text)
{
	return length_of(slice) == strlen(text) && !memcmp(slice.at, text, length_of(slice));
}

/* For messages: the user's own words, but a terminal's safety first. */
struct shown {
	char text[4 * 40 + 1];
};

static struct shown show(struct slice slice)
{
	struct shown shown;
	size_t length = length_of(slice);

	shown.text[text_escape(shown.text, slice.at, length > 40 ? 40 : length)] = '\0';
	return shown;
}

static struct slice trim(struct slice slice)
{
	while (slice.at < slice.end && *slice.at == ' ')
		slice.at++;
	while (slice.at < slice.end && slice.end[-1] == ' ')
		slice.end--;
	return slice;
}

/* Takes what stands before the next separator outside quotes; the separator goes, too. */
static struct slice cut(struct slice *rest, char separator)
{
	struct slice part = {rest->at, rest->at};
	bool quoted = false;

	while (part.end < rest->end && (quoted || *part.end != separator))
		quoted ^= *part.end++ == '"';
	rest->at = part.end < rest->end ? part.end + 1 : rest->end;
	return trim(part);
}

/* Cuts "key OPERATOR values" after the op. */
static enum comparison cut_operator(struct slice condition, struct slice *key, struct slice *values)
{
	static const struct {
		const char *text;
		enum comparison op;
	} operators[] = {
		{"==", COMPARE_EQUAL},
		{"!=", COMPARE_NOT_EQUAL},
		{">=", COMPARE_ABOVE},
		{"=", COMPARE_EQUAL},
		{">", COMPARE_ABOVE},
	};

	for (const char *at = condition.at; at < condition.end; at++) {
		for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
			size_t length = strlen(operators[i].text);

			if ((size_t)(condition.end - at) < length || memcmp(at, operators[i].text, length))
				continue;
			*key = trim((struct slice){condition.at, at});
			*values = trim((struct slice){at + length, condition.end});
			return operators[i].op;
		}
	}
	return COMPARE_NONE;
}

/* Each key has one condition, but what is excluded may be said piece by piece. */
static int check_repeated(size_t count, bool was_excluded, bool exclude, const char *key, struct error *error)
{
	if (!count || (was_excluded && exclude))
		return 0;
	error_set(error, -EINVAL, "-f: %s is there twice", key);
	error_hint(error, "several values in one condition: %s==A|B", key);
	return -EINVAL;
}

static int parse_range(struct slice value, uint64_t max, struct filter_range *range)
{
	const char *dash = memchr(value.at, '-', length_of(value));
	uint64_t first, last;

	if (text_parse_unsigned(value.at, dash ? (size_t)(dash - value.at) : length_of(value), max, &first))
		return -EINVAL;
	last = first;
	if (dash && text_parse_unsigned(dash + 1, (size_t)(value.end - dash - 1), max, &last))
		return -EINVAL;
	*range = (struct filter_range){(uint32_t)first, (uint32_t)last};
	return last < first ? -EINVAL : 0;
}

static int bad_range(const char *key, struct slice value, uint64_t max, struct error *error)
{
	error_set(error, -EINVAL, "-f: %s: '%s' is not a number or range up to %" PRIu64, key,
		show(value).text, max);
	return error_hint(error, "for example %s==7 or %s==1|10-19", key, key);
}

static int parse_ranges(struct filter_ranges *ranges, const char *key, enum comparison op,
	struct slice values, uint64_t max, struct error *error)
{
	bool exclude = op == COMPARE_NOT_EQUAL;
	int code = check_repeated(ranges->count, ranges->exclude, exclude, key, error);

	if (code)
		return code;
	ranges->exclude = exclude;
	do {
		struct slice value = cut(&values, '|');

		if (ranges->count == FILTER_RANGES_MAX)
			return error_set(
				error, -EINVAL, "-f: more than %d values for %s", FILTER_RANGES_MAX, key);
		if (parse_range(value, max, &ranges->items[ranges->count]))
			return bad_range(key, value, max, error);
		ranges->count++;
	} while (values.at < values.end);
	return 0;
}

static int parse_pids(struct filter *filter, enum comparison op, struct slice values, struct error *error)
{
	return parse_ranges(&filter->pids, "pid", op, values, INT32_MAX, error);
}

static int parse_cpus(struct filter *filter, enum comparison op, struct slice values, struct error *error)
{
	return parse_ranges(&filter->cpus, "cpu", op, values, 4095, error);
}

static int parse_comms(struct filter *filter, enum comparison op, struct slice values, struct error *error)
{
	bool exclude = op == COMPARE_NOT_EQUAL;
	int code = check_repeated(filter->nr_comms, filter->comms_exclude, exclude, "comm", error);

	if (code)
		return code;
	filter->comms_exclude = exclude;
	do {
		struct slice name = cut(&values, '|');

		if (length_of(name) >= 2 && name.at[0] == '"' && name.end[-1] == '"') {
			name.at++;
			name.end--;
		}
		if (filter->nr_comms == FILTER_COMMS_MAX)
			return error_set(
				error, -EINVAL, "-f: more than %d values for comm", FILTER_COMMS_MAX);
		if (!length_of(name) || length_of(name) >= FILTER_COMM_BYTES) {
			error_set(error, -EINVAL, "-f: comm: '%s' is not 1 to %d bytes long", show(name).text,
				FILTER_COMM_BYTES - 1);
			return error_hint(error, "the kernel cuts names to 15 bytes: see /proc/PID/comm");
		}
		memcpy(filter->comms[filter->nr_comms++], name.at, length_of(name));
	} while (values.at < values.end);
	return 0;
}

const char *filter_pair_name(enum filter_pair pair)
{
	static const char *const names[FILTER_PAIRS] = {"irq", "softirq", "syscall", "hrtimer", "timer"};

	return (unsigned)pair < FILTER_PAIRS ? names[pair] : "unknown";
}

/* "duration" is of all pairs, "irq.duration" of one. */
static int parse_duration(struct filter *filter, int pair, struct slice value, struct error *error)
{
	uint64_t ns;

	if (text_parse_ns(value.at, length_of(value), 0, &ns) || !ns) {
		error_set(error, -EINVAL, "-f: duration: '%s' is not a time", show(value).text);
		error_hint(error, "times have a unit: 500ns, 100us, 1.5ms, 2s");
		return -EINVAL;
	}
	for (int i = 0; i < FILTER_PAIRS; i++)
		if (pair == FILTER_PAIRS || pair == i)
			filter->min_duration_ns[i] = ns;
	return 0;
}

static int wrong_operator(const char *key, bool duration, struct error *error)
{
	error_set(error, -EINVAL, "-f: %s cannot be compared so", key);
	if (duration)
		return error_hint(error, "%s>1ms", key), -EINVAL;
	return error_hint(error, "%s==VALUE or %s!=VALUE", key, key), -EINVAL;
}

static const struct {
	const char *name;
	int pair; /* FILTER_PAIRS: all of them; -1: no duration */
	int (*parse)(struct filter *filter, enum comparison op, struct slice values, struct error *error);
} keys[] = {
	{"pid", -1, parse_pids},
	{"comm", -1, parse_comms},
	{"cpu", -1, parse_cpus},
	{"duration", FILTER_PAIRS, NULL},
	{"irq.duration", FILTER_PAIR_IRQ, NULL},
	{"softirq.duration", FILTER_PAIR_SOFTIRQ, NULL},
	{"syscall.duration", FILTER_PAIR_SYSCALL, NULL},
	{"hrtimer.duration", FILTER_PAIR_HRTIMER, NULL},
	{"timer.duration", FILTER_PAIR_TIMER, NULL},
};
#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static int unknown_key(struct slice key, struct error *error)
{
	struct suggestion near = suggestion_for(key.at, length_of(key));

	error_set(error, -EINVAL, "-f: unknown word '%s'", show(key).text);
	for (size_t i = 0; i < NR_KEYS; i++)
		suggestion_consider(&near, keys[i].name);
	if (near.best)
		error_hint(error, "did you mean %s?", near.best);
	else
		error_hint(error,
			"pid, comm, cpu, duration, and duration of one kind: irq.duration, "
			"softirq., syscall., hrtimer., timer.");
	return -EINVAL;
}

static int parse_condition(struct filter *filter, struct slice condition, struct error *error)
{
	struct slice key = condition, values = {condition.end, condition.end};
	enum comparison op = cut_operator(condition, &key, &values);

	for (size_t i = 0; i < NR_KEYS; i++) {
		bool duration = keys[i].pair >= 0;

		if (!slice_is(key, keys[i].name))
			continue;
		if (op == COMPARE_NONE || duration != (op == COMPARE_ABOVE))
			return wrong_operator(keys[i].name, duration, error);
		if (duration)
			return parse_duration(filter, keys[i].pair, values, error);
		return keys[i].parse(filter, op, values, error);
	}
	return unknown_key(key, error);
}

int filter_parse(struct filter *filter, const char *expression, struct error *error)
{
	struct slice rest;
	int code = 0;

	*filter = (struct filter){0};
	if (!expression || !*expression)
		return 0;
	rest = (struct slice){expression, expression + strlen(expression)};
	do {
		struct slice condition = cut(&rest, ',');

		if (condition.at == condition.end) {
			error_set(error, -EINVAL, "-f: an empty condition in '%s'",
				show((struct slice){expression, rest.end}).text);
			return error_hint(error, "one comma between two conditions: pid==1,cpu!=0");
		}
		code = parse_condition(filter, condition, error);
	} while (!code && rest.at < rest.end);
	if (!code && rest.end[-1] == ',') {
		error_set(error, -EINVAL, "-f: it ends with a comma");
		return error_hint(error, "one comma between two conditions: pid==1,cpu!=0");
	}
	return code;
}

bool filter_has_durations(const struct filter *filter)
{
	for (int i = 0; i < FILTER_PAIRS; i++)
		if (filter->min_duration_ns[i])
			return true;
	return false;
}

bool filter_is_empty(const struct filter *filter)
{
	return !filter->pids.count && !filter->cpus.count && !filter->nr_comms &&
		!filter_has_durations(filter);
}

bool filter_ranges_match(const struct filter_ranges *ranges, uint32_t value)
{
	bool found = false;

	if (!ranges->count)
		return true;
	for (size_t i = 0; i < ranges->count && !found; i++)
		found = value >= ranges->items[i].first && value <= ranges->items[i].last;
	return found != ranges->exclude;
}

bool filter_match(const struct filter *filter, uint32_t cpu, uint32_t pid, const char *comm)
{
	bool found = false;

	if (!filter_ranges_match(&filter->cpus, cpu) || !filter_ranges_match(&filter->pids, pid))
		return false;
	if (!filter->nr_comms)
		return true;
	for (size_t i = 0; i < filter->nr_comms && !found && comm; i++)
		found = !strncmp(filter->comms[i], comm, FILTER_COMM_BYTES);
	return found != filter->comms_exclude;
}
