/* SPDX-License-Identifier: MIT */
#include "lib/model/vcpu_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the scheduler said. */
enum section_kind {
	SECTION_UNKNOWN,
	SECTION_ON,
	SECTION_PREEMPTED,
	SECTION_BLOCKED,
	SECTION_WAITING,
};

struct section {
	uint64_t from_ns; /* until the next one's, or until now */
	uint32_t pcpu;
	uint8_t kind;
	bool torn; /* events were lost since: an exit may have been in it */
	struct vcpu_task culprit;
};

struct vcpu {
	struct section
		sections[VCPU_MODEL_SECTIONS]; /* since what was delivered last; the last one is open */
	uint32_t nr_sections;                  /* never 0 */
	uint32_t pcpu;                         /* that it has, or had last */
	uint64_t last_ns;                      /* of its events */
	uint64_t user_ns;                      /* its open exit is in user space since then; 0: not known */
};

/* An exit that has ended; NULL in its place: none. */
struct exit {
	uint64_t from_ns, user_ns; /* user_ns UINT64_MAX: never */
	uint32_t reason;
	uint8_t flags;
};

const char *vcpu_state_name(enum vcpu_state state)
{
	static const char *const names[VCPU_STATES] = {
		[VCPU_UNKNOWN] = "unknown",
		[VCPU_GUEST] = "guest",
		[VCPU_EXIT] = "exit",
		[VCPU_USER] = "user",
		[VCPU_HALTED] = "halted",
		[VCPU_BLOCKED] = "blocked",
		[VCPU_PREEMPTED] = "preempted",
		[VCPU_WAITING] = "waiting",
		[VCPU_RUNNING] = "running",
	};

	return state < VCPU_STATES ? names[state] : "unknown";
}

int vcpu_model_init(struct vcpu_model *model, uint64_t begin_ns, vcpu_interval_fn *take, void *context)
{
	*model = (struct vcpu_model){.begin_ns = begin_ns, .take = take, .context = context};
	model->seen_ns = calloc(VCPU_MODEL_PCPUS, sizeof(*model->seen_ns));
	return model->seen_ns ? 0 : -ENOMEM;
}

void vcpu_model_deinit(struct vcpu_model *model)
{
	for (uint32_t i = 0; i < model->nr_vcpus; i++)
		free(model->vcpus[i]);
	free(model->vcpus);
	free(model->seen_ns);
	*model = (struct vcpu_model){0};
}

int vcpu_model_add(struct vcpu_model *model, uint32_t *number)
{
	struct vcpu *vcpu;

	if (model->nr_vcpus >= VCPU_MODEL_VCPUS)
		return -E2BIG;
	if (model->nr_vcpus == model->room) {
		uint32_t room = model->room ? 2 * model->room : 16;
		struct vcpu **vcpus = reallocarray(model->vcpus, room, sizeof(struct vcpu *));

		if (!vcpus)
			return -ENOMEM;
		model->vcpus = vcpus;
		model->room = room;
	}
	vcpu = calloc(1, sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	vcpu->pcpu = VCPU_NO_PCPU;
	vcpu->last_ns = model->begin_ns;
	vcpu->sections[0] = (struct section){.from_ns = model->begin_ns, .pcpu = VCPU_NO_PCPU};
	vcpu->nr_sections = 1;
	*number = model->nr_vcpus;
	model->vcpus[model->nr_vcpus++] = vcpu;
	return 0;
}

/* --- delivering --- */

static enum vcpu_state state_in_exit(const struct section *section, const struct exit *exit, bool in_user)
{
	/* a thread that lost no pCPU was on it all the time, whatever is not known of it */
	bool on = section->kind == SECTION_ON || !(exit->flags & VCPU_EXIT_LOST_PCPU);

	if (section->kind == SECTION_PREEMPTED)
		return VCPU_PREEMPTED;
	if (section->kind == SECTION_WAITING)
		return VCPU_WAITING;
	if (!on && section->kind == SECTION_UNKNOWN)
		return VCPU_UNKNOWN;
	if (in_user)
		return VCPU_USER;
	if (section->kind != SECTION_BLOCKED)
		return VCPU_EXIT;
	return exit->flags & VCPU_EXIT_HALTED ? VCPU_HALTED : VCPU_BLOCKED;
}

static enum vcpu_state state_outside(const struct section *section, bool guest)
{
	switch ((enum section_kind)section->kind) {
	case SECTION_ON:
		return guest && !section->torn ? VCPU_GUEST : VCPU_RUNNING;
	case SECTION_PREEMPTED:
		return VCPU_PREEMPTED;
	case SECTION_BLOCKED:
		return VCPU_BLOCKED;
	case SECTION_WAITING:
		return VCPU_WAITING;
	case SECTION_UNKNOWN:
		break;
	}
	return VCPU_UNKNOWN;
}

static bool has_pcpu(enum vcpu_state state, const struct section *section)
{
	switch (state) {
	case VCPU_GUEST:
	case VCPU_EXIT:
	case VCPU_RUNNING:
		return true;
	case VCPU_USER:
		return section->kind != SECTION_BLOCKED;
	default:
		return false;
	}
}

static void deliver(const struct vcpu_model *model, uint32_t number, const struct section *section,
	enum vcpu_state state, uint64_t from_ns, uint64_t to_ns, const struct exit *exit)
{
	struct vcpu_interval interval = {
		.vcpu = number,
		.state = state,
		.from_ns = from_ns,
		.to_ns = to_ns,
		.pcpu = section->pcpu,
		.on = has_pcpu(state, section),
		.in_exit = exit != NULL,
		.flags = exit ? exit->flags : 0,
		.reason = exit ? exit->reason : 0,
	};

	if (to_ns <= from_ns)
		return;
	if (state == VCPU_PREEMPTED || state == VCPU_WAITING)
		interval.culprit = section->culprit;
	if (interval.on && interval.pcpu == VCPU_NO_PCPU)
		interval.pcpu = model->vcpus[number]->pcpu;
	model->take(model->context, &interval);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* One section, cut where the exit begins and where it goes to user space. `guest`: time before the exit was the guest's. */
static void deliver_section(const struct vcpu_model *model, uint32_t number, const struct section *section,
	uint64_t to_ns, const struct exit *exit, bool guest)
{
	uint64_t from_ns = section->from_ns, begin_ns = exit ? larger(exit->from_ns, from_ns) : to_ns;
	uint64_t user_ns = exit ? larger(exit->user_ns, begin_ns) : to_ns;

	begin_ns = smaller(begin_ns, to_ns);
	user_ns = smaller(user_ns, to_ns);
	deliver(model, number, section, state_outside(section, guest), from_ns, begin_ns, NULL);
	if (!exit)
		return;
	deliver(model, number, section, state_in_exit(section, exit, false), begin_ns, user_ns, exit);
	deliver(model, number, section, state_in_exit(section, exit, true), user_ns, to_ns, exit);
}

/* Delivers the first `count` sections, the last of all until now_ns. */
static void settle(struct vcpu_model *model, uint32_t number, uint32_t count, uint64_t now_ns,
	const struct exit *exit, bool guest)
{
	struct vcpu *vcpu = model->vcpus[number];

	for (uint32_t i = 0; i < count; i++) {
		uint64_t to_ns = i + 1 < vcpu->nr_sections ? vcpu->sections[i + 1].from_ns : now_ns;

		deliver_section(model, number, &vcpu->sections[i], to_ns, exit, guest);
	}
	vcpu->nr_sections -= count;
	memmove(vcpu->sections, vcpu->sections + count, vcpu->nr_sections * sizeof(*vcpu->sections));
}

/* --- sections --- */

static struct section *last_section(struct vcpu *vcpu)
{
	return &vcpu->sections[vcpu->nr_sections - 1];
}

static void push(struct vcpu_model *model, uint32_t number, enum section_kind kind, uint64_t from_ns)
{
	struct vcpu *vcpu = model->vcpus[number];

	if (vcpu->nr_sections == VCPU_MODEL_SECTIONS) {
		settle(model, number, VCPU_MODEL_SECTIONS / 2, from_ns, NULL, false);
		/* whose exit may have begun in what is gone: no guest code before an exit is known any more */
		for (uint32_t i = 0; i < vcpu->nr_sections; i++)
			vcpu->sections[i].torn = true;
	}
	vcpu->sections[vcpu->nr_sections++] = (struct section){
		.from_ns = from_ns,
		.pcpu = vcpu->pcpu,
		.kind = (uint8_t)kind,
	};
}

/* Every event comes through here: the vCPU's time never goes back. */
static uint64_t begin_event(struct vcpu_model *model, struct vcpu *vcpu, uint32_t pcpu, uint64_t now_ns)
{
	if (pcpu < VCPU_MODEL_PCPUS && now_ns > model->seen_ns[pcpu])
		model->seen_ns[pcpu] = now_ns;
	if (now_ns < vcpu->last_ns) {
		model->backwards++;
		now_ns = vcpu->last_ns;
	}
	vcpu->last_ns = now_ns;
	return now_ns;
}

static bool is_off(const struct section *section)
{
	return section->kind >= SECTION_PREEMPTED;
}

/* What is said of the last section cannot be: it was on a pCPU, and is said to come to one. */
static void doubt(struct vcpu_model *model, struct section *section)
{
	model->odd++;
	section->kind = SECTION_UNKNOWN;
}

void vcpu_model_out(struct vcpu_model *model, uint32_t number, uint32_t pcpu, uint64_t now_ns,
	uint32_t prev_state, const struct vcpu_task *next)
{
	struct vcpu *vcpu = model->vcpus[number];
	bool preempted = !prev_state || prev_state & 0x100;

	now_ns = begin_event(model, vcpu, pcpu, now_ns);
	if (is_off(last_section(vcpu)) || (last_section(vcpu)->kind == SECTION_ON && vcpu->pcpu != pcpu))
		doubt(model, last_section(vcpu));
	vcpu->pcpu = pcpu;
	push(model, number, preempted ? SECTION_PREEMPTED : SECTION_BLOCKED, now_ns);
	if (preempted)
		last_section(vcpu)->culprit = *next;
}

void vcpu_model_in(struct vcpu_model *model, uint32_t number, uint32_t pcpu, uint64_t now_ns,
	const struct vcpu_task *previous)
{
	struct vcpu *vcpu = model->vcpus[number];

	now_ns = begin_event(model, vcpu, pcpu, now_ns);
	if (last_section(vcpu)->kind == SECTION_ON)
		doubt(model, last_section(vcpu));
	else if (last_section(vcpu)->kind == SECTION_WAITING)
		last_section(vcpu)->culprit = *previous;
	vcpu->pcpu = pcpu;
	push(model, number, SECTION_ON, now_ns);
}

void vcpu_model_waking(struct vcpu_model *model, uint32_t number, uint32_t pcpu, uint64_t now_ns)
{
	struct vcpu *vcpu = model->vcpus[number];

	now_ns = begin_event(model, vcpu, pcpu, now_ns);
	if (last_section(vcpu)->kind == SECTION_BLOCKED)
		push(model, number, SECTION_WAITING, now_ns);
}

void vcpu_model_user(struct vcpu_model *model, uint32_t number, uint32_t pcpu, uint64_t now_ns)
{
	struct vcpu *vcpu = model->vcpus[number];

	now_ns = begin_event(model, vcpu, pcpu, now_ns);
	if (!vcpu->user_ns)
		vcpu->user_ns = now_ns;
}

void vcpu_model_exit(struct vcpu_model *model, uint32_t number, uint32_t pcpu, uint64_t now_ns,
	uint64_t duration_ns, uint32_t reason, uint8_t flags)
{
	struct vcpu *vcpu = model->vcpus[number];
	struct exit exit = {.user_ns = UINT64_MAX, .reason = reason, .flags = flags};
	bool headless = flags & VCPU_EXIT_HEADLESS;
	/* nothing says when it went back to the guest from the exits before */
	bool is_pv = (flags & VCPU_EXIT_ISA) == VCPU_EXIT_ISA_XEN_PV;

	now_ns = begin_event(model, vcpu, pcpu, now_ns);
	exit.from_ns = duration_ns < now_ns ? now_ns - duration_ns : 0;
	if (flags & VCPU_EXIT_USER)
		exit.user_ns = vcpu->user_ns ? vcpu->user_ns : exit.from_ns;
	if (is_off(last_section(vcpu)) || (last_section(vcpu)->kind == SECTION_ON && vcpu->pcpu != pcpu))
		doubt(model, last_section(vcpu));
	vcpu->pcpu = pcpu;
	if (headless)
		settle(model, number, vcpu->nr_sections, now_ns, NULL, false);
	else
		settle(model, number, vcpu->nr_sections, now_ns, &exit, !is_pv);
	vcpu->user_ns = 0;
	push(model, number, SECTION_ON, now_ns);
}

/* --- gaps, and the end --- */

static void lose(struct vcpu_model *model, uint32_t number, uint32_t pcpu, uint64_t gap_ns)
{
	struct vcpu *vcpu = model->vcpus[number];
	struct section *last = last_section(vcpu);

	if (last->kind == SECTION_UNKNOWN || (last->kind == SECTION_ON && vcpu->pcpu != pcpu))
		return;
	for (uint32_t i = 0; i < vcpu->nr_sections; i++)
		vcpu->sections[i].torn = true;
	vcpu->user_ns = 0;
	vcpu->last_ns = larger(vcpu->last_ns, gap_ns);
	if (gap_ns <= last->from_ns)
		last->kind = SECTION_UNKNOWN;
	else
		push(model, number, SECTION_UNKNOWN, gap_ns);
}

void vcpu_model_lost(struct vcpu_model *model, uint32_t pcpu, uint64_t now_ns)
{
	uint64_t gap_ns = pcpu < VCPU_MODEL_PCPUS ? model->seen_ns[pcpu] : 0;

	if (gap_ns < model->begin_ns)
		gap_ns = model->begin_ns;
	for (uint32_t i = 0; i < model->nr_vcpus; i++)
		lose(model, i, pcpu, gap_ns);
	if (pcpu < VCPU_MODEL_PCPUS && now_ns > gap_ns)
		model->seen_ns[pcpu] = now_ns;
}

void vcpu_model_finish(struct vcpu_model *model, uint64_t now_ns)
{
	for (uint32_t i = 0; i < model->nr_vcpus; i++)
		settle(model, i, model->vcpus[i]->nr_sections, larger(now_ns, model->vcpus[i]->last_ns), NULL,
			false);
}
