/* SPDX-License-Identifier: MIT */
/* xen format: a Xen trace as text by the user's rules, as xentrace_format did it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/model/xen_format.h"
#include "lib/reader/xen_rows.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/xen_format_defaults.h"
#include "tools/hypertrace/xen_input.h"

#define OUTPUT_BYTES (64u << 10)

struct format_options {
	uint64_t mhz;
	bool print_formats;
};

static const struct option_spec format_specs[] = {
	{'c', "mhz", "MHZ", OPTION_UNSIGNED, offsetof(struct format_options, mhz),
		"show %(tsc) in seconds, of a TSC of that frequency"},
	{0, "print-formats", NULL, OPTION_FLAG, offsetof(struct format_options, print_formats),
		"print rules for all events that are known, to begin with"},
	{0},
};

static int load_format(const char *path, uint32_t mhz, struct xen_format **format, struct error *error)
{
	cleanup_free char *text = NULL;
	size_t bytes;
	int result = file_read_small(AT_FDCWD, path, XEN_FORMAT_FILE_LIMIT, &text, &bytes, error);

	if (result)
		return result;
	result = xen_format_create(format, text, bytes, mhz, error);
	return result ? error_add(error, "%s", path) : 0;
}

/* False: nobody reads it any more. */
static bool write_out(struct strbuf *out)
{
	bool good = fwrite(out->data, 1, out->length, stdout) == out->length;

	out->length = 0;
	return good;
}

static int format_all(struct xen_format *format, struct xen_rows *rows, struct error *error)
{
	cleanup_strbuf struct strbuf out = STRBUF_EMPTY;
	struct xen_format_record record;
	struct xen_event event;
	int result;

	while ((result = xen_rows_next(rows, &event, error)) > 0) {
		record = (struct xen_format_record){
			.cpu = event.pcpu, .event = event.code, .has_tsc = event.has_tsc, .tsc = event.tsc};
		memcpy(record.extra, event.extra, sizeof(record.extra));
		xen_format_put(format, &record, &out);
		if (out.failed)
			return error_set(error, -ENOMEM, "out of memory");
		if (out.length >= OUTPUT_BYTES && !write_out(&out))
			return 0;
	}
	if (out.length)
		write_out(&out);
	return result;
}

static int format_file(struct xen_format *format, const char *path, struct error *error)
{
	struct xen_rows rows;
	int result = xen_rows_init(&rows, path, error);

	if (!result)
		result = format_all(format, &rows, error);
	if (!result)
		result = xen_account(&rows.counts, rows.file.name, error);
	xen_rows_deinit(&rows);
	return result;
}

static int check_options(const struct format_options *options, int argc, struct error *error)
{
	if (options->mhz > 1000000)
		return error_set(error, -EINVAL, "--mhz %" PRIu64 ": no TSC is that fast", options->mhz);
	if (options->print_formats ? argc == 0 : argc == 1 || argc == 2)
		return 0;
	error_set(error, -EINVAL, "xen format: %s",
		options->print_formats ? "--print-formats reads no file"
			: argc         ? "one FILE at a time"
				       : "which FORMATS?");
	return error_hint(error, "hypertrace xen format FORMATS [FILE]");
}

static int format_run(const struct command *self, int argc, char **argv)
{
	struct format_options options = {0};
	struct xen_format *format = NULL;
	struct error error = {0};
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || check_options(&options, argc, &error))
		return show_error(&error, false, 2);
	if (options.print_formats) {
		xen_format_print_defaults(stdout);
		return 0;
	}
	result = load_format(argv[0], (uint32_t)options.mhz, &format, &error);
	if (!result)
		result = format_file(format, argc == 2 ? argv[1] : "-", &error);
	xen_format_destroy(format);
	return result ? show_error(&error, false, 1) : 0;
}

const struct command cmd_xen_format = {
	.name = "xen format",
	.summary = "Translate a Xen trace's records into text by one's own rules",
	.synopsis = "[-c MHZ] FORMATS [FILE]",
	.description =
		"Does what xentrace_format did, with its files of rules. A line of FORMATS is an event's number, white space and the "
		"text that each of its records becomes; that of event 0 is for events without a rule, which are left out if there "
		"is none; lines that begin with # are comments. FILE is one of xentrace, standard input without it or with -. Records "
		"come in the order of the file, one pCPU's window after the other.\n\n"
		"The text may hold\n"
		"  %(cpu)d     the pCPU\n"
		"  %(tsc)d     the time stamp, 0 if the record has none; with --mhz in seconds: %(tsc)f\n"
		"  %(reltsc)d  TSC units since that pCPU's time stamp before\n"
		"  %(event)x   the event's number\n"
		"  %(1)d       the record's first extra word, and so on to %(7)d; 0 if it has not so many\n"
		"  %%          a percent sign\n\n"
		"as Python's % operator takes them: flags of '#0- +', a width, a precision, and one of the conversions "
		"d i u o x X c s r, e E f F g G. %(1)08x is a word in hex.\n\n"
		"As in the original, hypercalls' numbers (0x20100d, here also 0x20200e) come without the bits that say how many "
		"arguments they have, and 0x1f004 (trace_irq) as vector, and how often, how long together and how long at most it "
		"took so far; a TSC that goes back is said.",
	.examples = "  # as xentrace_format formats < xen.trace\n"
		    "  hypertrace xen format formats xen.trace\n"
		    "  # rules to begin with\n"
		    "  hypertrace xen format --print-formats > formats\n"
		    "  # one's own: who was woken, and when\n"
		    "  echo '0x28004 %(tsc).6f %(cpu)d: d%(1)dv%(2)d' > wakes\n"
		    "  hypertrace xen format -c 2600 wakes xen.trace",
	.options = format_specs,
	.run = format_run,
};
