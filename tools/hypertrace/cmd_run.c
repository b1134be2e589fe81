/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "config.h"
#include "host/collect/ftrace_boot.h"
#include "host/collect/region.h"
#include "host/vm/kernel_package.h"
#include "host/vm/module_build.h"
#include "host/vm/qemu_command.h"
#include "host/vm/vm.h"
#include "lib/base/cleanup.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/host_option.h"
#include "tools/hypertrace/progress.h"
#include "tools/hypertrace/recording_options.h"
#include "tools/hypertrace/run_recording.h"

#define MIB              (UINT64_C(1) << 20)
#define POLL_MS          100
#define STATUS_BAD_USAGE 2

struct run_options {
	const char *kernel, *headers, *append, *qmp, *kernel_log, *host;
	unsigned accel;   /* enum vm_accel + 1; 0: not given */
	unsigned channel; /* enum recorder_channel + 1; 0: not given */
	uint64_t smp, memory_bytes, region_bytes, nested_bytes, nested_parts, batch;
	struct string_list files, qemu;
	double timeout_s;
	bool icount, no_trace, verbose;
	struct recording_options recording;
};

/* The options, read. */
struct run_wish {
	const struct run_options *options;
	struct recorder_options recorder;
	struct host_option host;
	char *events;    /* as recorder.events */
	char *functions; /* of -F; NULL: none */
	char *words;     /* for the kernel's command line; channel hypercall: the module's parameters */
};

#define AT(member) offsetof(struct run_options, member)

static const struct option_spec run_specs[] = {
	{'k', "kernel", "KERNEL", OPTION_STRING, AT(kernel),
		"series (6.1, 6.12), release or path of a vmlinuz; default 6.12"},
	{0, "headers", "DIR", OPTION_STRING, AT(headers), "headers of a kernel given by its path"},
	{0, "smp", "N", OPTION_UNSIGNED, AT(smp), "vCPUs; default 2"},
	{'m', "memory", "SIZE", OPTION_BYTES, AT(memory_bytes),
		"the guest's memory, MiB where no unit is given; default 512"},
	{0, "accel", "auto|kvm|tcg|tcg-single", OPTION_CHOICE, AT(accel),
		"how the guest runs; default auto: KVM where it works, else TCG"},
	{0, "icount", NULL, OPTION_FLAG, AT(icount),
		"one guest instruction is one guest nanosecond: exact costs"},
	{0, "channel", "shm|ftrace|hypercall", OPTION_CHOICE, AT(channel),
		"trace by hypertrace.ko (default), or read the guest's own ftrace out of its memory, from its "
		"kernel's first events on; hypercall: by hypertrace.ko without shared memory, under KVM"},
	{0, "batch", "N", OPTION_UNSIGNED, AT(batch),
		"channel hypercall: events to a hypercall; 0: a page full of them; default 10"},
	HOST_OPTION_SPEC(AT(host)),
	RECORDING_OPTION_SPECS(struct run_options),
	{0, "region-size", "BYTES", OPTION_BYTES, AT(region_bytes),
		"memory that guest and host share; default 32M"},
	{0, "nested-size", "BYTES", OPTION_BYTES, AT(nested_bytes),
		"of it, for a guest inside the guest, which then has /dev/hypertrace-nested0; default 0"},
	{0, "nested-guests", "N", OPTION_UNSIGNED, AT(nested_parts),
		"for so many guests inside the guest; default 1"},
	{0, "no-trace", NULL, OPTION_FLAG, AT(no_trace), "run the command only"},
	{0, "file", "LOCAL[:GUEST]", OPTION_LIST, AT(files),
		"put a file or directory into the guest, with the libraries it needs"},
	{0, "append", "WORDS", OPTION_STRING, AT(append), "further words for the kernel's command line"},
	{0, "qemu", "WORD", OPTION_LIST, AT(qemu), "a further argument for QEMU"},
	{0, "qmp", "SOCKET", OPTION_STRING, AT(qmp), "let QEMU make a QMP socket there"},
	{0, "timeout", "TIME", OPTION_SECONDS, AT(timeout_s), "end a run that takes longer, with status 124"},
	{0, "kernel-log", "FILE", OPTION_STRING, AT(kernel_log),
		"write what the guest's kernel says to FILE"},
	{'v', "verbose", NULL, OPTION_FLAG, AT(verbose), "show what the guest's kernel says on stderr"},
	{0},
};

#undef AT

static void show_notice(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "hypertrace: %s\n", text);
}

/* What is wrong with the words alone; nothing has been looked up yet. */
static int check(struct run_options *options, int operands, struct error *error)
{
	if (!operands) {
		error_set(error, -EINVAL, "no command for the guest");
		return error_hint(error, "for example: hypertrace run -- uname -a");
	}
	if (!options->smp)
		options->smp = options->icount ? 1 : 2;
	if (options->memory_bytes < MIB) /* as QEMU's -m takes it */
		options->memory_bytes *= MIB;
	if (options->smp > 255) {
		error_set(error, -EINVAL, "--smp: a guest has at most 255 vCPUs");
		return error_hint(error, "give --smp 255 or less");
	}
	if (options->icount && options->smp != 1) {
		error_set(error, -EINVAL, "--icount counts on one vCPU only");
		return error_hint(error, "give --smp 1");
	}
	if (options->nested_parts > UINT32_MAX)
		options->nested_parts = UINT32_MAX;
	if (options->no_trace || options->channel > 1 + RECORDER_SHM) {
		options->region_bytes = options->nested_bytes = 0;
	} else if (!options->region_bytes) {
		error_set(error, -EINVAL, "--region-size 0: tracing needs a region");
		return error_hint(error, "leave it out, or give --no-trace");
	}
	return 0;
}

/* Signals that end a run are read, so that everything is cleaned up; SIGPIPE shows as an error of write(). */
static int block_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGQUIT);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Serves the guest until it ends. Returns 0, the number of the signal that ended the run, or a negative errno. */
static int serve(struct vm *vm, int signals, struct error *error)
{
	struct signalfd_siginfo signal_info;
	int result;

	while ((result = vm_poll(vm, signals, POLL_MS, error)) == 1)
		if (read(signals, &signal_info, sizeof(signal_info)) == sizeof(signal_info))
			return (int)signal_info.ssi_signo;
	return result == 2 ? 0 : result;
}

/* What is left of a guest that is held at its end. */
static int serve_end(struct vm *vm, int signals, struct error *error)
{
	vm_release(vm);
	return serve(vm, signals, error);
}

static int finish(struct vm *vm, int served, struct error *error)
{
	int status;

	if (served < 0)
		return show_error(error, false, VM_STATUS_FAILED);
	if (served > 0)
		return 128 + served;
	status = vm_status(vm, error);
	return error->code ? show_error(error, false, status) : status;
}

/* From here on there is something to clean up, and signals are read. */
static int run_guest(const struct run_wish *wish, const struct vm_config *config, struct error *error)
{
	cleanup_close int signals = block_signals();
	struct recording *recording = NULL;
	struct vm *vm = NULL;
	struct error recorded = {0};
	int result, status, stopped = 0;

	result = vm_create(&vm, config, error);
	if (!result && wish->options->nested_bytes)
		result = region_ask_nested(vm_region_path(vm), wish->options->nested_bytes,
			(uint32_t)wish->options->nested_parts, error);
	if (!result && !wish->options->no_trace)
		result = recording_create(&recording, &wish->recorder, &wish->host,
			wish->options->recording.output, vm_region_path(vm), error);
	if (!result)
		result = vm_start(vm, error);
	if (recording)
		recording_set_functions(
			recording, wish->functions, wish->options->recording.probe != HT_FUNCTION_ENTRY);
	if (!result && recording)
		result = recording_start(recording, vm_pid(vm), config->icount, error);
	if (!result)
		result = serve(vm, signals, error);
	/* the guest is still in QEMU's memory where its last events are to be read there */
	if (recording && recording_stop(recording, result == 0, &recorded) < 0)
		stopped = -1;
	if (result == 0)
		result = serve_end(vm, signals, error);
	status = finish(vm, result, error);
	if (stopped < 0) {
		show_error(&recorded, false, 0);
		status = status ? status : VM_STATUS_FAILED;
	}
	vm_destroy(vm);
	return status;
}

static int prepare_and_run(const struct run_wish *wish, char **command, struct error *error)
{
	const struct run_options *options = wish->options;
	const struct kernel_wish kernel_wish = {
		.name = options->kernel,
		.headers = options->headers,
		.need_headers = !options->no_trace && wish->recorder.channel != RECORDER_FTRACE,
		.progress = show_progress,
	};
	struct kernel_package kernel;
	const bool stock = wish->recorder.channel == RECORDER_FTRACE;
	cleanup_free char *module = NULL, *append = NULL;
	struct vm_config config = {.smp = (unsigned int)options->smp,
		.memory_bytes = options->memory_bytes,
		.accel = options->accel ? (enum vm_accel)(options->accel - 1) : VM_ACCEL_AUTO,
		.icount = options->icount,
		.region_bytes = options->region_bytes,
		.files = options->files.items,
		.file_count = options->files.count,
		.command = (const char *const *)command,
		.append = options->append,
		.qemu_arguments = options->qemu.items,
		.qemu_argument_count = options->qemu.count,
		.qmp_path = options->qmp,
		.timeout_s = options->timeout_s,
		.verbose = options->verbose,
		.kernel_log = options->kernel_log,
		.stdin_fd = STDIN_FILENO,
		.stdout_fd = STDOUT_FILENO,
		.stderr_fd = STDERR_FILENO};
	int status;

	if (wish->recorder.channel == RECORDER_HYPERCALL && !qemu_has_kvm()) {
		error_set(error, -ENODEV,
			"channel hypercall: no KVM on this host that a guest could run under");
		error_hint(error, "leave --channel out: shared memory needs none");
		return show_error(error, false, VM_STATUS_FAILED);
	}
	if (kernel_package_find(&kernel, &kernel_wish, error) < 0)
		return show_error(error, false, VM_STATUS_FAILED);
	config.vmlinuz = kernel.vmlinuz;
	if (stock && asprintf(&append, "%s %s", wish->words, options->append ? options->append : "") < 0) {
		kernel_package_deinit(&kernel);
		error_set(error, -ENOMEM, "out of memory");
		return show_error(error, false, VM_STATUS_FAILED);
	}
	if (stock)
		config.append = append;
	config.hold_end = stock;
	if (wish->recorder.channel == RECORDER_HYPERCALL) {
		config.module_parameters = wish->words;
		config.accel = VM_ACCEL_KVM;
	}
	if (!options->no_trace && !stock && module_build(&module, &kernel, NULL, show_progress, error) < 0) {
		status = show_error(error, false, VM_STATUS_FAILED);
	} else {
		config.module = module;
		status = run_guest(wish, &config, error);
	}
	kernel_package_deinit(&kernel);
	return status;
}

/* What the module is told where no region tells it. */
static int read_parameters(struct run_wish *wish, struct error *error)
{
	static const char *const probes[] = {[HT_FUNCTION_NONE] = "return",
		[HT_FUNCTION_ENTRY] = "entry",
		[HT_FUNCTION_RETURN] = "return",
		[HT_FUNCTION_GRAPH] = "fgraph"};
	const struct run_options *options = wish->options;

	if (options->icount || options->accel > 1 + VM_ACCEL_KVM) {
		error_set(error, -EINVAL, "channel hypercall: a guest that is emulated has no hypercalls");
		return error_hint(error, "give --accel kvm, or another channel");
	}
	if (options->recording.filter || options->recording.mode || options->recording.ring_bytes ||
		strchr(wish->events, '!')) {
		error_set(error, -EINVAL, "channel hypercall: no -f, --mode, --size, and no '!' in -e");
		return error_hint(error, "filter on reading: hypertrace dump -f");
	}
	if (options->recording.budget || options->recording.min_duration_s > 0) {
		error_set(error, -EINVAL, "channel hypercall: no --budget, no --min-duration");
		return error_hint(error, "these come through memory: leave --channel out");
	}
	wish->recorder.channel = RECORDER_HYPERCALL;
	if (asprintf(&wish->words,
		    "channel=hypercall events=%s batch=%" PRIu64 "%s%s function_probe=%s function_depth=%u",
		    *wish->events ? wish->events : RECORDER_EVENTS, options->batch,
		    wish->functions ? " functions=" : "", wish->functions ? wish->functions : "",
		    probes[wish->recorder.functions.probe], wish->recorder.functions.depth) < 0) {
		wish->words = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	return 0;
}

/* The words of its command line that let a stock guest trace just what is recorded. */
static int read_stock(struct run_wish *wish, struct error *error)
{
	const struct recording_options *options = &wish->options->recording;
	struct ftrace_boot_wishes wishes = {.events = wish->events,
		.functions = wish->functions,
		.graph = options->probe != HT_FUNCTION_ENTRY,
		.ring_bytes = options->ring_bytes};
	char *selection;
	int code;

	code = ftrace_boot_check(&wishes, error);
	if (code)
		return code;
	wish->words = ftrace_boot_words(&wishes);
	selection = ftrace_boot_selection(&wishes);
	free(wish->events);
	wish->recorder.events = wish->events = selection;
	return wish->words && selection ? 0 : error_set(error, -ENOMEM, "out of memory");
}

/* What to record, and for a stock guest the words that let it trace just that. */
static int read_recording(struct run_wish *wish, struct error *error)
{
	const struct run_options *options = wish->options;
	int code = host_option_parse(&wish->host, options->host, error);

	if (code)
		return code;
	if (wish->host.given && (options->icount || options->accel > 1 + VM_ACCEL_KVM)) {
		error_set(
			error, -EINVAL, "--host: of a guest that is emulated, this host's KVM sees nothing");
		return error_hint(error, "leave --host out, or give --accel kvm");
	}
	/* by hypercalls come the events that come by shm */
	wish->recorder.channel = options->channel == 1 + RECORDER_FTRACE ? RECORDER_FTRACE : RECORDER_SHM;
	code = recording_options_read(
		&wish->recorder, &wish->events, &wish->functions, &options->recording, error);
	if (!code && options->channel == 1 + RECORDER_HYPERCALL)
		return read_parameters(wish, error);
	if (code || wish->recorder.channel == RECORDER_SHM)
		return code;
	if (options->recording.mode) {
		error_set(error, -EINVAL,
			"channel ftrace: the guest's rings overwrite their oldest events: no --mode");
		return error_hint(error, "leave it out, or give a larger --size");
	}
	return read_stock(wish, error);
}

static int run_run(const struct command *self, int argc, char **argv)
{
	struct run_options options = {.kernel = "6.12",
		.memory_bytes = 512,
		.region_bytes = 32 * MIB,
		.nested_parts = 1,
		.batch = 10};
	struct run_wish wish = {.options = &options, .recorder = {.program_version = HYPERTRACE_VERSION}};
	struct error error = {0};
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (!result)
		result = check(&options, argc, &error);
	if (!result && !options.no_trace)
		result = read_recording(&wish, &error);
	wish.recorder.notice = options.verbose || options.recording.budget ? show_notice : NULL;
	result = result < 0 ? show_error(&error, false, STATUS_BAD_USAGE)
			    : prepare_and_run(&wish, argv, &error);
	free(wish.events);
	free(wish.functions);
	free(wish.words);
	return result;
}

const struct command cmd_run = {
	.name = "run",
	.summary = "Boot a throw-away guest and trace it while it runs a command",
	.synopsis = "[OPTION]... -- COMMAND [ARGUMENT]...",
	.description =
		"The guest is made of a Debian kernel, busybox, hypertrace.ko, the files given with --file, "
		"and COMMAND itself where its first word is the path of a file here. It has no disk and no "
		"network, and is gone afterwards. COMMAND runs in the guest's root directory; what it writes "
		"arrives here, byte for byte.\n\n"
		"Its input: on a terminal, the keys; a file, as it is; a pipe, as lines of text of up to 4095 "
		"bytes.\n\n"
		"Ctrl-C ends the run (not only COMMAND): the guest stops, the trace is completed, temporary "
		"files are removed.\n\n"
		"The exit status is COMMAND's, or 128 + n where signal n ended it; 126 where COMMAND cannot "
		"be started and 127 where there is none; 124 after --timeout; 125 where the guest panicked or "
		"could not be run; 130 after Ctrl-C; 2 where the command line is wrong.",
	.examples = "  # scheduling, interrupts and system calls of a small workload, on Debian 12's 6.12\n"
		    "  hypertrace run -e sched,irq,syscalls -o trace -- sh -c 'ls -R / | wc -l'\n"
		    "  # a stock kernel's boot, from its first events on; then: hypertrace boot trace\n"
		    "  hypertrace run --channel ftrace -e initcall,sched,irq -o trace -- true\n"
		    "  # every function of a stock kernel's boot; then: hypertrace graph --boot-level trace\n"
		    "  hypertrace run --channel ftrace -F '*' --probe fgraph -o trace -- true\n"
		    "  # a program of one's own, with its libraries, on kernel 6.1 and four vCPUs\n"
		    "  hypertrace run --kernel 6.1 --smp 4 -- ./program --flag\n"
		    "  # a shell in a guest, untraced\n"
		    "  hypertrace run --no-trace -- sh",
	.options = run_specs,
	.run = run_run,
};
