/* SPDX-License-Identifier: MIT */
/* xen convert: a file of xentrace as a trace of ours. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "config.h"
#include "host/xen/xen_convert.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/output_directory.h"
#include "tools/hypertrace/xen_input.h"

struct convert_options {
	const char *output;
	struct string_list guests;
	const char *hz;
	bool json;
};

static const struct option_spec convert_specs[] = {
	{'o', "output", "DIR", OPTION_STRING, offsetof(struct convert_options, output),
		"where the trace goes; default " OUTPUT_DEFAULT},
	{'g', "guest", "TRACE:DOMAIN[:OFFSET]", OPTION_LIST, offsetof(struct convert_options, guests),
		"put a trace beside it that was recorded inside a domain, whose TSC is Xen's plus OFFSET (default 0)"},
	{0, "cpu-hz", "HZ", OPTION_STRING, offsetof(struct convert_options, hz), XEN_CPU_HZ_HELP},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct convert_options, json), "say what was done as JSON"},
	{0},
};

static int bad_guest(struct error *error, const char *text, const char *why)
{
	error_set(error, -EINVAL, "--guest %s: %s", text, why);
	return error_hint(error, "TRACE:DOMAIN[:OFFSET], for example db.trace:3:-158312345678");
}

/* A whole number with a sign, decimal or hex. */
static bool parse_offset(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 0);
	return *text && !*end && !errno;
}

/* From the end, for a path may have colons. `copy` becomes the path. */
static int parse_guest(const char *text, char *copy, struct xen_convert_guest *guest, struct error *error)
{
	char *colon = strrchr(copy, ':'), *before, *end;
	unsigned long domain;

	if (!colon || colon == copy)
		return bad_guest(error, text, "no domain");
	*colon = 0;
	before = strrchr(copy, ':');
	/* TRACE:3:-5: two numbers behind it */
	if (before && before != copy && before[1] && before[1 + strspn(before + 1, "0123456789")] == 0) {
		if (!parse_offset(colon + 1, &guest->offset))
			return bad_guest(error, text, "the offset is no number of TSC units");
		*before = 0;
		colon = before;
	}
	errno = 0;
	domain = strtoul(colon + 1, &end, 10);
	if (*end || !colon[1] || errno || domain >= XEN_DOMAIN_IDLE)
		return bad_guest(error, text, "the domain is no number below 32767");
	guest->domain = (uint32_t)domain;
	guest->path = copy;
	return 0;
}

static int parse_guests(
	const struct string_list *list, char **copies, struct xen_convert_guest *guests, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < list->count && !result; i++) {
		copies[i] = strdup(list->items[i]);
		if (!copies[i])
			return error_set(error, -ENOMEM, "out of memory");
		result = parse_guest(list->items[i], copies[i], &guests[i], error);
		for (size_t j = 0; j < i && !result; j++)
			if (guests[j].domain == guests[i].domain)
				result = bad_guest(error, list->items[i], "the domain has a trace already");
	}
	return result;
}

/* A trace of thousands of vCPUs has as many files. */
static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void take_notice(void *context, const char *text)
{
	fprintf(stderr, "hypertrace: %s\n", text);
}

static void show_text(const struct xen_convert_result *result, const char *output)
{
	printf("%s events of %s, %u domain%s with %u vCPU%s on %u pCPU%s, in %s: %u machine%s\n",
		human_count(result->events).text, human_ns(result->duration_ns).text, result->nr_domains,
		result->nr_domains == 1 ? "" : "s", result->nr_vcpus, result->nr_vcpus == 1 ? "" : "s",
		result->nr_pcpus, result->nr_pcpus == 1 ? "" : "s", output, result->nr_machines,
		result->nr_machines == 1 ? "" : "s");
	printf("TSC of %.6f MHz, %s\n", (double)result->hz / 1e6,
		result->hz_guessed             ? "a guess: give the real one with --cpu-hz"
			: result->hz_estimated ? "estimated from the trace"
					       : "as given");
	if (result->left_out)
		printf("%s events left out, beyond what a trace can hold: vCPUs, pCPUs, codes or times\n",
			human_count(result->left_out).text);
}

static void show_json(const struct xen_convert_result *result)
{
	printf("{\"events\": %" PRIu64 ", \"duration_ns\": %" PRIu64
	       ", \"domains\": %u, \"vcpus\": %u, \"pcpus\": %u, "
	       "\"machines\": %u, \"tsc_hz\": %" PRIu64 ", \"tsc_from\": \"%s\", \"lost\": %" PRIu64
	       ", \"skipped_bytes\": %" PRIu64 ", \"left_out\": %" PRIu64 "}\n",
		result->events, result->duration_ns, result->nr_domains, result->nr_vcpus, result->nr_pcpus,
		result->nr_machines, result->hz,
		result->hz_guessed             ? "guess"
			: result->hz_estimated ? "trace"
					       : "user",
		result->counts.lost, xen_counts_skipped(&result->counts), result->left_out);
}

/* *shown: the trace is made; what was skipped is said after it. */
static int convert(const char *path, const struct convert_options *options, struct xen_convert_options *wish,
	bool *shown, struct error *error)
{
	struct xen_convert_result result;
	int code;

	wish->path = path;
	wish->output = output_directory(options->output, error);
	if (!wish->output)
		return error->code;
	raise_files();
	code = xen_convert(wish, &result, error);
	if (code)
		return code;
	if (options->json)
		show_json(&result);
	else
		show_text(&result, wish->output);
	fflush(stdout); /* before what is said of damage */
	*shown = true;
	return xen_account(&result.counts, strcmp(path, "-") ? path : "standard input", error);
}

static int convert_run(const struct command *self, int argc, char **argv)
{
	struct convert_options options = {0};
	struct xen_convert_guest guests[STRING_LIST_MAX] = {0};
	struct xen_convert_options wish = {
		.program_version = HYPERTRACE_VERSION, .guests = guests, .notice = take_notice};
	char *copies[STRING_LIST_MAX] = {0};
	struct error error = {0};
	const char *path = NULL;
	bool shown = false;
	double hz = 0;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (!result)
		result = xen_input_operand(argc, argv, &path, &error);
	if (!result && options.hz)
		result = xen_clock_parse_hz(options.hz, &hz, &error);
	if (!result)
		result = parse_guests(&options.guests, copies, guests, &error);
	wish.hz = (uint64_t)(hz + 0.5);
	wish.nr_guests = options.guests.count;
	if (result) {
		result = show_error(&error, options.json, 2);
	} else {
		result = convert(path, &options, &wish, &shown, &error);
		if (result && shown && options.json)
			result = 1; /* the document says what was skipped */
		else if (result)
			result = show_error(&error, options.json, 1);
	}
	for (size_t i = 0; i < STRING_LIST_MAX; i++)
		free(copies[i]);
	return result;
}

const struct command cmd_xen_convert = {
	.name = "xen convert",
	.summary = "Turn a file of xentrace into a trace that every verb reads",
	.synopsis = "[-o DIR] [--guest TRACE:DOMAIN[:OFFSET]]... [FILE]",
	.description =
		"The trace has a machine `xen`, with what Xen did to domains' vCPUs as `hypertrace record --host` says it of KVM: "
		"vcpu, exits, latency and report read it; and a machine of each domain, dom0, dom1 and so on, with what its guest did "
		"that Xen saw. Every event of Xen's is in one of them, with its fields. babeltrace2 reads it, too.\n\n"
		"A trace recorded inside a domain becomes that domain's machine, aligned by the TSC: PV guests have Xen's own (offset "
		"0), HVM guests an offset that is near to minus Xen's TSC when the domain was created. hypertrace clocks counts the "
		"guest's events that stand where its vCPU did not run: with the right offset there are none.\n\n"
		"Xen says when a PV guest entered it, and not when it went back: its exits have no duration, but `block`, which "
		"lasts until the guest runs again. So its vCPUs are 'on a pCPU', and which part of it is the guest's is not known.",
	.examples = "  # who takes my domains' CPU time?\n"
		    "  hypertrace xen convert xen.trace -o t\n"
		    "  hypertrace vcpu t\n"
		    "  # with what the guest of domain 3 recorded of itself\n"
		    "  hypertrace xen convert xen.trace --guest db.trace:3 -o t",
	.options = convert_specs,
	.run = convert_run,
};
