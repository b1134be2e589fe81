/* SPDX-License-Identifier: MIT */
/* The verb top: what this host does to the vCPUs of its guests, live. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/clock_now.h"
#include "lib/base/cleanup.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/guest_name.h"
#include "tools/hypertrace/top_screen.h"
#include "tools/hypertrace/top_view.h"

#define DELAY_MIN_S 0.1
#define DELAY_MAX_S 3600.0

struct top_options {
	struct string_list guests;
	double delay_s;
	uint64_t batch;
	bool json;
};

#define AT(member) offsetof(struct top_options, member)
static const struct option_spec top_specs[] = {
	{'g', "guest", "NAME", OPTION_LIST, AT(guests),
		GUEST_NAME_HELP ", or a pattern over names; several times: several guests; default all"},
	{'d', "delay", "TIME", OPTION_SECONDS, AT(delay_s), "between two looks; default 1s"},
	{'b', "batch", "N", OPTION_UNSIGNED, AT(batch),
		"print N pages one below the other, and end; for scripts"},
	{0, "json", NULL, OPTION_FLAG, AT(json),
		"print a JSON object a line for each look, all numbers of it"},
	{0},
};
#undef AT

struct top {
	const struct top_options *options;
	struct top_sample sample;
	struct top_screen screen;
	struct strbuf page;
	int signals; /* signalfd */
	bool live;   /* on a terminal */
};

static int show(struct top *top, struct error *error)
{
	top->page.length = 0;
	if (top->options->json)
		top_view_json(&top->sample, &top->page);
	else
		top_view_text(&top->sample, &top->page, isatty(STDOUT_FILENO));
	if (top->page.failed)
		return error_set(error, -ENOMEM, "out of memory");
	if (top->live)
		top_screen_show(&top->screen, top->page.data);
	else
		fputs(top->page.data, stdout);
	if (fflush(stdout))
		return error_set(error, -errno, "cannot write: %s", strerror(errno));
	return 0;
}

/* Until the next look is due. false: the user has enough. */
static bool wait_for_time(struct top *top, uint64_t until_ns)
{
	struct pollfd files[] = {{.fd = top->signals, .events = POLLIN},
		{.fd = top->live ? STDIN_FILENO : -1, .events = POLLIN}};

	for (;;) {
		const uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
		char key;

		if (now_ns >= until_ns)
			return true;
		if (poll(files, 2, (int)((until_ns - now_ns) / 1000000 + 1)) < 0 && errno != EINTR)
			return false;
		if (files[0].revents)
			return false;
		if (!files[1].revents)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1) {
			files[1].fd = -1; /* nobody is there to type */
			continue;
		}
		if (key == 'q' || key == 'Q')
			return false;
	}
}

static int run(struct top *top, struct error *error)
{
	const uint64_t delay_ns = (uint64_t)((top->options->delay_s > 0 ? top->options->delay_s : 1) * 1e9);
	uint64_t next_ns = clock_now_ns(CLOCK_MONOTONIC);
	int code = top_sample_look(&top->sample, error);

	for (uint64_t shown = 0; !code && (!top->options->batch || shown < top->options->batch); shown++) {
		next_ns += delay_ns;
		if (next_ns < clock_now_ns(CLOCK_MONOTONIC)) /* a look that took longer than that */
			next_ns = clock_now_ns(CLOCK_MONOTONIC) + delay_ns;
		if (!wait_for_time(top, next_ns))
			break;
		code = top_sample_look(&top->sample, error);
		if (!code)
			code = show(top, error);
	}
	return code;
}

/* The signals that end it are read, so that the terminal is put right. */
static int take_signals(struct top *top, struct error *error)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	top->signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
	return top->signals < 0 ? error_set(error, -errno, "signalfd: %s", strerror(errno)) : 0;
}

static void deinit(struct top *top)
{
	top_screen_deinit(&top->screen);
	top_sample_deinit(&top->sample);
	strbuf_deinit(&top->page);
	if (top->signals >= 0)
		close(top->signals);
}

static int check(const struct top_options *options, struct error *error)
{
	if (options->delay_s && (options->delay_s < DELAY_MIN_S || options->delay_s > DELAY_MAX_S)) {
		error_set(error, -EINVAL, "--delay: from 100ms to an hour");
		return error_hint(error, "for example --delay 1s");
	}
	return 0;
}

static int top_run(const struct command *self, int argc, char **argv)
{
	__attribute__((cleanup(deinit))) struct top top = {.signals = -1, .sample = {.proc_fd = -1}};
	struct top_options options = {0};
	struct error error = {0};
	int code = options_parse(self, &argc, &argv, &options, &error);

	if (code == 1)
		return 0;
	if (code < 0 || check(&options, &error))
		return show_error(&error, options.json, 2);
	top.options = &options;
	top.live = !options.batch && !options.json && isatty(STDOUT_FILENO);
	code = take_signals(&top, &error);
	if (!code)
		code = top_sample_init(&top.sample, &options.guests, &error);
	if (!code) {
		if (top.live)
			top_screen_init(&top.screen);
		code = run(&top, &error);
	}
	top_screen_deinit(&top.screen); /* before anything is said */
	return code ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_top = {
	.name = "top",
	.summary = "Show what happens to the vCPUs of this host's guests, live",
	.synopsis = "[OPTION]...",
	.description =
		"For each guest and each vCPU: how much of the time its thread ran (guest code, exits, the VMM's user "
		"space), could have run and had no CPU of the host (STOLEN, what the guest's own steal clock counts), and "
		"had nothing to do (HALTED); how often it was preempted and moved to another CPU; how often the vCPU left "
		"its guest, and for which reasons most. A guest's own row has the mean of the shares and the sum of the "
		"rates.\n\n"
		"q ends it, as does Ctrl-C. Where standard output is no terminal, pages follow each other.\n\n"
		"Shares and rates of the scheduler need no rights. Exits need KVM and the rights to load eBPF programs "
		"(root, or CAP_BPF and CAP_PERFMON); where they are missing it says so and shows the rest.",
	.examples = "  # all guests, once a second\n"
		    "  hypertrace top\n"
		    "  # ten looks at one guest, for a script\n"
		    "  hypertrace top -g web1 --batch 10 --json",
	.options = top_specs,
	.no_operands = true,
	.run = top_run,
};
