/* SPDX-License-Identifier: MIT */
#include "host/vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "host/vm/guest_image.h"
#include "host/vm/line_log.h"
#include "host/vm/qemu_command.h"
#include "host/vm/relay.h"
#include "host/vm/run_directory.h"
#include "host/vm/terminal.h"
#include "host/vm/vm_memory.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"

/* One for each port, in their order, then QEMU's own words and our stdin. */
enum { RELAY_QEMU = VM_PORTS, RELAY_STDIN, RELAYS };

struct vm {
	struct vm_config config;
	struct run_directory directory;
	char *initramfs;
	char *region; /* NULL: none, or the caller's */
	enum guest_stdin stdin_kind;
	bool separate_stderr;
	int ends[RELAYS]; /* ours, of the sockets and of the pipe; -1 */
	struct relay relays[RELAYS];
	struct line_log kernel, qemu, status, monitor;
	int kernel_log;
	struct terminal terminal;
	pid_t pid;
	int pidfd;
	int wait_status; /* of QEMU; valid once `ended` */
	uint64_t deadline_ns;
	bool started, ended, ready, timed_out, held;
	int exit_status; /* of the command; -1: not told */
	char failure[LINE_LOG_LINE_BYTES];
	char panic[LINE_LOG_LINE_BYTES];
};

/* What the guest's init says, a line at a time: see guest/image/init.c. */
static void take_status(void *context, const char *line)
{
	struct vm *vm = context;
	int status;

	if (strcmp(line, "ready") == 0)
		vm->ready = true;
	else if (sscanf(line, "exit %d", &status) == 1 && status >= 0 && status <= 255)
		vm->exit_status = status;
	else if (strncmp(line, "error ", 6) == 0)
		snprintf(vm->failure, sizeof(vm->failure), "%s", line + 6);
}

/* QMP's events, of which one matters: the guest has powered off, or would have started anew. */
static void take_monitor_line(void *context, const char *line)
{
	struct vm *vm = context;

	if (strstr(line, "\"event\": \"SHUTDOWN\""))
		vm->held = true;
}

static void take_kernel_line(void *context, const char *line)
{
	static const char panic[] = "Kernel panic - not syncing: ";
	struct vm *vm = context;
	const char *found = strstr(line, panic);

	if (found && !vm->panic[0])
		snprintf(vm->panic, sizeof(vm->panic), "%s", found + strlen(panic));
}

static void tap_lines(void *context, const char *bytes, size_t count)
{
	line_log_add(context, bytes, count);
}

static void tap_kernel(void *context, const char *bytes, size_t count)
{
	struct vm *vm = context;

	line_log_add(&vm->kernel, bytes, count);
	if (vm->kernel_log >= 0 &&
		write(vm->kernel_log, bytes, count) < 0) { /* full disk: the run goes on without */
		close(vm->kernel_log);
		vm->kernel_log = -1;
	}
}

static void choose_stdio(struct vm *vm)
{
	const struct vm_config *config = &vm->config;
	struct stat in, out, errors;

	if (config->stdin_fd < 0 || fstat(config->stdin_fd, &in) < 0)
		vm->stdin_kind = GUEST_STDIN_NONE;
	else if (S_ISREG(in.st_mode))
		vm->stdin_kind = GUEST_STDIN_FILE;
	else if (S_ISFIFO(in.st_mode) || S_ISSOCK(in.st_mode))
		vm->stdin_kind = GUEST_STDIN_STREAM;
	else if (terminal_is_ours(config->stdin_fd))
		vm->stdin_kind = GUEST_STDIN_TERMINAL;
	/* where both lead to the same place, one port keeps their order */
	vm->separate_stderr = fstat(config->stdout_fd, &out) == 0 && fstat(config->stderr_fd, &errors) == 0 &&
		(out.st_dev != errors.st_dev || out.st_ino != errors.st_ino);
}

static int check(const struct vm_config *config, struct error *error)
{
	if (!config->command || !config->command[0])
		return error_set(error, -EINVAL, "no command for the guest");
	if (config->smp < 1 || config->smp > 255)
		return error_set(error, -EINVAL, "a guest has 1 to 255 vCPUs, not %u", config->smp);
	if (config->icount && config->smp != 1) {
		error_set(error, -EINVAL, "instructions can be counted on one vCPU only");
		return error_hint(error, "give --smp 1 with --icount");
	}
	return vm_memory_check(config, error);
}

static int make_region(struct vm *vm, struct error *error)
{
	cleanup_close int fd = -1;

	if (!vm->config.region_bytes || vm->config.region_path)
		return 0;
	if (asprintf(&vm->region, "%s/region", vm->directory.path) < 0) {
		vm->region = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	fd = open(vm->region, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(error, -errno, "%s: %s", vm->region, strerror(errno));
	/* taken now: in a full file system QEMU would end by a signal, at some time */
	if (posix_fallocate(fd, 0, (off_t)vm->config.region_bytes) != 0) {
		error_set(error, -ENOSPC, "no room for a region of %" PRIu64 " MiB in %s",
			vm->config.region_bytes >> 20, vm->directory.path);
		return error_hint(error, "give a smaller --region-size, or make room in /dev/shm");
	}
	return 0;
}

static int make_image(struct vm *vm, struct error *error)
{
	const struct vm_config *config = &vm->config;
	char parameters[96];
	struct guest_image image = {.module = config->module,
		.module_parameters = config->module_parameters ? config->module_parameters : parameters,
		.files = config->files,
		.file_count = config->file_count,
		.command = config->command,
		.stdin_kind = vm->stdin_kind,
		.stdin_fd = config->stdin_fd,
		.separate_stderr = vm->separate_stderr};
	struct stat status;
	int result;

	snprintf(parameters, sizeof(parameters), "region=0x%" PRIx64 " size=%" PRIu64, VM_REGION_ADDRESS,
		config->region_bytes);
	if (asprintf(&vm->initramfs, "%s/initramfs", vm->directory.path) < 0) {
		vm->initramfs = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	result = guest_image_write(&image, vm->initramfs, error);
	if (result < 0)
		return result;
	if (stat(vm->initramfs, &status) < 0)
		return error_set(error, -errno, "%s: %s", vm->initramfs, strerror(errno));
	return vm_memory_check_initramfs(config, (uint64_t)status.st_size, error);
}

static int open_kernel_log(struct vm *vm, struct error *error)
{
	const char *path = vm->config.kernel_log;

	if (path && (vm->kernel_log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0)
		return error_set(
			error, -errno, "cannot write the kernel's log %s: %s", path, strerror(errno));
	return 0;
}

int vm_create(struct vm **result, const struct vm_config *config, struct error *error)
{
	struct vm *vm;
	int code = check(config, error);

	if (code < 0)
		return code;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return error_set(error, -ENOMEM, "out of memory");
	vm->config = *config;
	vm->exit_status = -1;
	vm->pidfd = vm->kernel_log = vm->terminal.fd = vm->directory.lock = -1;
	vm->kernel.line = take_kernel_line;
	vm->status.line = take_status;
	vm->monitor.line = take_monitor_line;
	vm->kernel.context = vm->status.context = vm->monitor.context = vm;
	for (int i = 0; i < RELAYS; i++) {
		vm->ends[i] = -1;
		vm->relays[i].ended = true;
	}
	choose_stdio(vm);
	if ((code = run_directory_init(&vm->directory, error)) < 0 || (code = make_region(vm, error)) < 0 ||
		(code = make_image(vm, error)) < 0 || (code = open_kernel_log(vm, error)) < 0) {
		vm_destroy(vm);
		return code;
	}
	*result = vm;
	return 0;
}

const char *vm_region_path(const struct vm *vm)
{
	if (!vm->config.region_bytes)
		return NULL;
	return vm->config.region_path ? vm->config.region_path : vm->region;
}

static bool port_used(const struct vm *vm, int port)
{
	return port == VM_PORT_MONITOR ? vm->config.hold_end : port != VM_PORT_STDERR || vm->separate_stderr;
}

/* ends[]: ours; theirs[]: QEMU's, which the caller closes after the fork. */
static int make_ends(struct vm *vm, int theirs[RELAYS], struct error *error)
{
	for (int i = 0; i < VM_PORTS; i++) {
		int pair[2];

		if (!port_used(vm, i))
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
		vm->ends[i] = pair[0];
		theirs[i] = pair[1];
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
	}
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
	vm->ends[RELAY_QEMU] = ends[0];
	theirs[RELAY_QEMU] = ends[1];
	return 0;
}

static void close_all(int ends[RELAYS])
{
	for (int i = 0; i < RELAYS; i++) {
		if (ends[i] >= 0)
			close(ends[i]);
		ends[i] = -1;
	}
}

/* In the child. QEMU ends with us, however we end; Ctrl-C is ours alone. */
static void __attribute__((noreturn)) execute(char **argv, const int theirs[RELAYS], pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(theirs[RELAY_QEMU], 1);
	dup2(theirs[RELAY_QEMU], 2);
	for (int i = 0; i < VM_PORTS; i++)
		if (theirs[i] >= 0)
			fcntl(theirs[i], F_SETFD, 0);
	execvp(argv[0], argv);
	dprintf(2, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void set_up_relays(struct vm *vm)
{
	const struct vm_config *config = &vm->config;

	for (int i = 0; i < RELAYS; i++)
		vm->relays[i] = (struct relay){.from = vm->ends[i], .to = -1, .ended = vm->ends[i] < 0};
	vm->relays[VM_PORT_CONSOLE].to = config->stdout_fd;
	vm->relays[VM_PORT_STDERR].to = config->stderr_fd;
	vm->relays[VM_PORT_KERNEL].to = config->verbose ? config->stderr_fd : -1;
	vm->relays[VM_PORT_KERNEL].strip_cr = true;
	vm->relays[VM_PORT_KERNEL].tap = tap_kernel;
	vm->relays[VM_PORT_KERNEL].context = vm;
	vm->relays[VM_PORT_STATUS].tap = tap_lines;
	vm->relays[VM_PORT_STATUS].context = &vm->status;
	vm->relays[VM_PORT_MONITOR].tap = tap_lines;
	vm->relays[VM_PORT_MONITOR].context = &vm->monitor;
	vm->relays[RELAY_QEMU].to = config->verbose ? config->stderr_fd : -1;
	vm->relays[RELAY_QEMU].tap = tap_lines;
	vm->relays[RELAY_QEMU].context = &vm->qemu;
	if (vm->stdin_kind == GUEST_STDIN_STREAM || vm->stdin_kind == GUEST_STDIN_TERMINAL)
		vm->relays[RELAY_STDIN] = (struct relay){.from = config->stdin_fd,
			.to = vm->ends[VM_PORT_CONSOLE],
			.quote = vm->stdin_kind == GUEST_STDIN_STREAM,
			.line_start = true};
}

static int launch(struct vm *vm, struct qemu_command *command, int theirs[RELAYS], struct error *error)
{
	pid_t parent = getpid();

	vm->pid = fork();
	if (vm->pid == 0)
		execute(command->argv, theirs, parent);
	if (vm->pid < 0)
		return error_set(error, -errno, "cannot start QEMU: %s", strerror(errno));
	vm->started = true;
	vm->pidfd = pidfd_open(vm->pid, 0);
	if (vm->pidfd < 0)
		return error_set(error, -errno, "cannot watch QEMU: %s", strerror(errno));
	fcntl(vm->pidfd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* A QEMU that does not hear it has ended, which vm_poll() finds. */
static void say_to_monitor(const struct vm *vm, const char *command)
{
	if (vm->ends[VM_PORT_MONITOR] >= 0)
		dprintf(vm->ends[VM_PORT_MONITOR], "{\"execute\": \"%s\"}\n", command);
}

pid_t vm_pid(const struct vm *vm)
{
	return vm->pid;
}

void vm_release(struct vm *vm)
{
	if (vm->held)
		say_to_monitor(vm, "quit");
	vm->held = false;
}

int vm_start(struct vm *vm, struct error *error)
{
	struct qemu_command command = {0};
	int theirs[RELAYS], result;

	for (int i = 0; i < RELAYS; i++)
		theirs[i] = -1;
	result = make_ends(vm, theirs, error);
	if (!result)
		result = qemu_command_init(
			&command, &vm->config, vm->initramfs, vm_region_path(vm), theirs, error);
	if (!result)
		result = launch(vm, &command, theirs, error);
	close_all(theirs);
	qemu_command_deinit(&command);
	if (result < 0)
		return result;
	set_up_relays(vm);
	say_to_monitor(vm, "qmp_capabilities");
	if (vm->stdin_kind == GUEST_STDIN_TERMINAL)
		terminal_init(&vm->terminal, vm->config.stdin_fd);
	if (vm->config.timeout_s > 0)
		vm->deadline_ns = clock_now_ns(CLOCK_MONOTONIC) + (uint64_t)(vm->config.timeout_s * 1e9);
	return 0;
}

static void reap(struct vm *vm, int flags)
{
	if (waitpid(vm->pid, &vm->wait_status, flags) != vm->pid)
		return;
	vm->ended = true;
	vm->relays[RELAY_STDIN].ended = true;
	terminal_deinit(&vm->terminal);
}

static void end_qemu(struct vm *vm)
{
	if (!vm->started || vm->ended)
		return;
	kill(vm->pid, SIGKILL);
	reap(vm, 0);
}

static int remaining_ms(const struct vm *vm, int timeout_ms)
{
	uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	if (!vm->deadline_ns || vm->ended)
		return timeout_ms;
	if (now >= vm->deadline_ns)
		return 0;
	if ((vm->deadline_ns - now) / 1000000 < (uint64_t)timeout_ms)
		return (int)((vm->deadline_ns - now) / 1000000) + 1;
	return timeout_ms;
}

static bool output_pending(const struct vm *vm)
{
	for (int i = 0; i < RELAY_STDIN; i++)
		if (relay_busy(&vm->relays[i]))
			return true;
	return false;
}

int vm_poll(struct vm *vm, int wake_fd, int timeout_ms, struct error *error)
{
	struct pollfd waits[RELAYS + 2] = {0};

	for (int i = 0; i < RELAYS; i++) {
		relay_prepare(&vm->relays[i], &waits[i]);
		if (i == RELAY_STDIN && !vm->ready) /* nobody reads it yet */
			waits[i].fd = -1;
	}
	waits[RELAYS] = (struct pollfd){.fd = vm->ended ? -1 : vm->pidfd, .events = POLLIN};
	waits[RELAYS + 1] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
	if (poll(waits, RELAYS + 2, remaining_ms(vm, timeout_ms)) < 0 && errno != EINTR)
		return error_set(error, -errno, "cannot wait for the guest: %s", strerror(errno));
	for (int i = 0; i < RELAYS; i++)
		relay_serve(&vm->relays[i], &waits[i]);
	if (waits[RELAYS].revents)
		reap(vm, WNOHANG);
	if (vm->deadline_ns && !vm->ended && clock_now_ns(CLOCK_MONOTONIC) >= vm->deadline_ns) {
		vm->timed_out = true;
		end_qemu(vm);
	}
	if (vm->relays[VM_PORT_CONSOLE].broken) /* as SIGPIPE would end the command */
		end_qemu(vm);
	if (vm->held && !vm->ended)
		return 2;
	return !vm->ended || output_pending(vm);
}

static int qemu_failed(const struct vm *vm, struct error *error)
{
	if (WIFSIGNALED(vm->wait_status)) {
		error_set(error, -EIO, "QEMU was ended by signal %d (%s)", WTERMSIG(vm->wait_status),
			strsignal(WTERMSIG(vm->wait_status)));
		if (WTERMSIG(vm->wait_status) == SIGKILL)
			error_hint(error, "was the host out of memory? dmesg would say so");
		return VM_STATUS_FAILED;
	}
	error_set(error, -EIO, "QEMU failed: %s", line_log_recent(&vm->qemu, 0));
	if (WEXITSTATUS(vm->wait_status) == 127)
		error_hint(error, "install the Debian package qemu-system-x86");
	return VM_STATUS_FAILED;
}

/* The guest ended by itself, but said no status. */
static int guest_failed(const struct vm *vm, struct error *error)
{
	if (vm->failure[0])
		error_set(error, -EIO, "guest: %s", vm->failure);
	else if (vm->panic[0])
		error_set(error, -EIO, "the guest's kernel panicked: %s", vm->panic);
	else
		error_set(error, -EIO, "the guest ended before its command did");
	if (line_log_recent(&vm->kernel, 0)[0] && !vm->panic[0])
		error_hint(error, "the guest kernel's last words: %s", line_log_recent(&vm->kernel, 0));
	error_hint(error, "--verbose shows what the guest's kernel said");
	return VM_STATUS_FAILED;
}

int vm_status(struct vm *vm, struct error *error)
{
	if (vm->exit_status >= 0)
		return vm->exit_status;
	if (vm->timed_out) {
		error_set(error, -ETIMEDOUT, "the guest had not ended after %g s", vm->config.timeout_s);
		return VM_STATUS_TIMEOUT;
	}
	if (vm->relays[VM_PORT_CONSOLE]
			.broken) /* nobody reads the output any more: nor would a message help */
		return 128 + SIGPIPE;
	if (WIFSIGNALED(vm->wait_status) || WEXITSTATUS(vm->wait_status))
		return qemu_failed(vm, error);
	return guest_failed(vm, error);
}

void vm_destroy(struct vm *vm)
{
	if (!vm)
		return;
	end_qemu(vm);
	terminal_deinit(&vm->terminal);
	close_all(vm->ends);
	if (vm->pidfd >= 0)
		close(vm->pidfd);
	if (vm->kernel_log >= 0)
		close(vm->kernel_log);
	if (vm->started && vm->config.qmp_path)
		unlink(vm->config.qmp_path);
	run_directory_deinit(&vm->directory);
	free(vm->region);
	free(vm->initramfs);
	free(vm);
}
