/* SPDX-License-Identifier: MIT */
/* The memory of a running process, read, searched, and gone. The "VMM" is fake_vmm.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/memory/guest_memory.h"
#include "tests/unit/fake_vmm.h"
#include "tests/unit/verb_run.h"

#define MIB  (UINT64_C(1) << 20)
#define PAGE ((uint64_t)GUEST_PAGE_BYTES)

struct vmm {
	pid_t pid;
	int input; /* of the VMM */
	FILE *output;
	uint64_t addresses[4];
};

static void start(struct vmm *vmm, const char *const *mappings)
{
	const char *words[6] = {getenv("FAKE_VMM")};
	int to[2], from[2];
	char line[256], *at = line;

	if (!words[0])
		skip(); /* meson test names the program */
	for (size_t i = 0; mappings[i] && i < 4; i++)
		words[i + 1] = mappings[i];
	assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
	vmm->pid = fork();
	if (vmm->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execv(words[0], (char **)words);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	vmm->input = to[1];
	vmm->output = fdopen(from[0], "r");
	assert_non_null(fgets(line, sizeof(line), vmm->output));
	for (size_t i = 0; mappings[i]; i++)
		vmm->addresses[i] = strtoull(at, &at, 16);
}
#define START(vmm, ...) start(vmm, (const char *const[]){__VA_ARGS__, NULL})

static long command(struct vmm *vmm, char what)
{
	char line[64];

	assert_int_equal(write(vmm->input, &what, 1), 1);
	assert_non_null(fgets(line, sizeof(line), vmm->output));
	return strtol(line, NULL, 10);
}

static void stop(struct vmm *vmm)
{
	kill(vmm->pid, SIGKILL);
	waitpid(vmm->pid, NULL, 0);
	close(vmm->input);
	fclose(vmm->output);
}

/* How many pages with that prefix are found; they come by rising address and are what the VMM wrote. */
static size_t count_pages(const struct guest_memory *memory, const char *prefix)
{
	uint64_t cursor = 0, offset, last = 0;
	size_t count = 0;
	int found;

	while ((found = guest_memory_find_page(memory, prefix, strlen(prefix), &cursor, &offset)) == 1) {
		char text[32] = "";

		assert_true(!count || offset > last);
		last = offset;
		count++;
		assert_int_equal(guest_memory_read_offset(memory, offset, text, sizeof(text) - 1), 0);
		assert_memory_equal(text, prefix, strlen(prefix));
	}
	assert_int_equal(found, 0);
	return count;
}

/* Pages of [address, address + bytes) that the VMM has. */
static size_t count_present(const struct vmm *vmm, uint64_t address, uint64_t bytes)
{
	size_t present = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", vmm->pid);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	for (uint64_t page = address / PAGE; page < (address + bytes) / PAGE; page++) {
		uint64_t entry;

		assert_int_equal(pread(fd, &entry, 8, (off_t)(page * 8)), 8);
		present += entry >> 63;
	}
	close(fd);
	return present;
}

static void is_read(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	struct vmm vmm;
	char text[3 * PAGE], *page = text + PAGE - 8;

	(void)state;
	START(&vmm, "anonymous:32");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	snprintf(text, sizeof(text), "process %d", vmm.pid);
	assert_string_equal(memory.name, text);
	assert_true(memory.is_live);
	assert_int_equal(memory.nr_layouts, 1);
	assert_string_equal(memory.layouts[0].why, "one block");
	assert_int_equal(memory.layouts[0].ranges[0].offset, vmm.addresses[0]);
	assert_int_equal(guest_memory_end(&memory), 32 * MIB);

	assert_int_equal(guest_memory_read(&memory, 0, text, 16), 0);
	assert_string_equal(text, "page 0 0");
	/* across pages */
	assert_int_equal(guest_memory_read(&memory, 16 * PAGE - 8, page - 8, 32), 0);
	assert_string_equal(page, "page 0 16");
	assert_int_equal(guest_memory_read(&memory, 31 * PAGE, text, sizeof(text)), 0);
	assert_string_equal(text + PAGE, "page 0 32");
	stop(&vmm);
	guest_memory_deinit(&memory);
}

static void has_limits(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	struct vmm vmm;
	char bytes[16];
	uint64_t cursor = 0, offset;

	(void)state;
	START(&vmm, "anonymous:32");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	assert_int_equal(guest_memory_read(&memory, 32 * MIB - 16, bytes, 16), 0);
	assert_int_equal(guest_memory_read(&memory, 32 * MIB - 15, bytes, 16), -EFAULT);
	assert_int_equal(guest_memory_read(&memory, 32 * MIB, bytes, 1), -EFAULT);
	assert_int_equal(guest_memory_read(&memory, UINT64_MAX - 7, bytes, 16), -EFAULT);
	assert_int_equal(guest_memory_read(&memory, UINT64_MAX, bytes, 0), 0);
	/* nothing of the process but its guest's RAM */
	offset = vmm.addresses[0];
	assert_int_equal(guest_memory_read_offset(&memory, offset + 32 * MIB - 16, bytes, 16), 0);
	assert_int_equal(guest_memory_read_offset(&memory, offset + 32 * MIB - 15, bytes, 16), -EFAULT);
	assert_int_equal(guest_memory_read_offset(&memory, offset - 1, bytes, 1), -EFAULT);
	assert_int_equal(guest_memory_find_page(&memory, bytes, 0, &cursor, &offset), -EINVAL);
	assert_int_equal(guest_memory_find_page(&memory, bytes, PAGE + 1, &cursor, &offset), -EINVAL);
	stop(&vmm);
	guest_memory_deinit(&memory);
}

static void is_searched(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	struct vmm vmm;
	size_t before;

	(void)state;
	START(&vmm, "anonymous:32");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	before = count_present(&vmm, vmm.addresses[0], 32 * MIB);
	assert_int_equal(before, 32 * MIB / PAGE / FAKE_VMM_STEP);
	assert_int_equal(count_pages(&memory, "page 0 "), before);
	assert_int_equal(count_pages(&memory, "page 0 8176"), 1); /* the last one */
	assert_int_equal(count_pages(&memory, "page 1 "), 0);
	/* the search has made none */
	assert_int_equal(count_present(&vmm, vmm.addresses[0], 32 * MIB), before);
	stop(&vmm);
	guest_memory_deinit(&memory);
}

/* What another process has written into shared memory is not in the VMM's page tables. */
static void finds_what_others_wrote(void **state)
{
	char path[64], entry[96];
	struct guest_memory memory;
	struct error error = {0};
	struct stat before, after;
	struct vmm vmm;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/dev/shm/test_guest_memory.%d", getpid());
	snprintf(entry, sizeof(entry), "%s:32", path);
	START(&vmm, entry);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "from outside", 12, 5 * PAGE), 12);
	assert_int_equal(fstat(fd, &before), 0);
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	assert_int_equal(count_pages(&memory, "from outside"), 1);
	assert_int_equal(count_pages(&memory, "page 0 "), 32 * MIB / PAGE / FAKE_VMM_STEP);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_blocks, before.st_blocks);
	guest_memory_deinit(&memory);

	/* the same by the file */
	assert_int_equal(guest_memory_open_file(&memory, path, &error), 0);
	assert_int_equal(memory.layouts[0].nr_ranges, 1);
	assert_int_equal(count_pages(&memory, "from outside"), 1);
	assert_int_equal(count_pages(&memory, "page 0 "), 32 * MIB / PAGE / FAKE_VMM_STEP);
	stop(&vmm);
	guest_memory_deinit(&memory);
	close(fd);
	unlink(path);
}

static void finds_memfd(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	struct vmm vmm;

	(void)state;
	START(&vmm, "memfd:32", "hidden:64", "anonymous:1");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	assert_int_equal(memory.nr_layouts, 1);
	assert_int_equal(guest_memory_end(&memory), 32 * MIB);
	assert_int_equal(count_pages(&memory, "page 0 "), 32 * MIB / PAGE / FAKE_VMM_STEP);
	assert_int_equal(count_pages(&memory, "page 2 "), 0);
	stop(&vmm);
	guest_memory_deinit(&memory);
}

/* Is there a layout where the first pages of two mappings are at these physical addresses? */
static bool has_layout(struct guest_memory *memory, uint64_t first_at, const char *second_page,
	uint64_t second_at, uint64_t end)
{
	for (size_t i = 0; i < memory->nr_layouts; i++) {
		char first[16] = "", second[16] = "";

		guest_memory_use_layout(memory, i);
		if (!guest_memory_read(memory, first_at, first, 15) && !strcmp(first, "page 0 0") &&
			!guest_memory_read(memory, second_at, second, 15) && !strcmp(second, second_page) &&
			guest_memory_end(memory) == end)
			return true;
	}
	return false;
}

static void knows_several_mappings(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	struct vmm vmm;

	(void)state;
	START(&vmm, "memfd:32", "memfd:48");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	assert_true(has_layout(&memory, 0, "page 1 0", 32 * MIB, 80 * MIB));
	assert_true(has_layout(&memory, 48 * MIB, "page 1 0", 0, 80 * MIB));
	guest_memory_use_layout(&memory, memory.nr_layouts); /* no such: nothing changes */
	assert_true(memory.current < memory.nr_layouts);
	stop(&vmm);
	guest_memory_deinit(&memory);

	/* low and high RAM; to the kernel they are one mapping, or two */
	START(&vmm, "anonymous:3072", "anonymous:1024");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	assert_true(has_layout(&memory, 0, "page 1 0", 4096 * MIB, 5120 * MIB));
	stop(&vmm);
	guest_memory_deinit(&memory);
}

static void goes(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	uint64_t cursor = 0, offset;
	struct vmm vmm;
	char bytes[16];

	(void)state;
	START(&vmm, "anonymous:32");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), 0);
	assert_false(guest_memory_has_ended(&memory));
	/* unplugged: the VMM lives, that memory does not */
	assert_int_equal(command(&vmm, 'u'), 0);
	assert_int_equal(guest_memory_read(&memory, 0, bytes, 16), -EFAULT);
	assert_int_equal(guest_memory_find_page(&memory, "page", 4, &cursor, &offset), 0);
	assert_int_equal(guest_memory_open_process(&(struct guest_memory){0}, vmm.pid, &error), -ENODEV);

	kill(vmm.pid, SIGKILL);
	while (guest_memory_read(&memory, 0, bytes, 16) == -EFAULT)
		usleep(1000);
	cursor = 0;
	assert_int_equal(guest_memory_read(&memory, 0, bytes, 16), -ESRCH);
	/* a zombie so far */
	waitid(P_PID, (id_t)vmm.pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	assert_true(guest_memory_has_ended(&memory));
	assert_int_equal(guest_memory_find_page(&memory, "page", 4, &cursor, &offset), -ESRCH);
	assert_int_equal(guest_memory_open_process(&(struct guest_memory){0}, vmm.pid, &error), -ESRCH);
	assert_non_null(strstr(error.text, "has ended"));
	stop(&vmm);
	assert_int_equal(guest_memory_read(&memory, 0, bytes, 16), -ESRCH);
	guest_memory_deinit(&memory);
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), -ESRCH);
	assert_non_null(strstr(error.text, "no such process"));
	assert_int_equal(memory.fd, -1);
}

static void says_what_is_wrong(void **state)
{
	struct guest_memory memory;
	struct error error = {0};
	struct vmm vmm;
	char text[128];
	long thread;

	(void)state;
	START(&vmm, "anonymous:1");
	assert_int_equal(guest_memory_open_process(&memory, vmm.pid, &error), -ENODEV);
	snprintf(
		text, sizeof(text), "process %d (fake_vmm) holds no memory that could be a guest's", vmm.pid);
	assert_string_equal(error.text, text);
	thread = command(&vmm, 't');
	assert_int_equal(guest_memory_open_process(&memory, (pid_t)thread, &error), -EINVAL);
	snprintf(text, sizeof(text), "process %ld: a thread of process %d", thread, vmm.pid);
	assert_string_equal(error.text, text);
	stop(&vmm);
	assert_int_equal(guest_memory_open_process(&memory, 0, &error), -ESRCH);
	assert_int_equal(guest_memory_open_process(&memory, -5, &error), -ESRCH);
	assert_int_equal(guest_memory_open_process(&memory, 0, NULL), -ESRCH);
}

/* As another user: root's processes are not ours to read. */
static void needs_permission(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (getuid())
		skip();
	child = fork();
	if (child == 0) {
		struct guest_memory memory;
		struct error error = {0};
		int code;

		if (setgid(65534) || setuid(65534))
			_exit(2);
		code = guest_memory_open_process(&memory, getppid(), &error);
		_exit((code == -EACCES || code == -EPERM) && strstr(error.hint, "CAP_SYS_PTRACE") &&
					strstr(error.hint, "ptrace_scope")
				? 0
				: 1);
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void is_recorded_once(void **state)
{
	char arguments[128];
	struct vmm vmm;

	(void)state;
	START(&vmm, "memfd:32");
	snprintf(arguments, sizeof(arguments),
		"record --channel ftrace --pid %d --pid %d -o once --duration 1", vmm.pid, vmm.pid);
	verb_contains("/tmp", arguments, 1, "the same guest twice");
	stop(&vmm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_read),
		cmocka_unit_test(has_limits),
		cmocka_unit_test(is_searched),
		cmocka_unit_test(finds_what_others_wrote),
		cmocka_unit_test(finds_memfd),
		cmocka_unit_test(knows_several_mappings),
		cmocka_unit_test(goes),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(needs_permission),
		cmocka_unit_test(is_recorded_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
