/* SPDX-License-Identifier: MIT */
#include "host/collect/hypercall_guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

#define SECOND_NS 1000000000ull
/* Of one guest in one poll: the others want their turn, and a flood would never end. */
#define CALLS_A_POLL 8192
#define THREADS_MAX  4096
#define MODULE_NS    (3 * SECOND_NS / 2) /* a module says that it is there once a second */
#define BATCH_NS     (SECOND_NS / 2)     /* no batch stays longer with its guest */

static void end_machine(struct hypercall_guest *guest, const char *end_state, const char *message)
{
	if (guest->machine)
		hypercall_machine_destroy(guest->machine, end_state, message);
	guest->machine = NULL;
	guest->end_state[0] = guest->message[0] = '\0';
}

/* As it said itself, or else. */
static void end_as_said(struct hypercall_guest *guest, const char *otherwise)
{
	char end_state[sizeof(guest->end_state)], message[sizeof(guest->message)];

	snprintf(end_state, sizeof(end_state), "%s", guest->end_state[0] ? guest->end_state : otherwise);
	snprintf(message, sizeof(message), "%s", guest->message);
	end_machine(guest, end_state, message);
}

/* "CPU 3/KVM" in a QEMU with -name debug-threads=on. */
static uint32_t vcpu_of(pid_t vmm, pid_t tid)
{
	cleanup_free char *name = NULL;
	char path[64];
	unsigned vcpu;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", vmm, tid);
	if (file_read_small(AT_FDCWD, path, 64, &name, NULL, NULL) || sscanf(name, "CPU %u/KVM", &vcpu) != 1)
		return UINT32_MAX;
	return vcpu;
}

static void find_threads(struct hypercall_guest *guest)
{
	struct hypercall_thread *grown;
	struct dirent *entry;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", guest->memory.pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		const pid_t tid = atoi(entry->d_name);
		size_t i = 0;

		while (i < guest->nr_threads && guest->threads[i].tid != tid)
			i++;
		if (tid <= 0 || i < guest->nr_threads || i == THREADS_MAX)
			continue;
		grown = realloc(guest->threads, (i + 1) * sizeof(*grown));
		if (!grown)
			break;
		guest->threads = grown;
		grown[guest->nr_threads++] =
			(struct hypercall_thread){.tid = tid, .vcpu = vcpu_of(guest->memory.pid, tid)};
	}
	if (tasks)
		closedir(tasks);
}

/* What did not fit into the ring since the last look. */
static void count_lost(struct hypercall_guest *guest)
{
	for (size_t i = 0; i < guest->nr_threads; i++) {
		struct hypercall_thread *thread = &guest->threads[i];
		const struct hypercall_lost now = hypercall_source_lost(guest->watch.source, thread->tid);

		if (guest->machine && now.events > thread->lost.events)
			hypercall_machine_lose(
				guest->machine, (uint32_t)thread->tid, now.events - thread->lost.events);
		thread->lost = now;
	}
}

/* The guest's page, by the layout of its memory in which it is what HELLO says. */
static int read_header(struct hypercall_guest *guest, uint64_t physical, uint64_t generation,
	struct ht_region *header, struct error *error)
{
	const size_t before = guest->memory.current;
	int code = -EFAULT;

	for (size_t i = 0; i <= guest->memory.nr_layouts; i++) {
		/* first the one that holds so far */
		guest_memory_use_layout(&guest->memory, i == 0 ? before : i - 1);
		code = guest_memory_read(&guest->memory, physical, header, sizeof(*header));
		if (!code && header->magic == HT_MAGIC && header->generation == generation)
			break;
		code = code ? code : -EBADMSG;
	}
	if (code) {
		guest_memory_use_layout(&guest->memory, before);
		error_set(error, code, "its header at %#llx cannot be read: %s", (unsigned long long)physical,
			code == -EBADMSG ? "something else is there" : strerror(-code));
		return error_hint(
			       error, "memory that was plugged in later is seen when recording starts anew"),
		       code;
	}
	code = hypercall_machine_check(header, error);
	return code ? code : hypercall_watch_place(&guest->watch, &guest->memory);
}

/* What was said before the machine began, and since. */
static void place_marks(struct hypercall_guest *guest)
{
	const struct hypercall_mark *mark;

	while (guest->machine && (mark = hypercall_marks_oldest(&guest->marks))) {
		uint32_t vcpu = UINT32_MAX;

		for (size_t i = 0; i < guest->nr_threads; i++)
			if ((uint32_t)guest->threads[i].tid == mark->tid)
				vcpu = guest->threads[i].vcpu;
		hypercall_machine_mark(guest->machine, mark, vcpu);
		hypercall_marks_drop_oldest(&guest->marks);
	}
}

/* `header` NULL: the guest has no module, and makes marks only. */
static void begin_machine(struct hypercall_guest *guest, const struct ht_region *header)
{
	char name[sizeof(guest->name) + 16];
	struct error error = {0};
	uint32_t nr_cpus = 1;

	snprintf(name, sizeof(name), "%s", guest->name);
	if (guest->generations++) {
		snprintf(name, sizeof(name), "%s.%u", guest->name, guest->generations);
		recorder_notice(guest->common, "%s: recorded as %s from here on", guest->name, name);
	}
	find_threads(guest);
	count_lost(guest); /* what was lost before is no machine's */
	for (size_t i = 0; i < guest->nr_threads; i++)
		if (guest->threads[i].vcpu < HT_MAX_CPUS && guest->threads[i].vcpu >= nr_cpus)
			nr_cpus = guest->threads[i].vcpu + 1;
	guest->machine = header ? hypercall_machine_create(guest->events, header, name, &error)
				: hypercall_machine_create_plain(guest->events, nr_cpus, name, &error);
	if (!guest->machine) {
		recorder_fault(guest->common, &error);
		return;
	}
	if (!guest->member.machine[0])
		snprintf(guest->member.machine, sizeof(guest->member.machine), "%s", name);
	guest->member.state = RECORDER_RECORDS;
	place_marks(guest);
}

/* Marks, and no HELLO for longer than a module would take: there is none. */
static void begin_without_module(struct hypercall_guest *guest, int64_t before_ns)
{
	const struct hypercall_mark *mark = hypercall_marks_oldest(&guest->marks);

	if (!guest->machine && mark && mark->host_ns < before_ns)
		begin_machine(guest, NULL);
}

static void take_hello(struct hypercall_guest *guest, const struct hypercall_record *record)
{
	const uint64_t generation = record->args[2];
	struct ht_region header;
	struct error error = {0};

	if ((guest->machine && guest->machine->generation == generation) ||
		(guest->refused && guest->refused == generation))
		return;
	if (read_header(guest, record->args[0], generation, &header, &error)) {
		/* a guest may say so as often as it likes: once is enough to be told */
		if (!guest->refused)
			recorder_notice(guest->common, "%s: %s", guest->name, error.text);
		guest->refused = generation;
		return;
	}
	count_lost(guest);
	if (guest->machine && !guest->end_state[0])
		recorder_notice(guest->common, "%s: the guest's module started anew (reboot?)", guest->name);
	end_as_said(guest, "reboot");
	begin_machine(guest, &header);
}

static void take_stage(struct hypercall_guest *guest, const struct hypercall_record *record)
{
	static const char *const states[HT_STAGES] = {
		[HT_STAGE_REBOOT] = "reboot",
		[HT_STAGE_HALT] = "reboot",
		[HT_STAGE_POWER_OFF] = "reboot",
		[HT_STAGE_PANIC] = "panic",
		[HT_STAGE_STOPPED] = "stopped",
	};
	const uint64_t stage = record->args[0];
	char message[sizeof(guest->message)] = "", shown[4 * sizeof(message)];
	const struct hypercall_mark *text = &guest->marks.stage;

	if (!guest->machine || stage >= HT_STAGES || !states[stage] || guest->end_state[0])
		return;
	memcpy(message, &record->args[1], 16);
	if (text->tid == record->tid && text->bytes > 16 && !memcmp(text->text, message, 16))
		memcpy(message, text->text, text->bytes);
	snprintf(guest->end_state, sizeof(guest->end_state), "%s", states[stage]);
	snprintf(guest->message, sizeof(guest->message), "%s", message);
	shown[text_escape(shown, message, strlen(message))] = '\0';
	if (stage == HT_STAGE_PANIC)
		recorder_notice(guest->common, "%s: kernel panic: %s", guest->name, shown);
	else if (stage == HT_STAGE_STOPPED)
		recorder_notice(guest->common, "%s: the guest's module was unloaded", guest->name);
	else
		recorder_notice(guest->common, "%s: the guest goes down: %s", guest->name, shown);
}

/*
 * The packet of a FLUSH that nobody could copy, because we did not know the VM by then, or its page was not there. It lies
 * where it lay until its vCPU has more to say. 0: the record with it is guest->rescued.
 */
static int rescue(struct hypercall_guest *guest, const struct hypercall_record *record)
{
	struct ht_packet *header = (struct ht_packet *)guest->rescued->packet, after;
	const uint32_t bytes = HT_FLUSH_BYTES(record->args[1]);
	const uint64_t physical = record->args[0];

	if (record->number != HT_HYPERCALL_FLUSH || record->copied >= 0 || bytes < sizeof(*header) ||
		bytes > HT_FLUSH_MAX_BYTES)
		return -ENODATA;
	memcpy(guest->rescued, record, sizeof(*record));
	guest->rescued->copied = (int32_t)bytes;
	if (guest_memory_read(&guest->memory, physical, header, bytes) ||
		guest_memory_read(&guest->memory, physical, &after, sizeof(after)))
		return -EFAULT;
	/* closed, and before the call: a later one would have been closed later */
	return header->content_bytes == bytes && header->end_tsc <= record->args[3] &&
			!memcmp(header, &after, sizeof(after))
		? 0
		: -EFAULT;
}

static int take(void *context, const struct hypercall_record *record, size_t bytes)
{
	struct hypercall_guest *guest = context;

	switch (record->number) {
	case HT_HYPERCALL_HELLO:
		take_hello(guest, record);
		break;
	case HT_HYPERCALL_STAGE:
		take_stage(guest, record);
		break;
	case HT_HYPERCALL_FLUSH:
	case HT_HYPERCALL_EVENTS:
		if (guest->machine && !rescue(guest, record))
			hypercall_machine_batch(guest->machine, guest->rescued,
				sizeof(*record) + (size_t)guest->rescued->copied);
		else if (guest->machine)
			hypercall_machine_batch(guest->machine, record, bytes);
		break;
	case HT_HYPERCALL_MARK:
	case HT_HYPERCALL_TEXT:
		hypercall_marks_take(&guest->marks, record);
		place_marks(guest);
		break;
	}
	return 0;
}

/* Once a second: counts, and whether there is a VMM still. */
static void check(struct hypercall_guest *guest, uint64_t now_ns)
{
	guest->checked_ns = now_ns;
	if (!guest->since_ns)
		guest->since_ns = now_ns;
	find_threads(guest);
	count_lost(guest);
	begin_without_module(guest, (int64_t)now_ns - MODULE_NS);
	if (guest->machine) {
		hypercall_machine_settle(guest->machine, (int64_t)now_ns - BATCH_NS);
		hypercall_machine_count(guest->machine);
	}
	if (!guest->machine && !guest->generations && !guest->said_waiting &&
		now_ns - guest->since_ns > SECOND_NS) {
		guest->said_waiting = true;
		recorder_notice(guest->common,
			"%s: waiting for hypertrace.ko with channel=hypercall in the guest", guest->name);
	}
	if (guest_memory_has_ended(&guest->memory)) {
		while (hypercall_watch_poll(&guest->watch, CALLS_A_POLL))
			continue;
		begin_without_module(guest, INT64_MAX);
		count_lost(guest);
		end_as_said(guest, "gone");
		guest->member.state = RECORDER_GONE;
		recorder_notice(guest->common, "%s: QEMU has ended", guest->name);
	}
}

static unsigned poll_guest(struct recorder_member *member, uint64_t now_ns)
{
	struct hypercall_guest *guest = (struct hypercall_guest *)member;
	unsigned taken;

	if (guest->member.state == RECORDER_GONE)
		return 0;
	taken = hypercall_watch_poll(&guest->watch, CALLS_A_POLL);
	if (now_ns - guest->checked_ns >= SECOND_NS || !guest->checked_ns)
		check(guest, now_ns);
	/* a full ring holds some 20,000 small calls */
	return taken * 1000 / 20000;
}

static void finish_guest(struct recorder_member *member)
{
	struct hypercall_guest *guest = (struct hypercall_guest *)member;

	if (guest->member.state == RECORDER_GONE)
		return;
	/* a ring full, and no more: it may be filled faster than we can empty it */
	hypercall_watch_poll(&guest->watch, HYPERCALL_RING_BYTES / sizeof(struct hypercall_record));
	begin_without_module(guest, INT64_MAX);
	find_threads(guest);
	count_lost(guest);
	end_as_said(guest, "running");
	guest->member.state = RECORDER_GONE;
}

static void destroy_guest(struct recorder_member *member)
{
	struct hypercall_guest *guest = (struct hypercall_guest *)member;

	end_as_said(guest, "running");
	hypercall_watch_deinit(&guest->watch);
	guest_memory_deinit(&guest->memory);
	hypercall_marks_deinit(&guest->marks);
	free(guest->rescued);
	free(guest->threads);
	free(guest);
}

int hypercall_guest_create(struct hypercall_guest **out, const struct recorder_events *events,
	struct hypercall_source *source, struct guest_memory *memory, const char *name, struct error *error)
{
	static const struct recorder_member_ops ops = {poll_guest, finish_guest, destroy_guest};
	struct hypercall_guest *guest = calloc(1, sizeof(*guest));
	int code;

	if (!guest) {
		guest_memory_deinit(memory);
		return error_set(error, -ENOMEM, "out of memory");
	}
	*guest = (struct hypercall_guest){.member = {.ops = &ops, .ring_bytes = HYPERCALL_RING_BYTES},
		.events = events,
		.common = events->common,
		.memory = *memory,
		.watch = {.ring_fd = -1}};
	*memory = GUEST_MEMORY_NONE;
	snprintf(guest->name, sizeof(guest->name), "%s", name);
	guest->rescued = calloc(1, sizeof(*guest->rescued) + HT_FLUSH_MAX_BYTES);
	code = guest->rescued ? hypercall_marks_init(&guest->marks) : -ENOMEM;
	code = code ? error_set(error, code, "out of memory")
		    : hypercall_watch_init(&guest->watch, source, guest->memory.pid, take, guest, error);
	if (!code) {
		code = hypercall_watch_place(&guest->watch, &guest->memory);
		if (code)
			error_set(error, code, "channel hypercall: %s: %s", guest->memory.name,
				strerror(-code));
	}
	if (code) {
		destroy_guest(&guest->member);
		return code;
	}
	guest->member.identity[1] = (uint64_t)guest->memory.pid;
	guest->member.vmm = guest->memory.pid;
	*out = guest;
	return 0;
}
