/* SPDX-License-Identifier: MIT */
/*
 * bench hypercall: what channel hypercall costs a guest, where a host with KVM and a guest in it can be counted
 * instruction by instruction: in L1 and L2 under QEMU's -icount. A hypercall alone, and an event by the size of the
 * batches, against ftrace in the same guest and run.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/programs.h"
#include "bench/series.h"
#include "lib/base/cleanup.h"

#define UNIT "instructions/event"
#define CALL "instructions/call"

static const char *const batches[] = {"1", "2", "5", "10", "20", "50"};
#define BATCHES (sizeof(batches) / sizeof(batches[0]))

/* In the order of the table; the work itself first. */
enum { NONE, FTRACE, FIRST_BATCH, ROUND = FIRST_BATCH + BATCHES, DEEPER, MARK, MARKED, SERIES };

struct stack {
	const char *kernel;
	char *script, *workload, *vmm;
	char names[BATCHES][16];
	struct series series[SERIES];
	uint64_t lost; /* the recorder's own count, of all its machines */
};

/* Everything a command says. */
static int read_output(const char *command, char **text, struct error *error)
{
	FILE *pipe = popen(command, "re");
	size_t size = 0, bytes;
	FILE *copy = open_memstream(text, &size);
	char chunk[4096];
	int status;

	while (pipe && copy && (bytes = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		fwrite(chunk, 1, bytes, copy);
	if (copy)
		fclose(copy);
	if (!pipe || !copy)
		return error_set(error, -ENOMEM, "cannot run %s", command);
	status = pclose(pipe);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return error_set(error, -EIO, "the nested stack did not run to its end");
	return 0;
}

static uint64_t recorded_lost(const char *output)
{
	uint64_t sum = 0, lost;

	for (const char *at = output; (at = strstr(at, "recorded ")); at++)
		if (sscanf(at, "recorded %*u %" SCNu64, &lost) == 1)
			sum += lost;
	return sum;
}

static int run_stack(struct stack *stack, struct error *error)
{
	cleanup_free char *command = NULL, *output = NULL;
	char program[4096], list[64] = "";
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int code;

	if (length < 0)
		return error_set(error, -errno, "/proc/self/exe: %s", strerror(errno));
	program[length] = '\0';
	for (size_t i = 0; i < BATCHES; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), " %s", batches[i]);
	if (asprintf(&command, "HYPERTRACE='%s' bash '%s' '%s' '%s' '%s'%s", program, stack->script,
		    stack->kernel, stack->workload, stack->vmm, list) < 0) {
		command = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	code = read_output(command, &output, error);
	if (code)
		return error_add(error, "%s", stack->kernel), code;
	stack->lost = recorded_lost(output);
	series_read(stack->series, SERIES, output);
	for (size_t i = 0; i < SERIES; i++)
		if (!stack->series[i].repetitions && i != DEEPER)
			return error_set(error, -EIO, "%s: nothing was measured under %s", stack->kernel,
				stack->series[i].tracer);
	return 0;
}

static void show_call(struct bench *bench, const struct stack *stack, int i)
{
	static const struct {
		const char *call, *from, *recorder;
	} calls[] = {
		[ROUND] = {"hypercall", "L2", "none"},
		[DEEPER] = {"hypercall", "L3", "none"},
		[MARK] = {"hypertrace_mark", "L2", "none"},
		[MARKED] = {"hypertrace_mark", "L2", "attached"},
	};
	const struct series *series = &stack->series[i];

	if (!series->repetitions) {
		figures_skip(&bench->figures, "the guest's guest did not come to its end", "kernel",
			stack->kernel, "call", calls[i].call, "from", calls[i].from, "recorder",
			calls[i].recorder, NULL);
		return;
	}
	figures_add(&bench->figures, (double)series->least / series->events, CALL,
		i == MARKED ? stack->lost : 0, "kernel", stack->kernel, "call", calls[i].call, "from",
		calls[i].from, "recorder", calls[i].recorder, NULL);
}

static void show(struct bench *bench, const struct stack *stack)
{
	const struct series *none = &stack->series[NONE];

	for (size_t i = 0; i < SERIES; i++) {
		const struct series *series = &stack->series[i];
		const bool ours = i >= FIRST_BATCH && i < ROUND;

		if (i >= ROUND) {
			show_call(bench, stack, (int)i);
			continue;
		}
		figures_add(&bench->figures,
			((double)series->least - (i == NONE ? 0 : (double)none->least)) / series->events,
			UNIT, ours ? stack->lost : series->lost, "kernel", stack->kernel, "tracer",
			ours ? "hypercall" : series->tracer, "batch", ours ? batches[i - FIRST_BATCH] : "-",
			NULL);
	}
}

static int bench_kernel(
	struct bench *bench, const char *kernel, char *script, char *workload, char *vmm, struct error *error)
{
	struct stack stack = {.kernel = kernel,
		.script = script,
		.workload = workload,
		.vmm = vmm,
		.series = {[NONE] = {.tracer = "none"},
			[FTRACE] = {.tracer = "ftrace"},
			[ROUND] = {.tracer = "round"},
			[DEEPER] = {.tracer = "deeper"},
			[MARK] = {.tracer = "mark"},
			[MARKED] = {.tracer = "marked"}}};
	int code;

	for (size_t i = 0; i < BATCHES; i++) {
		snprintf(stack.names[i], sizeof(stack.names[i]), "hypercall:%s", batches[i]);
		stack.series[FIRST_BATCH + i].tracer = stack.names[i];
	}
	code = run_stack(&stack, error);
	if (!code)
		show(bench, &stack);
	return code;
}

int bench_hypercall(struct bench *bench, struct error *error)
{
	cleanup_free char *workload = NULL, *vmm = NULL, *script = NULL;
	int code = bench_program("workload", &workload, error);

	if (!code)
		code = bench_program("tiny_vmm", &vmm, error);
	if (!code)
		code = bench_program("hypercall_nested.sh", &script, error);
	figures_begin(&bench->figures, "hypercall", "tracer", "hypercall");
	for (size_t i = 0; !code && i < bench->nr_kernels; i++) {
		if (bench->progress)
			bench->progress("a nested stack, counted by instructions");
		code = bench_kernel(bench, bench->kernels[i], script, workload, vmm, error);
	}
	figures_end(&bench->figures);
	return code;
}
