/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/ftrace_functions.h"
#include "host/collect/ftrace_machine.h"
#include "host/collect/guest_log.h"
#include "host/kernel/guest_kernel.h"
#include "host/kernel/panic_state.h"
#include "host/kernel/system_state.h"
#include "lib/base/clock_now.h"
#include "lib/base/text.h"

#define MS_NS       1000000ull
#define LOOK_NS     (20 * MS_NS)   /* for the kernel, at least; a costly look is followed by a longer rest */
#define CHECK_NS    (500 * MS_NS)  /* is it still that kernel? are there new instances? */
#define TASKS_NS    (5000 * MS_NS)
#define REOPEN_NS   (300 * MS_NS)
#define WAITING_NS  (3000 * MS_NS) /* until we say that we wait */
#define MACHINES    FTRACE_BUFFERS_MAX
#define NAME_BYTES  48
#define FULL        1000u /* of a ring, in 1/1000 */

struct guest {
	struct ftrace_guest base; /* first */
	struct recorder_common *common;
	const struct ftrace_selection *selection;
	struct recorder_stock stock;
	struct guest_memory memory;
	struct guest_kernel kernel; /* memory NULL: not found so far */
	struct ftrace_events events;
	bool has_events, checked_words;
	size_t with_fields; /* events that had fields at the last look */
	struct event_schema *known;
	char name[NAME_BYTES];
	unsigned generations; /* kernels seen */
	struct ftrace_machine *machines[MACHINES];
	size_t nr_machines;
	uint64_t look_ns; /* when to look for the kernel, or to check it, next */
	uint64_t waits_since_ns, instance_failed;
	bool said_waiting, panicked;
	struct guest_log log; /* beside the first machine of this kernel */
	bool has_log;
	uint64_t tasks_ns;  /* when the tasks' names were read last */
	uint64_t opened_ns; /* when the memory was looked for again */
	char message[513]; /* of the panic or the end, raw */
};

static struct guest *of_member(struct recorder_member *member)
{
	return (struct guest *)member;
}

/* The kernel's log, and which process each task is of: no event says that. */
static void keep_state(struct guest *guest, uint64_t now_ns, bool final)
{
	struct machine_output *output;

	if (!guest->nr_machines)
		return;
	output = ftrace_machine_output(guest->machines[0]);
	if (!guest->has_log)
		guest->has_log = guest_log_init(&guest->log, &guest->kernel, output->dir_fd, NULL) == 0;
	if (guest->has_log)
		guest_log_poll(&guest->log, final);
	if (now_ns - guest->tasks_ns < TASKS_NS)
		return;
	guest->tasks_ns = now_ns;
	for (size_t i = 0; i < guest->nr_machines; i++)
		guest_log_tasks(&guest->kernel, &ftrace_machine_output(guest->machines[i])->names);
}

static void end_machines(struct guest *guest, const char *end_state, const char *message)
{
	if (guest->has_log)
		guest_log_deinit(&guest->log);
	guest->has_log = false;
	guest->tasks_ns = 0;
	for (size_t i = 0; i < guest->nr_machines; i++)
		ftrace_machine_destroy(guest->machines[i], end_state, message);
	guest->nr_machines = 0;
}

/* This kernel is no more. */
static void forget_kernel(struct guest *guest)
{
	if (guest->has_events)
		ftrace_events_deinit(&guest->events);
	if (guest->kernel.memory)
		guest_kernel_deinit(&guest->kernel);
	guest->has_events = guest->checked_words = guest->panicked = false;
	guest->message[0] = '\0';
	guest->kernel = (struct guest_kernel){0};
}

static void end_kernel(struct guest *guest, const char *end_state)
{
	if (guest->panicked)
		end_state = "panic";
	end_machines(guest, end_state, guest->message);
	forget_kernel(guest);
}

static void give_up(struct guest *guest, const char *end_state, const char *why)
{
	end_kernel(guest, end_state);
	guest->base.member.state = RECORDER_GONE;
	if (why)
		recorder_notice(guest->common, "%s: %s", guest->name, why);
}

static void name_machine(const struct guest *guest, const struct ftrace_instance *instance, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "%s", guest->name);

	if (guest->generations > 1)
		used += (size_t)snprintf(out + used, size - used, ".%u", guest->generations);
	if (!instance->name[0])
		return;
	out[used++] = '.';
	/* the guest's word becomes a directory's name */
	for (const char *at = instance->name; *at && used + 1 < size; at++)
		out[used++] = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *at) ? *at : '_';
	out[used] = '\0';
}

static bool is_followed(const struct guest *guest, const struct ftrace_instance *instance)
{
	for (size_t i = 0; i < guest->nr_machines; i++)
		if (ftrace_machine_address(guest->machines[i]) == instance->address)
			return true;
	return false;
}

static void add_machine(struct guest *guest, const struct ftrace_instance *instance, bool is_late)
{
	const struct ftrace_machine_wishes wishes = {.common = guest->common,
		.kernel = &guest->kernel,
		.events = &guest->events,
		.selection = guest->selection,
		.known = guest->known,
		.whole = guest->stock.whole || is_late,
		.is_late = is_late,
		.guest_time = guest->stock.guest_time,
		.start_host_ns = guest->generations > 1 ? 0 : guest->stock.start_host_ns};
	char name[NAME_BYTES + FTRACE_INSTANCE_NAME + 16];
	struct ftrace_machine *machine;
	struct error error = {0};
	int code;

	name_machine(guest, instance, name, sizeof(name));
	code = ftrace_machine_create(&machine, &wishes, instance, name, &error);
	if (code == 0) {
		guest->machines[guest->nr_machines++] = machine;
		guest->base.member.state = RECORDER_RECORDS;
		if (!guest->base.member.machine[0])
			snprintf(guest->base.member.machine, sizeof(guest->base.member.machine), "%s", name);
		if (!guest->base.member.ring_bytes || ftrace_machine_ring_bytes(machine) < guest->base.member.ring_bytes)
			guest->base.member.ring_bytes = ftrace_machine_ring_bytes(machine);
	} else if (code != -EAGAIN && guest->instance_failed != instance->address) {
		guest->instance_failed = instance->address;
		error_add(&error, "%s: not recorded", name);
		recorder_fault(guest->common, &error);
	}
}

/* The kernel fills in the fields of its events some time after it lists them. How many events have theirs? */
static size_t count_with_fields(const struct ftrace_events *events)
{
	size_t position = 0, with = 0;
	uint64_t type, value;

	while (hash_map_next(&events->by_type, &position, &type, &value)) {
		with += ((const struct ftrace_event *)(uintptr_t)value)->nr_fields > 0;
	}
	return with;
}

/* Only if no more got theirs since the last look; a dump has no other. */
static bool has_fields(struct guest *guest)
{
	const size_t with = count_with_fields(&guest->events);
	const bool ready = with && (with == guest->with_fields || !guest->memory.is_live) &&
		with > guest->events.by_type.count * 9 / 10;

	guest->with_fields = with;
	return ready;
}

/* A word of -e that none of the guest's events goes by. */
static void refuse_words(struct guest *guest)
{
	const char *word = ftrace_selection_stranger(guest->selection, &guest->events);

	guest->checked_words = true;
	if (!word || !guest->base.refusal || guest->base.refusal->code)
		return;
	error_set(guest->base.refusal, -EINVAL, "%s: -e %s: the guest's kernel has no such event", guest->name, word);
	error_hint(guest->base.refusal, "see /sys/kernel/tracing/available_events in the guest");
	recorder_notice(guest->common, "%s", guest->base.refusal->text);
}

static void refuse_functions(struct guest *guest)
{
	struct error error = {0};

	if (!guest->stock.functions || !ftrace_functions_check(guest->stock.functions, &guest->kernel, &error))
		return;
	error_add(&error, "%s", guest->name);
	recorder_notice(guest->common, "%s", error.text);
	if (guest->base.refusal && !guest->base.refusal->code)
		*guest->base.refusal = error;
}

/* Rings that are not followed yet. -ESRCH, -EIO. */
static int find_rings(struct guest *guest)
{
	/* what came into being while we look is recorded from its beginning */
	const bool first = guest->nr_machines == 0 && guest->generations == 1 && !guest->stock.from_start;
	struct ftrace_instance instances[MACHINES];
	struct error error = {0};
	int count, code;

	if (!guest->has_events) {
		code = ftrace_events_init(&guest->events, &guest->kernel, &error);
		if (code == -ESRCH || code == -EIO)
			return code;
		if (code == -EAGAIN)
			return 0;
		if (code) {
			error_add(&error, "%s", guest->name);
			recorder_fault(guest->common, &error);
			give_up(guest, "running", NULL);
			return 0;
		}
		if (!has_fields(guest)) {
			ftrace_events_deinit(&guest->events);
			return 0;
		}
		guest->has_events = true;
	}
	count = ftrace_instances(&guest->kernel, instances, MACHINES, &error);
	if (count < 0)
		return count == -ESRCH || count == -EIO ? count : 0;
	for (int i = 0; i < count && guest->nr_machines < MACHINES; i++)
		if (!is_followed(guest, &instances[i]))
			add_machine(guest, &instances[i], !first);
	if (!guest->checked_words && guest->nr_machines) {
		refuse_words(guest);
		refuse_functions(guest);
	}
	return 0;
}

static void say_waiting(struct guest *guest, uint64_t now_ns, const struct error *error)
{
	if (!guest->waits_since_ns)
		guest->waits_since_ns = now_ns;
	if (guest->said_waiting || now_ns - guest->waits_since_ns < WAITING_NS)
		return;
	guest->said_waiting = true;
	recorder_notice(guest->common, "%s: waiting: %s", guest->name, error->text);
}

/* A VMM that had just started when its memory was looked for. */
static void look_again(struct guest *guest, uint64_t now_ns)
{
	struct guest_memory memory;

	if (!guest->memory.is_guessed || now_ns - guest->opened_ns < REOPEN_NS)
		return;
	guest->opened_ns = now_ns;
	if (guest_memory_open_process(&memory, guest->memory.pid, NULL))
		return;
	guest_memory_deinit(&guest->memory);
	guest->memory = memory;
}

static void find_kernel(struct guest *guest, uint64_t now_ns)
{
	struct error error = {0};
	uint64_t cost_ns;
	int code;

	code = guest_kernel_init(&guest->kernel, &guest->memory, guest->stock.cache_dir, &error);
	if (code == 0) {
		guest->generations++;
		guest->look_ns = 0;
		guest->said_waiting = false;
		if (guest->generations > 1)
			recorder_notice(guest->common, "%s: recorded as %s.%u from here on", guest->name,
				guest->name, guest->generations);
		return;
	}
	guest->kernel = (struct guest_kernel){0};
	if (code == -EAGAIN && guest->memory.is_live) {
		/* half of our time at most */
		cost_ns = clock_now_ns(CLOCK_MONOTONIC) - now_ns;
		guest->look_ns = now_ns + 2 * cost_ns + LOOK_NS;
		say_waiting(guest, now_ns, &error);
		look_again(guest, now_ns);
		return;
	}
	if (code == -ESRCH) {
		give_up(guest, "gone", "the VMM has ended");
		return;
	}
	error_add(&error, "%s", guest->name);
	recorder_fault(guest->common, &error);
	give_up(guest, "running", NULL);
}

static void look_for_panic(struct guest *guest)
{
	struct panic_state panic;
	char shown[4 * sizeof(guest->message)];
	int cpu;

	if (guest->panicked || panic_state_poll(&guest->kernel, &cpu) != 1)
		return;
	guest->panicked = true;
	guest->message[0] = '\0';
	if (panic_state_read(&panic, &guest->kernel, NULL) == 0) {
		snprintf(guest->message, sizeof(guest->message), "%s", panic.message);
		panic_state_deinit(&panic);
	}
	shown[text_escape(shown, guest->message, strlen(guest->message))] = '\0';
	recorder_notice(guest->common, "%s: kernel panic: %s", guest->name, shown[0] ? shown : "(no message)");
}

/* Takes what the rings hold. */
static int poll_rings(struct guest *guest, uint64_t now_ns)
{
	int fullest = 0;

	for (size_t i = 0; i < guest->nr_machines;) {
		int fill = ftrace_machine_poll(guest->machines[i], now_ns);

		if (fill == -ESTALE || fill == -ENOENT) {
			ftrace_machine_destroy(guest->machines[i], fill == -ENOENT ? "stopped" : "running",
				fill == -ENOENT ? "the tracing instance was removed" : "the trace clock was changed");
			guest->machines[i] = guest->machines[--guest->nr_machines];
			if (fill == -ESTALE)
				guest->generations++;
			guest->look_ns = 0;
			continue;
		}
		if (fill < 0)
			return fill;
		fullest = fill > fullest ? fill : fullest;
		i++;
	}
	return fullest;
}

static int check_kernel(struct guest *guest, uint64_t now_ns)
{
	int code = guest_kernel_check(&guest->kernel);

	guest->look_ns = now_ns + (guest->nr_machines ? CHECK_NS : LOOK_NS);
	if (code == -ESTALE) {
		recorder_notice(guest->common, "%s: the guest starts anew (reboot)", guest->name);
		end_kernel(guest, "reboot");
		guest->base.member.state = RECORDER_WAITS;
		return 0;
	}
	if (code)
		return code;
	if (!guest_kernel_settle(&guest->kernel) && guest->memory.is_live)
		return 0;
	look_for_panic(guest);
	for (size_t i = 0; i < guest->nr_machines; i++)
		ftrace_machine_count(guest->machines[i]);
	code = find_rings(guest);
	keep_state(guest, now_ns, !guest->memory.is_live);
	return code;
}

/*
 * What the kernel writes between our last look and its emptying of the ring for a tracer is gone, and cannot be counted:
 * short looks make it little. True: that is to come.
 */
static bool awaits_tracer(const struct guest *guest)
{
	return guest->stock.tracer && guest->generations == 1 && guest->nr_machines &&
		strcmp(ftrace_machine_tracer(guest->machines[0]), guest->stock.tracer) != 0;
}

static unsigned poll_guest(struct recorder_member *member, uint64_t now_ns)
{
	struct guest *guest = of_member(member);
	int fill = 0;

	if (member->state == RECORDER_GONE)
		return 0;
	if (!guest->kernel.memory && now_ns >= guest->look_ns)
		find_kernel(guest, now_ns);
	if (!guest->kernel.memory)
		return 0;
	if (now_ns >= guest->look_ns)
		fill = check_kernel(guest, now_ns);
	if (fill == 0)
		fill = poll_rings(guest, now_ns);
	if (fill < 0)
		give_up(guest, "gone", fill == -ESRCH ? "the VMM has ended" : "its memory cannot be read any more");
	else if (!guest->memory.is_live) /* it stands still: that was all of it */
		give_up(guest, "stopped", NULL);
	if (fill >= 0 && awaits_tracer(guest))
		return FULL;
	return fill < 0 ? 0 : (unsigned)fill;
}

static void finish_guest(struct recorder_member *member)
{
	struct guest *guest = of_member(member);
	const char *end = NULL;

	if (member->state == RECORDER_GONE)
		return;
	if (guest->kernel.memory && guest_kernel_check(&guest->kernel) == 0) {
		look_for_panic(guest);
		poll_rings(guest, clock_now_ns(CLOCK_MONOTONIC));
		guest->tasks_ns = 0;
		keep_state(guest, clock_now_ns(CLOCK_MONOTONIC), true);
		end = system_state_end(&guest->kernel);
	}
	if (end && !guest->panicked)
		snprintf(guest->message, sizeof(guest->message), "%s", end);
	give_up(guest, end ? "reboot" : "running", NULL);
}

static void destroy_guest(struct recorder_member *member)
{
	struct guest *guest = of_member(member);

	end_kernel(guest, "running");
	guest_memory_deinit(&guest->memory);
	event_schema_destroy(guest->known);
	free(guest);
}

int ftrace_guest_create(struct ftrace_guest **out, struct recorder_common *common,
	const struct ftrace_selection *selection, struct guest_memory *memory, const struct recorder_stock *stock,
	const char *name, struct error *error)
{
	static const struct recorder_member_ops ops = {poll_guest, finish_guest, destroy_guest};
	struct guest *guest = calloc(1, sizeof(*guest));

	if (guest) {
		guest->base.member.ops = &ops;
		guest->common = common;
		guest->selection = selection;
		guest->stock = *stock;
		guest->memory = *memory;
		*memory = GUEST_MEMORY_NONE;
		snprintf(guest->name, sizeof(guest->name), "%s", name);
		guest->known = event_table_schema(EVENT_TABLE_TRACE, error);
		if (guest->known) {
			*out = &guest->base;
			return 0;
		}
		destroy_guest(&guest->base.member);
		return error ? error->code : -ENOMEM;
	}
	guest_memory_deinit(memory);
	return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
}
