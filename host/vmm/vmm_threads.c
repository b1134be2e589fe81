/* SPDX-License-Identifier: MIT */
#include "host/vmm/vmm_threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vmm/qmp.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

#define THREADS_MAX       65536
#define ANSWER_MS         500
#define LOOKS             5
#define LOOK_MS           10
#define BUSY_TRIES        5
#define BUSY_MS           20
#define SYSCALL_IOCTL     16 /* x86-64 */
#define KVM_RUN           0xae80
#define UNIX_SOCKETS_MAX  (16u << 20) /* bytes of /proc/net/unix */
#define UNIX_STATE_IN_USE 3           /* SS_CONNECTED */

int vmm_add_vcpu(struct vmm *vmm, uint32_t vcpu, pid_t tid)
{
	struct vmm_vcpu *grown;
	size_t at = vmm->nr_vcpus;

	while (at && vmm->vcpus[at - 1].vcpu > vcpu)
		at--;
	if (at && vmm->vcpus[at - 1].vcpu == vcpu) {
		vmm->vcpus[at - 1].tid = tid ? tid : vmm->vcpus[at - 1].tid;
		return 0;
	}
	if (vmm->nr_vcpus == VMM_VCPUS_MAX)
		return -E2BIG;
	grown = realloc(vmm->vcpus, (vmm->nr_vcpus + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	vmm->vcpus = grown;
	memmove(&grown[at + 1], &grown[at], (vmm->nr_vcpus++ - at) * sizeof(*grown));
	grown[at] = (struct vmm_vcpu){vcpu, tid};
	return 0;
}

int32_t vmm_thread_vcpu(const char *comm, enum vmm_accel *accel)
{
	static const struct {
		const char *before, *behind;
		enum vmm_accel accel;
	} names[] = {
		{"CPU ", "/KVM", VMM_ACCEL_KVM},                                  /* QEMU */
		{"CPU ", "/TCG", VMM_ACCEL_TCG}, {"fc_vcpu ", "", VMM_ACCEL_KVM}, /* firecracker */
		{"vcpu", "", VMM_ACCEL_KVM},                                      /* cloud-hypervisor */
		{"crosvm_vcpu", "", VMM_ACCEL_KVM},                               /* crosvm */
		{"kvm-vcpu-", "", VMM_ACCEL_KVM},                                 /* kvmtool */
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *number = comm + strlen(names[i].before);
		size_t digits;
		uint64_t value;

		if (strncmp(comm, names[i].before, strlen(names[i].before)))
			continue;
		digits = strspn(number, "0123456789");
		if (strcmp(number + digits, names[i].behind) ||
			text_parse_unsigned(number, digits, UINT16_MAX, &value))
			continue;
		*accel = names[i].accel;
		return (int32_t)value;
	}
	return -1;
}

static void read_comm(int directory, const char *tid, char comm[32])
{
	cleanup_free char *text = NULL;
	char path[300];

	comm[0] = '\0';
	snprintf(path, sizeof(path), "task/%s/comm", tid);
	if (file_read_small(directory, path, 64, &text, NULL, NULL))
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(comm, 32, "%s", text);
}

/* Threads that the kernel made within the process: they look as if they were where the thread was that they come of. */
static bool is_kernels_own(const char *comm)
{
	return !strncmp(comm, "kvm-", 4) || !strncmp(comm, "vhost-", 6) || !strncmp(comm, "iou-", 4);
}

#define RUNNING -2

/* The vCPU in whose KVM_RUN the thread is; RUNNING: on a CPU just now; -1: in none, or not for us to know. */
static int32_t vcpu_of_syscall(int directory, const char *tid)
{
	cleanup_free char *text = NULL;
	char path[300], target[64];
	unsigned long number, request;
	unsigned fd, vcpu;
	ssize_t length;

	snprintf(path, sizeof(path), "task/%s/syscall", tid);
	if (file_read_small(directory, path, 4096, &text, NULL, NULL))
		return -1;
	if (!strncmp(text, "running", 7))
		return RUNNING;
	if (sscanf(text, "%lu 0x%x 0x%lx", &number, &fd, &request) != 3 || number != SYSCALL_IOCTL ||
		request != KVM_RUN)
		return -1;
	snprintf(path, sizeof(path), "fd/%u", fd);
	length = readlinkat(directory, path, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = '\0';
	return sscanf(target, "anon_inode:kvm-vcpu:%u", &vcpu) == 1 && vcpu <= UINT16_MAX ? (int32_t)vcpu
											  : -1;
}

struct search {
	struct vmm *vmm;
	int directory;
	bool by_name;      /* some thread told by its name: numbers are the VMM's, not KVM's */
	size_t nr_running; /* threads that ran while they were looked at, and may be anything */
	pid_t running[VMM_VCPUS_MAX];
};

static bool is_known(const struct vmm *vmm, pid_t tid)
{
	for (size_t i = 0; i < vmm->nr_vcpus; i++)
		if (vmm->vcpus[i].tid == tid)
			return true;
	return false;
}

static int look_at_call(struct search *search, const char *name, const char *comm)
{
	struct vmm *vmm = search->vmm;
	const pid_t tid = (pid_t)atoi(name);
	int32_t vcpu;

	if (vmm->accel != VMM_ACCEL_KVM || search->by_name || is_kernels_own(comm) || is_known(vmm, tid))
		return 0;
	vcpu = vcpu_of_syscall(search->directory, name);
	if (vcpu == RUNNING && search->nr_running < VMM_VCPUS_MAX)
		search->running[search->nr_running++] = tid;
	return vcpu < 0 ? 0 : vmm_add_vcpu(vmm, (uint32_t)vcpu, tid);
}

static int look_at_thread(struct search *search, const char *name)
{
	struct vmm *vmm = search->vmm;
	const pid_t tid = (pid_t)atoi(name);
	enum vmm_accel accel = VMM_ACCEL_UNKNOWN;
	char comm[32];
	int32_t vcpu;
	int err = 0;

	read_comm(search->directory, name, comm);
	vcpu = vmm_thread_vcpu(comm, &accel);
	/* a QEMU with one thread for all of them */
	if (!strcmp(comm, "ALL CPUs/TCG")) {
		accel = VMM_ACCEL_TCG;
		for (uint32_t i = 0; !err && i < (vmm->command.nr_cpus ? vmm->command.nr_cpus : 1); i++)
			err = vmm_add_vcpu(vmm, i, tid);
	} else if (vcpu >= 0) {
		err = vmm_add_vcpu(vmm, (uint32_t)vcpu, tid);
	} else {
		err = look_at_call(search, name, comm);
	}
	if (accel != VMM_ACCEL_UNKNOWN) {
		vmm->accel = accel;
		search->by_name = true;
	}
	return err;
}

static int look_at_all(struct search *search)
{
	const int fd = openat(search->directory, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!tasks) {
		if (fd >= 0)
			close(fd);
		return 0; /* it has ended */
	}
	search->nr_running = 0;
	for (unsigned i = 0; i < THREADS_MAX && !err && (entry = readdir(tasks)); i++)
		if (entry->d_name[0] != '.')
			err = look_at_thread(search, entry->d_name);
	closedir(tasks);
	return err == -E2BIG ? 0 : err;
}

static size_t count_missing(const struct vmm *vmm)
{
	size_t missing = 0;

	for (size_t i = 0; i < vmm->nr_vcpus; i++)
		missing += !vmm->vcpus[i].tid;
	return missing;
}

/* As many threads run as vCPUs are missing: VMMs start their vCPUs' threads in order. */
static void assign_running(struct search *search)
{
	size_t next = 0;

	if (search->nr_running != count_missing(search->vmm))
		return;
	for (size_t i = 0; i < search->vmm->nr_vcpus; i++)
		if (!search->vmm->vcpus[i].tid)
			search->vmm->vcpus[i].tid = search->running[next++];
}

/* Descriptors have KVM's numbers, which are those of APICs where QEMU has made topologies with gaps. */
static void drop_unknown(struct vmm *vmm)
{
	size_t kept = 0;

	for (size_t i = 0; i < vmm->nr_vcpus; i++)
		if (vmm->vcpus[i].tid)
			vmm->vcpus[kept++] = vmm->vcpus[i];
	vmm->nr_vcpus = kept;
}

int vmm_threads_find(struct vmm *vmm, int directory)
{
	struct search *search = calloc(1, sizeof(*search));
	int err;

	if (!search)
		return -ENOMEM;
	search->vmm = vmm;
	search->directory = directory;
	err = look_at_all(search);
	if (search->by_name)
		drop_unknown(vmm);
	/* a vCPU that halts now and then is caught at it */
	for (unsigned tries = 0; !err && tries < LOOKS && vmm->accel == VMM_ACCEL_KVM && count_missing(vmm);
		tries++) {
		poll(NULL, 0, LOOK_MS);
		err = look_at_all(search);
	}
	if (!err && !search->by_name && vmm->accel == VMM_ACCEL_KVM)
		assign_running(search);
	free(search);
	return err;
}

/* NUM: REFCOUNT PROTOCOL FLAGS TYPE STATE INODE PATH, see proc_net_unix(5). A listener's connections have its path. */
static bool has_client(int proc_fd, const char *path)
{
	cleanup_free char *text = NULL;

	if (file_read_small(proc_fd, "net/unix", UNIX_SOCKETS_MAX, &text, NULL, NULL))
		return false;
	for (char *line = text, *next; *line; line = next) {
		unsigned state;
		int at = 0;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %x %*s %n", &state, &at) == 1 && at &&
			state == UNIX_STATE_IN_USE && !strcmp(line + at, path))
			return true;
	}
	return false;
}

bool vmm_socket_is_busy(int proc_fd, const char *path)
{
	/* QEMU takes a moment to see that a client has gone, perhaps ourselves */
	for (unsigned tries = 0; tries < BUSY_TRIES; tries++) {
		if (!has_client(proc_fd, path))
			return false;
		poll(NULL, 0, BUSY_MS);
	}
	return true;
}

/* The answer to query-cpus-fast. A thread that is none of the process's has its id in another namespace. */
static int take_answer(struct vmm *vmm, int proc_fd, const json_t *answer)
{
	const json_t *item;
	size_t i;
	int err = 0;

	if (json_array_size(answer))
		vmm->nr_vcpus = 0; /* its numbers, not KVM's */
	json_array_foreach (answer, i, item) {
		const json_int_t vcpu = json_integer_value(json_object_get(item, "cpu-index")),
				 tid = json_integer_value(json_object_get(item, "thread-id"));
		char path[64];

		if (err || vcpu < 0 || vcpu > UINT16_MAX || tid <= 0 || tid > INT32_MAX)
			continue;
		snprintf(path, sizeof(path), "%d/task/%d", (int)vmm->pid, (int)tid);
		if (!faccessat(proc_fd, path, F_OK, 0))
			err = vmm_add_vcpu(vmm, (uint32_t)vcpu, (pid_t)tid);
	}
	return err == -E2BIG ? 0 : err;
}

int vmm_threads_ask(struct vmm *vmm, int proc_fd)
{
	struct error ignored = {0};
	json_t *answer = NULL;
	struct qmp qmp;
	int err = -ENOENT;

	for (size_t i = 0; err && i < vmm->command.nr_sockets; i++) {
		const char *path = vmm->command.sockets[i];

		if (vmm_socket_is_busy(proc_fd, path) || qmp_init_within(&qmp, path, ANSWER_MS, &ignored))
			continue;
		err = qmp_command(&qmp, "query-cpus-fast", NULL, &answer, &ignored);
		qmp_deinit(&qmp);
	}
	if (err)
		return 0;
	err = take_answer(vmm, proc_fd, answer);
	json_decref(answer);
	return err;
}
