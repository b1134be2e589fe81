/* SPDX-License-Identifier: MIT */
/* hypertrace record: trace guests that are running, until Ctrl-C, for a time, or while a command runs. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "host/collect/recorder.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/guest_name.h"
#include "tools/hypertrace/record_control.h"
#include "tools/hypertrace/record_guests.h"
#include "tools/hypertrace/recording_options.h"
#include "tools/hypertrace/recording_summary.h"

#define READY_S 10.0 /* for guests to begin before COMMAND or --duration starts */
#define TERM_S  2.0  /* for COMMAND to end when the recording does */

#define AT(member) offsetof(struct record_options, member)
static const struct option_spec record_specs[] = {
	{'g', "guest", "NAME", OPTION_LIST, AT(guests),
		GUEST_NAME_HELP ", or a pattern over names; several times: several guests"},
	{0, "qmp", "SOCKET", OPTION_LIST, AT(qmp),
		"QMP socket of a guest's QEMU; several times: several guests"},
	{0, "region", "FILE", OPTION_LIST, AT(regions),
		"file of a guest's region; several times: several guests"},
	{'p', "pid", "PID", OPTION_LIST, AT(pids),
		"process of a guest's VMM: channels ftrace and hypercall; several times: several guests"},
	{0, "ram", "FILE", OPTION_LIST, AT(ram), "file of a guest's RAM, or a dump of it: channel ftrace"},
	{0, "channel", "shm|ftrace|hypercall", OPTION_CHOICE, AT(channel),
		"how the events come: from hypertrace.ko in the guest, through memory or by hypercalls, or out of a stock "
		"guest's own ftrace"},
	HOST_OPTION_SPEC(AT(host_text)),
	RECORDING_OPTION_SPECS(struct record_options),
	{'d', "duration", "TIME", OPTION_SECONDS, AT(duration_s),
		"record for so long, once the guests answer; default until Ctrl-C"},
	{0, "control", "FIFO", OPTION_STRING, AT(control),
		"take lines of -e, -f, -F, --probe, --depth, --min-duration from there: what is wanted from then on; or stop"},
	{0, "history", NULL, OPTION_FLAG, AT(history),
		"take also what the rings hold from before; they keep their mode and size"},
	{0, "leave-on", NULL, OPTION_FLAG, AT(leave_on),
		"let the guests go on writing into their rings at the end, for a later --history"},
	{0, "no-symbols", NULL, OPTION_FLAG, AT(no_symbols), "do not ask for the kernel's symbols"},
	{0},
};

struct record_run {
	struct recorder *recorder;
	struct record_control control;
	int signals;      /* signalfd */
	sigset_t blocked; /* the signals it takes */
	pid_t child;      /* 0: none, or ended */
	int status;       /* of the ended child, as a shell gives it */
	bool stop, interrupted;
	char said[ERROR_TEXT_BYTES]; /* the last notice */
};

static double now_s(void)
{
	return (double)clock_now_ns(CLOCK_MONOTONIC) / 1e9;
}

static void show_notice(void *context, const char *text)
{
	struct record_run *run = context;

	snprintf(run->said, sizeof(run->said), "%s", text);
	fprintf(stderr, "hypertrace: %s\n", text);
}

/* From here on these signals are read, not delivered: nothing is interrupted halfway. */
static int take_signals(struct record_run *run, struct error *error)
{
	const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};

	sigemptyset(&run->blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&run->blocked, numbers[i]);
	sigprocmask(SIG_BLOCK, &run->blocked, NULL);
	signal(SIGPIPE, SIG_IGN); /* nobody reads what we say: the recording goes on */
	run->signals = signalfd(-1, &run->blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signals < 0 ? error_set(error, -errno, "signalfd: %s", strerror(errno)) : 0;
}

static void handle_signals(struct record_run *run)
{
	struct signalfd_siginfo signal;
	int status;

	while (read(run->signals, &signal, sizeof(signal)) == sizeof(signal))
		if (signal.ssi_signo != SIGCHLD) {
			run->stop = true;
			run->interrupted = signal.ssi_signo == SIGINT;
		}
	if (run->child && waitpid(run->child, &status, WNOHANG) == run->child) {
		run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		run->child = 0;
		run->stop = true;
	}
}

static int start_command(struct record_run *run, char **argv, struct error *error)
{
	run->child = fork();
	if (run->child < 0)
		return error_set(error, -errno, "fork: %s", strerror(errno));
	if (run->child == 0) {
		sigprocmask(SIG_UNBLOCK, &run->blocked, NULL);
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		fprintf(stderr, "hypertrace: %s: %s\n", argv[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	return 0;
}

/* Steps until the deadline (0: none), a signal, or the end of all guests. */
static void step_until(struct record_run *run, double deadline_s, bool only_until_ready)
{
	while (!run->stop && (!deadline_s || now_s() < deadline_s) &&
		(!only_until_ready || recorder_waiting(run->recorder))) {
		if (recorder_step(run->recorder, run->signals) == 0)
			run->stop = true;
		handle_signals(run);
		run->stop |= record_control_poll(&run->control, run->recorder);
	}
}

/* Does COMMAND end within TERM_S? What the guests write meanwhile is recorded. */
static bool command_ends(struct record_run *run)
{
	const double deadline_s = now_s() + TERM_S;

	while (run->child && now_s() < deadline_s) {
		if (recorder_step(run->recorder, run->signals) == 0)
			poll(&(struct pollfd){.fd = run->signals, .events = POLLIN}, 1, 100);
		handle_signals(run);
	}
	return !run->child;
}

/* COMMAND outlived the recording: asked to end, then made to. Ctrl-C has asked it already. */
static void end_command(struct record_run *run)
{
	if (run->interrupted && command_ends(run))
		return;
	kill(run->child, SIGTERM);
	if (command_ends(run))
		return;
	fputs("hypertrace: COMMAND does not end by SIGTERM: killed\n", stderr);
	kill(run->child, SIGKILL);
	waitpid(run->child, NULL, 0);
	run->child = 0;
	run->status = 128 + SIGKILL;
}

static int record(
	struct record_run *run, const struct record_options *options, char **argv, struct error *error)
{
	int code = 0;

	if (argv[0] || options->duration_s > 0)
		step_until(run, now_s() + READY_S, true);
	if (argv[0] && !run->stop)
		code = start_command(run, argv, error);
	if (!code)
		step_until(run, options->duration_s > 0 ? now_s() + options->duration_s : 0, false);
	return code;
}

/* The trace is complete. Returns the exit status. */
static int conclude(struct record_run *run, const char *output, enum recorder_channel channel, int code,
	struct error *error)
{
	const bool stock = channel == RECORDER_FTRACE;
	const struct trace_info *info = recorder_info(run->recorder);
	struct error finish = {0};

	if (recorder_finish(run->recorder, &finish) || recorder_guest_error(run->recorder, &finish)) {
		*error = finish;
		code = error->code;
	}
	if (info->nr_machines) {
		show_recording_summary(info, output, stderr);
	} else if (!code) {
		code = error_set(error, -ENODATA,
			stock ? "nothing was recorded: no guest's kernel was found"
			      : "nothing was recorded: no guest's hypertrace.ko has answered");
		error_hint(error, "%s",
			channel == RECORDER_HYPERCALL
				? "in the guest: insmod hypertrace.ko channel=hypercall events=sched,irq"
				: stock
				? "has it booted? hypertrace dmesg shows what its kernel says"
				: "load it in the guest (hypertrace module builds it); hypertrace doctor --qmp "
				  "SOCKET tells what is missing; a stock guest: --channel ftrace");
	}
	if (!code)
		return run->status;
	if (strcmp(error->text, run->said))
		return show_error(error, false, run->status ? run->status : 1);
	/* a notice has said it already */
	if (error->hint[0])
		fprintf(stderr, "hint: %s\n", error->hint);
	return run->status ? run->status : 1;
}

static int run_record(const struct command *command, int argc, char **argv)
{
	struct record_run run = {.signals = -1};
	struct recorder_options recorder = {
		.program_version = HYPERTRACE_VERSION, .notice = show_notice, .context = &run};
	__attribute__((cleanup(record_options_deinit))) struct record_options options = {0};
	cleanup_free char *events = NULL, *functions = NULL;
	struct error error = {0};
	int code = options_parse(command, &argc, &argv, &options, &error);

	if (code == 1)
		return 0;
	if (code || record_check(&options, &recorder, &events, &functions, &error))
		return show_error(&error, false, 2);
	recorder.output = output_directory(options.recording.output, &error);
	code = recorder.output ? recorder_create(&run.recorder, &recorder, &error) : error.code;
	if (!code)
		code = record_add_guests(run.recorder, &options, recorder.channel, &error);
	if (!code)
		code = host_option_add(&options.host, run.recorder,
			record_has_guests(&options) ? 0 : HOST_ALONE, show_notice, &run, &error);
	if (!code && options.control)
		code = record_control_open(&run.control, options.control, &recorder, &error);
	if (!code)
		code = take_signals(&run, &error);
	if (code) {
		record_control_close(&run.control);
		recorder_destroy(run.recorder);
		return show_error(&error, false, 1);
	}
	code = record(&run, &options, argv, &error);
	if (run.child > 0)
		end_command(&run);
	code = conclude(&run, recorder.output, recorder.channel, code, &error);
	record_control_close(&run.control);
	recorder_destroy(run.recorder);
	close(run.signals);
	return code;
}

const struct command cmd_record = {
	.name = "record",
	.summary = "Trace guests that are running",
	.synopsis = "{-g NAME | --pid PID | --host LEVEL | ...}... [OPTION]... [-- COMMAND...]",
	.description =
		"Asks the hypertrace.ko of one or several running guests for events and writes what comes, "
		"with all guests on one timeline, until Ctrl-C, for --duration, or until COMMAND (on this "
		"host) ends; then with its exit status. Nothing in the guests is stopped or slowed down. A "
		"guest may panic, reboot or be killed meanwhile: what it wrote before is recorded, and what "
		"it writes after a reboot follows in a machine of its own (vm1.2). A guest that has died "
		"already tells what its rings still hold.\n\n"
		"Recording starts from now on, and at the end the events are turned off. For a flight "
		"recorder, --leave-on lets the guests go on writing, the newest over the oldest; record "
		"--history then takes what the rings hold by that time.\n\n"
		"Channel ftrace needs nothing in the guest: the rings of its own ftrace (the main one and those of "
		"its tracing instances) are read out of its memory, through its VMM's process or a file. What is "
		"traced there is the guest's affair, its kernel's command line (trace_event=) or tracefs; -e takes "
		"a part of it. It needs CAP_SYS_PTRACE, or the VMM's user. A dump is read once, with all it "
		"holds.\n\n"
		"Channel hypercall is for guests without shared memory, under KVM: their hypertrace.ko, loaded with "
		"channel=hypercall, says by hypercalls what its own parameters ask for, batch= records a call: events=, and "
		"functions= with function_probe= and function_depth=, as -F, --probe and --depth elsewhere. They may be changed "
		"in the guest, in /sys/module/hypertrace/parameters. It "
		"needs CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE here. Without --pid every guest that makes such calls is "
		"recorded.\n\n"
		"--control takes wishes while it records (channel shm): a line of options to the FIFO, 'echo -F vfs_read > "
		"FIFO', takes the place of those given before, whole; a notice says when the guests do so, or what is wrong. "
		"The guests change over without a pause, the trace's description tells all that was asked for.\n\n"
		"--host adds a machine `host` to the trace, of what this host's KVM and scheduler do to the guests' "
		"vCPUs, by eBPF (CAP_BPF, CAP_PERFMON; root): of the guests that are named, or alone, of all on "
		"this host, whatever runs them.\n\n"
		"COMMAND starts when the guests have begun to record, or after ten seconds; where it "
		"outlives the recording it gets SIGTERM, and after two seconds SIGKILL.\n\n"
		"At the end it says how many events were recorded and how many were lost, and why.",
	.examples =
		"  # a guest by its name (see hypertrace list), by the best channel there is\n"
		"  hypertrace record -g web1 --duration 10s\n"
		"  # ten seconds of scheduling and interrupts of one guest\n"
		"  hypertrace record --qmp /run/vm1.qmp -e sched,irq --duration 10s\n"
		"  # another look at a guest while it is recorded\n"
		"  hypertrace record -g web1 -e sched --control wishes & sleep 10\n"
		"  echo \"-e sched,syscalls -f comm==nginx -F 'tcp_*'\" > wishes; sleep 10; echo stop > wishes\n"
		"  # two guests while a load test runs on the host\n"
		"  hypertrace record --qmp /run/vm1.qmp --qmp /run/vm2.qmp -o trace -- ./load-test\n"
		"  # a flight recorder: on for days, looked at when something happened\n"
		"  hypertrace record --qmp /run/vm1.qmp -e sched --leave-on --duration 1s\n"
		"  hypertrace record --qmp /run/vm1.qmp -e sched --leave-on --history --duration 1s\n"
		"  # a stock guest that traces for itself; nothing of ours is in it\n"
		"  hypertrace record --pid 4711 --history --duration 10s -o trace\n"
		"  # guests that say by hypercalls what they do: insmod hypertrace.ko channel=hypercall events=sched\n"
		"  hypertrace record --channel hypercall --duration 10s -o trace\n"
		"  # what the host does to all its guests, ten seconds\n"
		"  hypertrace record --host exits=aggregated --duration 10s\n"
		"  # what a guest that has panicked did last\n"
		"  hypertrace record --region /dev/shm/hypertrace-1234 --history --duration 1s",
	.options = record_specs,
	.run = run_record,
};
