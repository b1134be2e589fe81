/* SPDX-License-Identifier: MIT */
/* The verb dmesg: a stock guest's kernel log, out of its memory. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "host/kernel/guest_wall.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"
#include "lib/base/text.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/guest_source.h"
#include "tools/hypertrace/log_lines.h"

#define POLL_MS      50
#define CHECK_NS     UINT64_C(1000000000) /* how often: is it still that kernel, and which time is it */
#define STUCK_NS     UINT64_C(1000000000) /* a record that is not finished by then never will be */
#define FAILING_NS   UINT64_C(3000000000)
#define REBOOT_S     30.0
#define OUTPUT_BYTES (64u << 10)

struct dmesg_options {
	struct guest_source_options source;
	struct string_list levels;
	bool decode, utc, follow, json;
	uint64_t tail;
};

#define AT(member) offsetof(struct dmesg_options, member)
static const struct option_spec dmesg_specs[] = {
	GUEST_SOURCE_OPTION_SPECS(struct dmesg_options),
	{'w', "follow", NULL, OPTION_FLAG, AT(follow),
		"go on with what the guest writes from now on, until Ctrl-C or its end"},
	{'n', "tail", "N", OPTION_UNSIGNED, AT(tail),
		"begin with the last N records; default all that there are"},
	{'l', "level", "LIST", OPTION_LIST, AT(levels),
		"only these levels: emerg, alert, crit, err, warn, notice, info, debug; 'err+': and more severe"},
	{'x', "decode", NULL, OPTION_FLAG, AT(decode), "begin each line with facility and level"},
	{'T', "utc", NULL, OPTION_FLAG, AT(utc),
		"times of day, by the guest's own clock; default seconds since its boot"},
	{0, "json", NULL, OPTION_FLAG, AT(json),
		"print one JSON document; with --follow one JSON object a line"},
	{0},
};
#undef AT

struct dmesg {
	const struct dmesg_options *options;
	struct guest_source source;
	struct printk_ring ring;
	struct log_lines lines;
	struct strbuf out;
	bool follows;         /* asked for, and the guest is alive */
	uint64_t shown, lost; /* `lost` of kernels before a reboot */
	uint64_t stuck_seq, stuck_ns, checked_ns, failed_ns;
};

static void deinit(struct dmesg *dmesg)
{
	printk_ring_deinit(&dmesg->ring);
	guest_source_close(&dmesg->source);
	strbuf_deinit(&dmesg->out);
}

static int read_options(
	struct dmesg *dmesg, const struct dmesg_options *options, int argc, char **argv, struct error *error)
{
	cleanup_free char *levels = NULL;
	int code = guest_source_check(&options->source, argc, argv, error);

	if (code)
		return code;
	dmesg->options = options;
	dmesg->lines = (struct log_lines){
		.json = options->json,
		.decode = options->decode,
		.utc = options->utc,
		.colour = !options->json && isatty(STDOUT_FILENO),
		.levels = UINT32_MAX,
	};
	if (!options->levels.count)
		return 0;
	levels = string_list_join(&options->levels);
	return levels ? log_lines_parse_levels(levels, &dmesg->lines.levels, error)
		      : error_set(error, -ENOMEM, "out of memory");
}

/* --- output --- */

static int flush(struct dmesg *dmesg, struct error *error)
{
	if (dmesg->out.failed)
		return error_set(error, -ENOMEM, "out of memory");
	if (dmesg->out.length)
		fwrite(dmesg->out.data, 1, dmesg->out.length, stdout);
	dmesg->out.length = 0;
	if (fflush(stdout) || ferror(stdout))
		return error_set(
			error, errno ? -errno : -EIO, "cannot write: %s", strerror(errno ? errno : EIO));
	return 0;
}

static int show(struct dmesg *dmesg, const struct printk_record *record, struct error *error)
{
	bool document = dmesg->lines.json && !dmesg->follows;

	if (!log_lines_wants(&dmesg->lines, record))
		return 0;
	if (document)
		strbuf_puts(&dmesg->out, dmesg->shown ? ",\n" : "\n");
	log_lines_append(&dmesg->lines, record, &dmesg->out);
	if (dmesg->lines.json && !document)
		strbuf_putc(&dmesg->out, '\n');
	dmesg->shown++;
	return dmesg->out.length < OUTPUT_BYTES && !dmesg->out.failed ? 0 : flush(dmesg, error);
}

static int fail_reading(int code, struct error *error)
{
	if (code == -EINVAL) {
		error_set(error, code, "the guest's log is damaged, or not set up yet");
		return error_hint(error, "has the guest just started? --wait 30 waits for it");
	}
	return error_set(error, code, "cannot read the guest's log: %s",
		code == -ESRCH ? "the VMM has ended" : strerror(-code));
}

/* What there is up to the record `end`. */
static int show_until(struct dmesg *dmesg, uint64_t end, struct error *error)
{
	struct printk_record record;

	while (dmesg->ring.next_seq < end) {
		int code = printk_ring_next(&dmesg->ring, &record);

		if (code < 0)
			return fail_reading(code, error);
		if (!code)
			break;
		code = show(dmesg, &record, error);
		if (code)
			return code;
	}
	return 0;
}

/* --- the log, once --- */

static int begin(struct dmesg *dmesg, uint64_t tail, struct error *error)
{
	const uint64_t end_ns =
		clock_now_ns(CLOCK_MONOTONIC) + (uint64_t)(dmesg->options->source.wait_s * 1e9);
	int code = printk_ring_init(&dmesg->ring, &dmesg->source.kernel, error);

	if (code)
		return code;
	do { /* a kernel that moves itself, its first deed, has no log for a moment */
		code = printk_ring_tail(&dmesg->ring, tail ? tail : UINT64_MAX);
		if (code == -EINVAL || code == -EFAULT)
			poll(NULL, 0, POLL_MS);
	} while ((code == -EINVAL || code == -EFAULT) && dmesg->source.memory.is_live &&
		clock_now_ns(CLOCK_MONOTONIC) < end_ns);
	if (code)
		return fail_reading(code, error);
	dmesg->lines.has_wall = !guest_wall_offset(&dmesg->source.kernel, &dmesg->lines.wall_offset_ns);
	return 0;
}

static void show_losses(const struct dmesg *dmesg)
{
	uint64_t lost = dmesg->lost + dmesg->ring.lost;

	if (dmesg->ring.overwritten && !dmesg->options->tail)
		fprintf(stderr, "hypertrace: %" PRIu64 " older records are gone: the guest wrote over them\n",
			dmesg->ring.overwritten);
	if (lost)
		fprintf(stderr, "hypertrace: %" PRIu64 " records were lost\n", lost);
	if (dmesg->options->utc && !dmesg->lines.has_wall)
		fputs("hypertrace: the guest's clock is not known: times are since its boot\n", stderr);
}

static int show_once(struct dmesg *dmesg, struct error *error)
{
	int code;

	if (dmesg->lines.json) {
		strbuf_puts(&dmesg->out, "{\"kernel\":");
		text_append_json(&dmesg->out, dmesg->source.kernel.release);
		strbuf_puts(&dmesg->out, ",\"records\":[");
	}
	code = show_until(dmesg, dmesg->ring.end_seq, error);
	if (code)
		return code;
	if (dmesg->lines.json)
		strbuf_printf(&dmesg->out, "],\n\"overwritten\":%" PRIu64 ",\"lost\":%" PRIu64 "}\n",
			dmesg->ring.overwritten, dmesg->ring.lost);
	code = flush(dmesg, error);
	if (!code && !dmesg->lines.json)
		show_losses(dmesg);
	return code;
}

/* --- the log as it grows --- */

/* What was written since. A record that stays unfinished (its writer died in a panic) is passed over after a while. */
static int follow_once(struct dmesg *dmesg, uint64_t now_ns, struct error *error)
{
	struct printk_ring *ring = &dmesg->ring;
	int code = printk_ring_refresh(ring);

	if (code)
		return fail_reading(code, error);
	ring->patient = ring->next_seq != dmesg->stuck_seq || now_ns - dmesg->stuck_ns < STUCK_NS;
	code = show_until(dmesg, ring->end_seq, error);
	if (ring->next_seq != dmesg->stuck_seq || ring->next_seq >= ring->end_seq) {
		dmesg->stuck_seq = ring->next_seq;
		dmesg->stuck_ns = now_ns;
	}
	return code ? code : flush(dmesg, error);
}

/* A reboot wipes the log before another kernel can be seen: what cannot be read may be back soon. */
static bool is_passing(struct dmesg *dmesg, int code, uint64_t now_ns)
{
	if (code != -EINVAL && code != -EFAULT) {
		dmesg->failed_ns = 0;
		return false;
	}
	if (!dmesg->failed_ns)
		dmesg->failed_ns = now_ns;
	return now_ns - dmesg->failed_ns < FAILING_NS;
}

static int start_again(struct dmesg *dmesg, struct error *error)
{
	dmesg->lost += dmesg->ring.lost;
	printk_ring_deinit(&dmesg->ring);
	fputs("hypertrace: the guest has rebooted\n", stderr);
	if (guest_source_find_kernel(&dmesg->source, REBOOT_S, error))
		return error->code;
	dmesg->stuck_seq = 0;
	return begin(dmesg, 0, error);
}

/* Now and then: has it rebooted, and has its clock been set? */
static int check(struct dmesg *dmesg, uint64_t now_ns, struct error *error)
{
	int code;

	if (now_ns - dmesg->checked_ns < CHECK_NS)
		return 0;
	dmesg->checked_ns = now_ns;
	code = guest_kernel_check(&dmesg->source.kernel);
	if (code == -ESTALE)
		return start_again(dmesg, error);
	if (code)
		return fail_reading(code, error);
	dmesg->lines.has_wall = !guest_wall_offset(&dmesg->source.kernel, &dmesg->lines.wall_offset_ns);
	return 0;
}

/* Ctrl-C ends it as asked for. */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int follow(struct dmesg *dmesg, struct error *error)
{
	cleanup_close int signals = open_signals();
	struct pollfd waits[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = dmesg->source.memory.pid_fd, .events = POLLIN},
	};
	int code = 0;

	while (!code && !waits[0].revents) {
		uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);

		code = check(dmesg, now_ns, error);
		if (!code)
			code = follow_once(dmesg, now_ns, error);
		if (is_passing(dmesg, code, now_ns))
			code = 0;
		if (!code && poll(waits, 2, POLL_MS) < 0 && errno != EINTR)
			code = error_set(error, -errno, "poll: %s", strerror(errno));
	}
	show_losses(dmesg);
	if (code != -ESRCH)
		return code;
	fputs("hypertrace: the guest has ended\n", stderr);
	return 0;
}

static int dmesg_run(const struct command *self, int argc, char **argv)
{
	__attribute__((cleanup(deinit))) struct dmesg dmesg = {.source = GUEST_SOURCE_NONE};
	struct dmesg_options options = {0};
	struct error error = {0};
	int code = options_parse(self, &argc, &argv, &options, &error);

	if (code == 1)
		return 0;
	if (code < 0 || read_options(&dmesg, &options, argc, argv, &error))
		return show_error(&error, options.json, 2);
	code = guest_source_open(&dmesg.source, &options.source, argc ? argv[0] : NULL, &error);
	if (!code)
		code = begin(&dmesg, options.tail, &error);
	dmesg.follows = options.follow && dmesg.source.memory.is_live;
	if (!code)
		code = dmesg.follows ? follow(&dmesg, &error) : show_once(&dmesg, &error);
	if (code == -EPIPE)
		return 0; /* `dmesg | head` has seen enough */
	return code ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_dmesg = {
	.name = "dmesg",
	.summary = "Show the kernel log of a stock guest, running or dead",
	.synopsis = "-g NAME | --pid PID | --qmp SOCKET | --ram FILE | DUMP [OPTION]...",
	.description =
		"Prints the guest's log as dmesg(1) in it would, out of its memory: also of a guest that has panicked, "
		"hangs, has no console, or does not let anybody in, and from the first lines of its boot on.\n\n" GUEST_SOURCE_DESCRIPTION,
	.examples = "  # the log of a running guest\n"
		    "  hypertrace dmesg --pid $(pidof qemu-system-x86_64)\n"
		    "  # errors and worse, as they come, with times of day\n"
		    "  hypertrace dmesg --qmp /run/vm1.qmp --follow --level err+ --utc\n"
		    "  # the last words of a guest that was dumped by virsh dump --memory-only\n"
		    "  hypertrace dmesg --tail 50 vm1.dump",
	.options = dmesg_specs,
	.run = dmesg_run,
};
