/* SPDX-License-Identifier: MIT */
/* hypertrace doctor: what this host and a guest can do, by trying. */
#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/doctor.h"

struct doctor_options {
	const char *qmp, *region;
	bool json;
};

static const struct option_spec specs[] = {
	{0, "qmp", "SOCKET", OPTION_STRING, offsetof(struct doctor_options, qmp),
		"look also at the guest behind this QMP socket"},
	{0, "region", "FILE", OPTION_STRING, offsetof(struct doctor_options, region),
		"look also at the guest that shares this region"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct doctor_options, json),
		"print one JSON object a line: id, status, finding, remedy"},
	{0},
};

struct finding *findings_add(
	struct findings *findings, const char *id, enum finding_status status, const char *format, ...)
{
	struct finding *finding =
		&findings->items[findings->count < FINDINGS_MAX ? findings->count++ : FINDINGS_MAX - 1];
	va_list args;

	finding->id = id;
	finding->status = status;
	finding->remedy[0] = '\0';
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return finding;
}

static const char *const status_names[] = {
	[FINDING_OK] = "ok", [FINDING_WARN] = "warn", [FINDING_FAIL] = "fail"};

static void show_text(const struct finding *finding, bool colour)
{
	static const char *const colours[] = {
		[FINDING_OK] = "\033[32m", [FINDING_WARN] = "\033[33m", [FINDING_FAIL] = "\033[31m"};

	printf("%s%-4s%s  %-16s  %s\n", colour ? colours[finding->status] : "", status_names[finding->status],
		colour ? "\033[0m" : "", finding->id, finding->text);
	if (finding->remedy[0])
		printf("%24s→ %s\n", "", finding->remedy);
}

static void show_json(const struct finding *finding)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "id", finding->id, "status",
		status_names[finding->status], "finding", finding->text, "remedy", finding->remedy);

	json_dumpf(object, stdout, JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(object);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct doctor_options options = {0};
	static struct findings findings;
	struct error error = {0};
	int status = 0, err = options_parse(command, &argc, &argv, &options, &error);

	if (err)
		return err > 0 ? 0 : show_error(&error, options.json, 2);
	doctor_probe_host(&findings);
	if (options.qmp || options.region)
		doctor_probe_guest(&findings, options.qmp, options.region);
	for (size_t i = 0; i < findings.count; i++) {
		if (options.json)
			show_json(&findings.items[i]);
		else
			show_text(&findings.items[i], isatty(STDOUT_FILENO));
		status |= findings.items[i].status == FINDING_FAIL;
	}
	return status;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "Find out what this host, and a guest, can do",
	.synopsis = "[--qmp SOCKET | --region FILE] [--json]",
	.description =
		"Tries everything that hypertrace needs, on this host and, if one is named, with a guest, and "
		"says what works, what does not, and what to do about it. Each finding has an id that scripts "
		"may rely on. Exits with 1 if something that the main job needs is missing.",
	.examples = "  # can I trace guests here?\n"
		    "  hypertrace doctor\n"
		    "  # why does this one not record?\n"
		    "  hypertrace doctor --qmp /run/vm1.qmp",
	.options = specs,
	.no_operands = true,
	.run = run,
};
