/* SPDX-License-Identifier: MIT */
/*
 * The first and only program of a throw-away guest: mounts what programs expect, loads the modules, runs the
 * command, tells the host its exit status, and switches the machine off. host/vm/guest_image.c writes what it
 * reads.
 *
 *   /etc/hypertrace/modules      a line each: path of a module and its parameters
 *   /etc/hypertrace/command      the words of the command, each ended by NUL
 *   /etc/hypertrace/environment  likewise "NAME=VALUE"
 *   /etc/hypertrace/stdio        three words: where stdin, stdout and stderr lead
 *
 * Serial ports: ttyS0 is the command's console, ttyS1 the kernel's, ttyS2 tells the host how it went
 * ("ready", "exit N", "error TEXT"), ttyS3 may be the command's stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CONFIG      "/etc/hypertrace/"
#define STATUS_PORT "/dev/ttyS2"
#define MAX_WORDS   4096

static int status_port = -1, console_port = -1;

/* One line to the host. */
__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
	char line[512];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0 || status_port < 0)
		return;
	if ((size_t)length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	for (int sent = 0; sent < length;) {
		ssize_t count = write(status_port, line + sent, (size_t)(length - sent));

		if (count <= 0)
			return;
		sent += (int)count;
	}
}

static void drain(const char *path)
{
	int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		tcdrain(fd);
		close(fd);
	}
}

static void __attribute__((noreturn)) power_off(void)
{
	drain("/dev/ttyS0");
	drain("/dev/ttyS3");
	drain(STATUS_PORT);
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT); /* the host's QEMU ends at a reboot as well */
	for (;;)
		pause();
}

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tell("error %s", text);
	power_off();
}

static void mount_all(void)
{
	static const struct {
		const char *type, *path, *options;
	} mounts[] = {
		{"proc", "/proc", NULL},
		{"sysfs", "/sys", NULL},
		{"devtmpfs", "/dev", NULL},
		{"devpts", "/dev/pts", NULL},
		{"tmpfs", "/dev/shm", "mode=1777"},
		{"tracefs", "/sys/kernel/tracing", NULL},
		{"debugfs", "/sys/kernel/debug", NULL},
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);
		mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, mounts[i].options);
	}
	chmod("/tmp", 01777); /* no mount: the user's files may be in there */
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &request);
		close(fd);
	}
}

/*
 * What is written arrives as it is: no CR before LF. Reading: whole lines, echoed where a terminal is at the
 * far end.
 */
static void set_up_port(int fd, bool echo)
{
	struct termios settings;

	if (tcgetattr(fd, &settings) < 0)
		return;
	settings.c_oflag &= (tcflag_t)~OPOST;
	settings.c_iflag &= (tcflag_t) ~(IXON | IXOFF | ISTRIP | INLCR | IGNCR);
	settings.c_cflag |= CLOCAL | CREAD;
	if (!echo) {
		settings.c_iflag &= (tcflag_t)~ICRNL;
		settings.c_lflag &= (tcflag_t) ~(ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | ISIG);
	}
	tcsetattr(fd, TCSANOW, &settings);
}

static int open_port(const char *path, bool echo)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		set_up_port(fd, echo);
	return fd;
}

/* Reads a whole file; the result ends with NUL. Empty where there is none. */
static char *read_file(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status = {0};
	char *text;

	*length = 0;
	if (fd >= 0)
		fstat(fd, &status);
	text = calloc(1, (size_t)status.st_size + 1);
	if (!text)
		fail("out of memory");
	while (fd >= 0 && *length < (size_t)status.st_size) {
		ssize_t count = read(fd, text + *length, (size_t)status.st_size - *length);

		if (count <= 0)
			break;
		*length += (size_t)count;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

/* A file of words, each ended by NUL, as a NULL-ended array. */
static char **read_words(const char *path)
{
	static char *none[] = {NULL};
	size_t length, count = 0;
	char *text = read_file(path, &length), **words;

	if (!length)
		return none;
	words = calloc(MAX_WORDS + 1, sizeof(*words));
	if (!words)
		fail("out of memory");
	for (char *word = text; word < text + length; word += strlen(word) + 1) {
		if (count == MAX_WORDS)
			fail("more than %d words in %s", MAX_WORDS, path);
		words[count++] = word;
	}
	return words;
}

static void load_module(char *line)
{
	char *parameters = strchr(line, ' ');
	int fd;

	if (parameters)
		*parameters++ = '\0';
	fd = open(line, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, parameters ? parameters : "", 0) < 0)
		fail("cannot load %s: %s", line, strerror(errno));
	close(fd);
}

static void load_modules(void)
{
	size_t length;
	char *text = read_file(CONFIG "modules", &length), *state = NULL;

	for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		load_module(line);
	free(text);
}

/* Where one of the three standard files leads: a device, or any other file to read. */
static void open_standard(int target, const char *path)
{
	int fd = open(path, target == 0 && strncmp(path, "/dev/ttyS", 9) != 0 ? O_RDONLY : O_RDWR | O_NOCTTY);

	if (fd < 0)
		fail("cannot open %s: %s", path, strerror(errno));
	if (fd != target) {
		dup2(fd, target);
		close(fd);
	}
}

/*
 * Where a user types, the command gets the terminal. The session's leader is init: when a leader ends, the
 * kernel hangs the terminal up, and what it has not sent yet is lost.
 */
static void take_foreground(void)
{
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(console_port, getpid());
	signal(SIGTTOU, SIG_DFL);
}

/* In the child. Does not return. */
static void __attribute__((noreturn)) execute(char **command, char **environment, char paths[3][64])
{
	take_foreground();
	for (int i = 0; i < 3; i++)
		open_standard(i, paths[i]);
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	for (char **variable = environment; *variable; variable++)
		putenv(*variable);
	execvp(command[0], command);
	dprintf(2, "%s: %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* The command's status, as shells count: 128 + n for signal n. Orphans that end meanwhile are reaped. */
static int wait_for(pid_t command)
{
	int status;

	for (;;) {
		pid_t ended = wait(&status);

		if (ended < 0 && errno == ECHILD)
			return 255;
		if (ended == command)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

static void run_command(void)
{
	char paths[3][64] = {"/dev/null", "/dev/ttyS0", "/dev/ttyS0"};
	char **command = read_words(CONFIG "command"), **environment = read_words(CONFIG "environment");
	size_t length;
	char *stdio = read_file(CONFIG "stdio", &length);
	pid_t child;

	sscanf(stdio, "%63s %63s %63s", paths[0], paths[1], paths[2]);
	free(stdio);
	if (!command[0])
		fail("no command");
	tell("ready");
	child = fork();
	if (child == 0)
		execute(command, environment, paths);
	if (child < 0)
		fail("cannot start the command: %s", strerror(errno));
	tell("exit %d", wait_for(child));
}

int main(void)
{
	bool terminal = access(CONFIG "terminal", F_OK) == 0;
	int errors;

	mount_all();
	status_port = open_port(STATUS_PORT, false);
	/* held open: a port's settings last as long as somebody has it open */
	console_port = open_port("/dev/ttyS0", terminal);
	errors = open_port("/dev/ttyS3", false);
	if (console_port < 0)
		fail("the kernel shows no serial ports: /dev/ttyS0: %s", strerror(errno));
	setsid();
	if (terminal)
		ioctl(console_port, TIOCSCTTY, 0);
	sethostname("guest", 5);
	loopback_up();
	load_modules();
	run_command();
	close(errors);
	power_off();
}
