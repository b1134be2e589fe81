/* SPDX-License-Identifier: MIT */
/* bench ring: what a record costs natively, ours against an LTTng-UST tracepoint of the same fields. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/programs.h"
#include "host/vm/process.h"
#include "lib/base/cleanup.h"

#define UST "lttng-ust"

/* One line of ring_cost's or lttng_session.sh's. */
static void read_line(struct bench *bench, const char *line, const char *threads, bool *has_ust)
{
	struct figures *figures = &bench->figures;
	uint64_t bytes, events, lost;
	double ns, each;
	char tracer[32];

	if (sscanf(line, "snapshot %" SCNu64 " %" SCNu64, &bytes, &events) == 2) {
		if (events)
			figures_add(figures, (double)bytes / (double)events, "bytes/event", 0, "tracer", UST,
				"threads", threads, NULL);
		return;
	}
	if (sscanf(line, "%31s %lf %lf %" SCNu64, tracer, &ns, &each, &lost) != 4)
		return;
	*has_ust |= strcmp(tracer, UST) == 0;
	figures_add(figures, ns, "ns/event", lost, "tracer", tracer, "threads", threads, NULL);
	if (each > 0)
		figures_add(figures, each, "bytes/event", lost, "tracer", tracer, "threads", threads, NULL);
}

/* Under a session of LTTng's, or alone where there is none: `reason` says why. */
static int run(struct bench *bench, const char *program, const char *session, const char *threads,
	const char *reason, struct error *error)
{
	const char *const with_ust[] = {session, "hypertrace_bench", program, threads, NULL};
	const char *const alone[] = {program, threads, NULL};
	cleanup_free char *output = NULL;
	bool has_ust = false;
	char *state = NULL;
	int status = process_run(session ? with_ust : alone, NULL, &output, error);

	if (status < 0)
		return status;
	if (status && session)
		return run(bench, program, NULL, threads, process_last_line(output), error);
	if (status)
		return error_set(error, -EIO, "%s", process_last_line(output));
	for (char *line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		read_line(bench, line, threads, &has_ust);
	if (!has_ust)
		figures_skip(&bench->figures,
			session ? "ring_cost was built without liblttng-ust-dev" : reason, "tracer", UST,
			"threads", threads, NULL);
	return 0;
}

int bench_ring(struct bench *bench, struct error *error)
{
	static const char *const threads[] = {"1", "2"};
	cleanup_free char *program = NULL, *session = NULL;
	int result = bench_program("ring_cost", &program, error);

	if (!result && bench_has_program("lttng-sessiond") && bench_has_program("babeltrace2"))
		result = bench_program("lttng_session.sh", &session, error);
	figures_begin(&bench->figures, "ring", "tracer", "shm");
	for (size_t i = 0; !result && i < sizeof(threads) / sizeof(threads[0]); i++)
		result = run(bench, program, session, threads[i],
			"needs the Debian packages lttng-tools and babeltrace2", error);
	figures_end(&bench->figures);
	return result;
}
