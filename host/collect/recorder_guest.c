/* SPDX-License-Identifier: MIT */
#include "host/collect/recorder_guest.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/collect/event_table.h"
#include "host/collect/function_names.h"
#include "lib/base/clock_now.h"
#include "lib/base/text.h"

#define SECOND_NS 1000000000ull
#define ANSWER_NS \
	(8 * SECOND_NS) /* for wishes to come into force: an emulated guest on a busy host takes seconds for all events */
#define STOP_NS       (SECOND_NS / 5)
#define LATE_NS       (SECOND_NS / 10)
#define NAMES_NS      (5 * SECOND_NS) /* for the rest of the symbols, at the end of a short recording */
#define ENDING_NS     (SECOND_NS / 2) /* events still come after a guest said that it goes down */
#define MESSAGE_BYTES 513

static const char *const end_states[] = {
	[HT_STATE_NONE] = "running",
	[HT_STATE_RUNNING] = "running",
	[HT_STATE_STOPPED] = "stopped",
	[HT_STATE_REBOOT] = "reboot",
	[HT_STATE_PANIC] = "panic",
};

/* What of the functions' names was not known to it: its symbols tell what was meant, perhaps. */
static void suggest_functions(struct recorder_guest *guest)
{
	struct machine_output *output = &guest->machine->output;
	char hint[FUNCTION_NAMES_HINT_BYTES], shown[4 * sizeof(hint) + 1];
	struct names names = {0};

	if (!guest->refused || !guest->request.functions || output->dir_fd < 0)
		return;
	names_writer_flush(&output->names);
	names_load(&names, output->dir_fd, NAMES_SYMBOLS, NULL);
	function_names_hint(&names, guest->request.functions, hint);
	names_deinit(&names);
	shown[text_escape(shown, hint, strlen(hint))] = '\0';
	if (!hint[0])
		return;
	recorder_notice(guest->common, "%s: %s", guest->name, shown);
	if (guest->refusal && guest->refusal->code && !guest->refusal->hint[0])
		error_hint(guest->refusal, "%s", shown);
}

static void end_machine(struct recorder_guest *guest, const char *end_state, const char *message)
{
	if (!guest->machine)
		return;
	awareness_destroy(guest->awareness);
	guest->awareness = NULL;
	if (guest->budget)
		recorder_budget_end(guest->budget, &guest->machine->output, guest->name);
	suggest_functions(guest);
	recorder_machine_destroy(guest->machine, end_state, message);
	guest->machine = NULL;
	guest->ending_ns = 0;
}

static void give_up(struct recorder_guest *guest, const char *why)
{
	char message[MESSAGE_BYTES] = "";
	enum ht_state state = guest->machine ? region_state(&guest->region, message) : HT_STATE_NONE;
	/* its last word stands, also where its VMM ended before we had heard it out */
	const bool said = state != HT_STATE_RUNNING && state != HT_STATE_NONE;

	end_machine(guest, said ? end_states[state] : "gone", said ? message : "");
	guest->member.state = RECORDER_GONE;
	recorder_notice(guest->common, "%s: %s", guest->name, why);
}

/* Are our wishes in force, or is there no use in waiting for it? */
static bool wishes_answered(struct recorder_guest *guest, uint64_t now_ns)
{
	struct error error = {0};
	int code;

	if (guest->answered || region_state(&guest->region, NULL) != HT_STATE_RUNNING)
		return true;
	code = control_done(&guest->region, guest->seq, &error);
	if (code == -EAGAIN) {
		if (!guest->wait_until_ns)
			guest->wait_until_ns = now_ns + ANSWER_NS;
		if (now_ns < guest->wait_until_ns)
			return false;
		if (!guest->said_silent)
			recorder_notice(guest->common,
				"%s: the guest's module does not answer; what it writes is recorded",
				guest->name);
		guest->said_silent = true;
		/* busy, perhaps, with what it was asked for: it is said when that is done */
		if (guest->asked_again)
			return true;
	} else if (code) {
		error_add(&error, "%s", guest->name);
		recorder_notice(guest->common, "%s", error.text);
		if (!guest->refused && guest->refusal && !guest->refusal->code)
			*guest->refusal = error;
		guest->refused = true;
	} else if (guest->asked_again) {
		recorder_notice(guest->common, "%s: what was asked for is in force", guest->name);
	}
	guest->answered = true;
	return true;
}

/* The next generation of rings has not seen our wishes yet. */
static void expect_anew(struct recorder_guest *guest, enum recorder_state state)
{
	/* it finds a ring of which nothing was read */
	control_reset_positions(&guest->region);
	if (guest->budget)
		recorder_budget_anew(guest->budget, &guest->region, &guest->seq);
	guest->member.state = state;
	guest->wait_until_ns = 0;
	guest->answered = guest->asked_again = guest->said_silent = false;
}

static void say_waiting(struct recorder_guest *guest, uint64_t now_ns)
{
	if (guest->said_waiting || guest->member.state != RECORDER_WAITS)
		return;
	if (!guest->waits_since_ns)
		guest->waits_since_ns = now_ns;
	if (now_ns - guest->waits_since_ns < SECOND_NS)
		return;
	guest->said_waiting = true;
	recorder_notice(guest->common, "%s: waiting for hypertrace.ko in the guest", guest->name);
}

static enum recorder_start where_to_start(const struct recorder_guest *guest)
{
	if (!guest->skip)
		return RECORDER_START_OLDEST;
	return control_done(&guest->region, guest->seq, NULL) == -EAGAIN ? RECORDER_START_NOW
									 : RECORDER_START_WISHES;
}

/* Nobody who did not ask for its events misses it; who did is told. */
static void start_awareness(struct recorder_guest *guest, const struct region_layout *layout)
{
	const struct event_selection *events = guest->request.events;
	struct error error = {0};
	int code;

	if (!guest->member.vmm)
		code = error_set(&error, -ENOENT,
			"the process of the guest's VMM is not known: name it by -g or --qmp");
	else
		code = awareness_create(&guest->awareness, &guest->region, layout, guest->member.vmm, &error);
	if (code &&
		(event_selection_has(events, EVENT_ID_vcpu_stolen) ||
			event_selection_has(events, EVENT_ID_vcpu_migrated)))
		recorder_notice(guest->common, "%s: no vcpu events: %s", guest->name, error.text);
}

static void start_machine(struct recorder_guest *guest, uint64_t now_ns)
{
	char name[sizeof(guest->name) + 16];
	struct region_layout layout;
	struct error error = {0};
	int code = region_check(&guest->region, &layout, &error);

	if (code == -EAGAIN)
		return say_waiting(guest, now_ns);
	if (code)
		return give_up(guest, error.text);
	if (layout.generation == guest->ended_generation ||
		(!guest->at_once && !wishes_answered(guest, now_ns)))
		return;
	/* our wishes may have started the rings anew between the two looks */
	if (!region_is_current(&guest->region, &layout))
		return;
	snprintf(name, sizeof(name), "%s", guest->name);
	if (guest->generations++) {
		snprintf(name, sizeof(name), "%s.%u", guest->name, guest->generations);
		recorder_notice(guest->common, "%s: recorded as %s from here on", guest->name, name);
	}
	guest->machine = recorder_machine_create(
		guest->events, &guest->region, &layout, name, where_to_start(guest), &error);
	if (!guest->machine) {
		recorder_fault(guest->common, &error);
		return give_up(guest, "not recorded");
	}
	if (guest->budget) {
		recorder_budget_begin(guest->budget, &guest->machine->output, &guest->events->table);
		guest->machine->budget = guest->budget;
	}
	if (!guest->member.machine[0])
		snprintf(guest->member.machine, sizeof(guest->member.machine), "%s", name);
	guest->member.ring_bytes = (uint64_t)layout.nr_packets * layout.packet_bytes;
	start_awareness(guest, &layout);
	guest->skip = guest->at_once = false;
	guest->member.state = RECORDER_RECORDS;
}

static void say_end(struct recorder_guest *guest, enum ht_state state, const char *message)
{
	char shown[4 * MESSAGE_BYTES];

	shown[text_escape(shown, message, strlen(message))] = '\0';
	if (state == HT_STATE_PANIC)
		recorder_notice(guest->common, "%s: kernel panic: %s", guest->name, shown);
	else if (state == HT_STATE_REBOOT)
		recorder_notice(guest->common, "%s: the guest goes down%s%s", guest->name,
			shown[0] ? ": " : "", shown);
	else
		recorder_notice(guest->common, "%s: the guest's module was unloaded", guest->name);
}

/* The guest said that it ends: it may still write for a moment, then its last words are there. */
static void take_last_words(
	struct recorder_guest *guest, uint64_t now_ns, enum ht_state state, const char *message)
{
	if (!guest->ending_ns) {
		guest->ending_ns = now_ns;
		guest->end_state = state;
		snprintf(guest->message, sizeof(guest->message), "%s", message);
		say_end(guest, state, message);
	}
	recorder_machine_poll(guest->machine, now_ns, RING_POLL_OPEN);
	if (now_ns - guest->ending_ns < ENDING_NS)
		return;
	recorder_machine_poll(guest->machine, now_ns, RING_POLL_OPEN | RING_POLL_FINAL);
	guest->ended_generation = guest->machine->layout.generation;
	end_machine(guest, end_states[state], message);
	expect_anew(guest, RECORDER_ENDED);
}

/* New rings lie where those that are recorded lay. */
static void follow_restart(struct recorder_guest *guest)
{
	if (guest->ending_ns) {
		end_machine(guest, end_states[guest->end_state], guest->message);
	} else {
		recorder_notice(guest->common, "%s: the guest's rings started anew (reboot?)", guest->name);
		end_machine(guest, "reboot", "");
	}
	expect_anew(guest, RECORDER_WAITS);
}

static unsigned record(struct recorder_guest *guest, uint64_t now_ns)
{
	char message[MESSAGE_BYTES];
	unsigned fill;
	/* before the poll: what was written before the state is then seen by it */
	enum ht_state state = region_state(&guest->region, message);

	fill = recorder_machine_poll(guest->machine, now_ns, 0);
	if (!region_is_current(&guest->region, &guest->machine->layout)) {
		follow_restart(guest);
		return fill;
	}
	wishes_answered(guest, now_ns);
	awareness_update(guest->awareness, guest->common->exits, now_ns);
	if (guest->budget && state == HT_STATE_RUNNING)
		recorder_budget_poll(guest->budget, &guest->region, &guest->seq, &guest->machine->output,
			guest->name, now_ns);
	if (state != HT_STATE_RUNNING && state != HT_STATE_NONE)
		take_last_words(guest, now_ns, state, message);
	else
		recorder_machine_clock(guest->machine);
	return fill;
}

/* Once a second: is there still a guest behind the file? */
static void check(struct recorder_guest *guest, uint64_t now_ns)
{
	struct pollfd qemu = {.fd = guest->pid_fd, .events = POLLIN};

	guest->checked_ns = now_ns;
	control_heartbeat(&guest->region, true);
	if (guest->machine)
		recorder_machine_count(guest->machine);
	if (guest->pid_fd >= 0 && poll(&qemu, 1, 0) > 0) {
		if (guest->machine)
			recorder_machine_poll(guest->machine, now_ns, RING_POLL_OPEN | RING_POLL_FINAL);
		give_up(guest, "QEMU has ended");
	} else if (!guest->was_unlinked && region_is_detached(&guest->region)) {
		if (guest->machine)
			recorder_machine_poll(guest->machine, now_ns, RING_POLL_OPEN | RING_POLL_FINAL);
		give_up(guest, "the region was detached");
	}
}

static unsigned poll_guest(struct recorder_member *member, uint64_t now_ns)
{
	struct recorder_guest *guest = (struct recorder_guest *)member;
	unsigned fill = 0;

	if (guest->member.state == RECORDER_GONE)
		return 0;
	if (guest->member.state == RECORDER_RECORDS)
		fill = record(guest, now_ns);
	else
		start_machine(guest, now_ns);
	if (now_ns - guest->checked_ns >= SECOND_NS)
		check(guest, now_ns);
	return fill;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Polls until the guest has answered the wish number `seq`, or as long as it is worth. */
static void poll_until_done(struct recorder_guest *guest, uint32_t seq, bool names, uint64_t wait_ns)
{
	const uint64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);
	uint64_t now_ns = start_ns;

	while (guest->machine && now_ns - start_ns < wait_ns &&
		(names ? !control_names_done(&guest->region)
		       : control_done(&guest->region, seq, NULL) == -EAGAIN)) {
		sleep_ms(1);
		now_ns = clock_now_ns(CLOCK_MONOTONIC);
		record(guest, now_ns);
		if (now_ns - guest->checked_ns >= SECOND_NS / 10)
			check(guest, now_ns);
	}
}

static void end_as_it_stands(struct recorder_guest *guest)
{
	char message[MESSAGE_BYTES];
	enum ht_state state = region_state(&guest->region, message);

	end_machine(guest, end_states[state], state == HT_STATE_RUNNING ? "" : message);
}

static void finish_guest(struct recorder_member *member)
{
	struct recorder_guest *guest = (struct recorder_guest *)member;
	const uint64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);
	uint64_t now_ns = start_ns;
	bool answers;

	if (guest->member.state == RECORDER_GONE)
		return;
	if (guest->machine) {
		clock_exchange_hurry(&guest->machine->clock);
		recorder_machine_clock(guest->machine);
	}
	/* one that does not answer the clock will not answer anything else */
	answers = guest->machine && !guest->machine->clock.missed;
	if (answers)
		poll_until_done(guest, 0, true, NAMES_NS);
	if (!guest->leave_on)
		control_stop(&guest->region);
	if (answers)
		poll_until_done(guest, guest->region.host->control.seq, false, STOP_NS);
	/* what interrupts overtook gets its time */
	while (guest->machine && now_ns - start_ns < LATE_NS) {
		now_ns = clock_now_ns(CLOCK_MONOTONIC);
		record(guest, now_ns);
		sleep_ms(5);
	}
	if (guest->machine)
		recorder_machine_poll(guest->machine, now_ns, RING_POLL_OPEN | RING_POLL_FINAL);
	end_as_it_stands(guest);
	control_heartbeat(&guest->region, false);
	guest->member.state = RECORDER_GONE;
}

#define THEN "; then "

/* "sched; then sched,irq": the whole story, as far as there is room for it. */
static void add_to_story(char *story, size_t room, const char *text)
{
	const char *last = story, *next;
	size_t used;

	if (!story[0] && !text[0])
		return;
	if (!story[0])
		snprintf(story, room, "none");
	text = text[0] ? text : "none";
	while ((next = strstr(last, THEN)))
		last = next + sizeof(THEN) - 1;
	used = strlen(story);
	if (strcmp(last, text))
		snprintf(story + used, room - used, THEN "%s", text);
}

static void ask_guest(struct recorder_member *member, const struct control_request *request)
{
	struct recorder_guest *guest = (struct recorder_guest *)member;
	struct trace_machine_info *info;

	if (guest->member.state == RECORDER_GONE)
		return;
	/* the rest is where it was, or of the rings */
	guest->request.symbols = request->symbols;
	guest->request.syscall_args = request->syscall_args;
	if (guest->machine) {
		info = machine_output_info(&guest->machine->output);
		add_to_story(info->events, sizeof(info->events), guest->common->events);
		add_to_story(info->filter, sizeof(info->filter), guest->common->filter);
		add_to_story(info->functions, sizeof(info->functions), guest->common->functions);
	}
	if (guest->budget && guest->machine)
		recorder_budget_begin(guest->budget, &guest->machine->output, &guest->events->table);
	guest->seq = control_replace(&guest->region, &guest->request);
	guest->wait_until_ns = 0;
	guest->answered = false;
	guest->asked_again = true;
	guest->said_silent = false;
}

static void destroy_guest(struct recorder_member *member)
{
	struct recorder_guest *guest = (struct recorder_guest *)member;

	awareness_destroy(guest->awareness);
	if (guest->machine)
		recorder_machine_destroy(guest->machine, "running", "");
	recorder_budget_destroy(guest->budget);
	if (guest->pid_fd >= 0)
		close(guest->pid_fd);
	region_deinit(&guest->region);
	free(guest);
}

int recorder_guest_set_budget(struct recorder_guest *guest, double share)
{
	guest->budget = recorder_budget_create(share, guest->request.functions);
	return guest->budget ? 0 : -ENOMEM;
}

/* The region is mapped: puts the wishes into it. */
static int begin(struct recorder_guest *guest, pid_t qemu_pid, bool history, struct error *error)
{
	struct region_layout layout;
	enum ht_state state;
	int code;

	code = region_check(&guest->region, &layout, error);
	if (code && code != -EAGAIN)
		return code;
	guest->was_unlinked = region_is_detached(&guest->region);
	if (qemu_pid > 0)
		guest->pid_fd = (int)syscall(SYS_pidfd_open, qemu_pid, 0);
	if (code == 0) {
		state = region_state(&guest->region, NULL);
		/* a guest that is dead tells everything it still knew */
		guest->skip = state == HT_STATE_RUNNING && !history;
		guest->at_once = history;
		if (history) { /* rings of another shape would start anew, and what they hold were gone */
			guest->request.mode = layout.mode;
			guest->request.packet_bytes = layout.packet_bytes;
			guest->request.nr_packets = layout.nr_packets;
		}
	} else {
		control_reset_positions(&guest->region);
	}
	control_heartbeat(&guest->region, true);
	guest->seq = control_publish(&guest->region, &guest->request);
	return 0;
}

static struct recorder_member *next_nested(struct recorder_member *member);

static struct recorder_guest *make_guest(const struct recorder_events *events,
	const struct control_request *request, const char *name, bool leave_on, struct error *error)
{
	static const struct recorder_member_ops ops = {
		poll_guest, finish_guest, destroy_guest, ask_guest, next_nested};
	struct recorder_guest *guest = calloc(1, sizeof(*guest));

	if (!guest) {
		error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	*guest = (struct recorder_guest){.member = {.ops = &ops},
		.events = events,
		.common = events->common,
		.request = *request,
		.region = {.fd = -1},
		.pid_fd = -1,
		.leave_on = leave_on};
	snprintf(guest->name, sizeof(guest->name), "%s", name);
	return guest;
}

static struct recorder_member *next_nested(struct recorder_member *member)
{
	struct recorder_guest *outer = (struct recorder_guest *)member, *guest;
	struct error error = {0};
	char name[sizeof(outer->name)];
	uint32_t index;

	if (!outer->machine ||
		!recorder_nested_next(&outer->nested, &outer->machine->layout, outer->region.layer,
			outer->name, &index, name, sizeof(name)))
		return NULL;
	guest = make_guest(outer->events, &outer->request, name, outer->leave_on, &error);
	if (guest &&
		!region_init_part(&guest->region, &outer->region, &outer->machine->layout, index, &error) &&
		!begin(guest, 0, false, &error)) {
		guest->refusal = outer->refusal;
		if (outer->budget)
			recorder_guest_set_budget(guest, outer->budget->share);
		guest->member.companion = true;
		guest->said_waiting = true; /* none has to come */
		return &guest->member;
	}
	recorder_notice(outer->common, "%s: not recorded: %s", name, error.text);
	if (guest)
		destroy_guest(&guest->member);
	return NULL;
}

int recorder_guest_create(struct recorder_guest **out, const struct recorder_events *events,
	const struct control_request *request, const char *region_path, const char *name, pid_t qemu_pid,
	bool history, bool leave_on, struct error *error)
{
	struct recorder_guest *guest = make_guest(events, request, name, leave_on, error);
	struct stat status;
	int code;

	if (!guest)
		return -ENOMEM;
	guest->member.vmm = qemu_pid > 0 ? qemu_pid : 0;
	code = region_init(&guest->region, region_path, error);
	if (!code)
		code = begin(guest, qemu_pid, history, error);
	if (code) {
		destroy_guest(&guest->member);
		return code;
	}
	if (!fstat(guest->region.fd, &status)) {
		guest->member.identity[0] = status.st_dev;
		guest->member.identity[1] = status.st_ino;
	}
	*out = guest;
	return 0;
}
