/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/top_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock_now.h"

#define LIST_NS   UINT64_C(5000000000) /* how often other guests are looked for */
#define NAMED_MAX 64

static void deinit_guest(struct top_guest *guest)
{
	for (size_t i = 0; i < guest->nr_vcpus; i++)
		vcpu_thread_deinit(&guest->vcpus[i].thread);
	free(guest->vcpus);
	*guest = (struct top_guest){0};
}

static int init_guest(struct top_guest *guest, int proc_fd, const struct vmm *vmm)
{
	*guest = (struct top_guest){.pid = vmm->pid, .start_ticks = vmm->start_ticks};
	memcpy(guest->name, vmm->name, sizeof(guest->name));
	guest->vcpus = calloc(vmm->nr_vcpus + 1, sizeof(*guest->vcpus));
	if (!guest->vcpus)
		return -ENOMEM;
	for (size_t i = 0; i < vmm->nr_vcpus; i++) {
		struct top_vcpu *vcpu = &guest->vcpus[guest->nr_vcpus++];

		vcpu->vcpu = vmm->vcpus[i].vcpu;
		vcpu->thread = VCPU_THREAD_NONE;
		if (vmm->vcpus[i].tid &&
			vcpu_thread_init(&vcpu->thread, proc_fd, vmm->pid, vmm->vcpus[i].tid))
			vcpu->thread = VCPU_THREAD_NONE;
	}
	return 0;
}

/* Does what we have of the guest still fit? Its vCPUs may have been plugged in, their threads found only now. */
static bool is_same(const struct top_guest *guest, const struct vmm *vmm)
{
	if (guest->pid != vmm->pid || guest->start_ticks != vmm->start_ticks ||
		guest->nr_vcpus != vmm->nr_vcpus)
		return false;
	for (size_t i = 0; i < vmm->nr_vcpus; i++)
		if (guest->vcpus[i].vcpu != vmm->vcpus[i].vcpu ||
			guest->vcpus[i].thread.tid != vmm->vcpus[i].tid)
			return false;
	return true;
}

static bool take_over(struct top_sample *sample, const struct vmm *vmm, struct top_guest *guest)
{
	for (size_t i = 0; i < sample->nr_guests; i++)
		if (is_same(&sample->guests[i], vmm)) {
			*guest = sample->guests[i];
			sample->guests[i] = (struct top_guest){0};
			return true;
		}
	return false;
}

static bool is_wanted(const struct top_sample *sample, const struct vmm_list *list, const struct vmm *vmm)
{
	const struct vmm *found[NAMED_MAX];

	for (size_t i = 0; i < sample->words->count; i++) {
		const int count = vmm_list_find(list, sample->words->items[i], found, NAMED_MAX, NULL);

		for (int k = 0; k < count; k++)
			if (found[k] == vmm)
				return true;
	}
	return !sample->words->count;
}

static void drop_guests(struct top_sample *sample)
{
	for (size_t i = 0; i < sample->nr_guests; i++)
		deinit_guest(&sample->guests[i]);
	free(sample->guests);
	sample->guests = NULL;
	sample->nr_guests = 0;
}

static int list_guests(struct top_sample *sample, const struct vmm_list *list)
{
	struct top_guest *guests = calloc(list->count + 1, sizeof(*guests));
	size_t count = 0;
	int code = guests ? 0 : -ENOMEM;

	for (size_t i = 0; !code && i < list->count; i++) {
		if (!is_wanted(sample, list, &list->items[i]))
			continue;
		if (!take_over(sample, &list->items[i], &guests[count]))
			code = init_guest(&guests[count], sample->proc_fd, &list->items[i]);
		count++;
	}
	drop_guests(sample);
	sample->guests = guests;
	sample->nr_guests = guests ? count : 0;
	return code;
}

static int read_list(struct top_sample *sample, struct error *error)
{
	cleanup_vmm_list struct vmm_list list = VMM_LIST_EMPTY;
	int code = vmm_list_read(&list, "/proc", error);

	sample->listed_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (code)
		return code;
	return list_guests(sample, &list) ? error_set(error, -ENOMEM, "out of memory") : 0;
}

int top_sample_init(struct top_sample *sample, const struct string_list *words, struct error *error)
{
	cleanup_vmm_list struct vmm_list list = VMM_LIST_EMPTY;
	const struct vmm *found[NAMED_MAX];
	int code;

	*sample = (struct top_sample){
		.words = words, .proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (sample->proc_fd < 0)
		return error_set(error, -errno, "/proc: %s", strerror(errno));
	code = words->count ? vmm_list_read(&list, "/proc", error) : 0;
	for (size_t i = 0; code >= 0 && i < words->count; i++)
		code = vmm_list_find(&list, words->items[i], found, NAMED_MAX, error);
	if (code < 0)
		return code;
	exit_counts_create(&sample->exits, &sample->no_exits);
	return 0;
}

void top_sample_deinit(struct top_sample *sample)
{
	drop_guests(sample);
	exit_counts_destroy(sample->exits);
	if (sample->proc_fd >= 0)
		close(sample->proc_fd);
	*sample = (struct top_sample){.proc_fd = -1};
}

/* Sums of a thread only grow; a difference of numbers taken at two moments may be a little below zero all the same. */
static uint64_t gained(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void look_at_vcpu(struct top_sample *sample, struct top_vcpu *vcpu)
{
	const uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
	const struct vcpu_times before = vcpu->times;

	if (!vcpu->thread.tid)
		return;
	vcpu->interval_ns = 0;
	if (vcpu_thread_read(&vcpu->thread, &vcpu->times)) {
		vcpu->looked_ns = 0; /* it has ended: what is there instead? */
		sample->listed_ns = 0;
		return;
	}
	vcpu->interval_ns = vcpu->looked_ns ? now_ns - vcpu->looked_ns : 0;
	vcpu->looked_ns = now_ns;
	vcpu->run_ns = gained(vcpu->times.run_ns, before.run_ns);
	vcpu->stolen_ns = gained(vcpu->times.wait_ns, before.wait_ns);
	vcpu->preemptions = gained(vcpu->times.preemptions, before.preemptions);
	vcpu->migrations = gained(vcpu->times.migrations, before.migrations);
	if (sample->exits)
		vcpu->nr_reasons = exit_counts_of(
			sample->exits, vcpu->thread.tid, vcpu->reasons, TOP_REASONS, &vcpu->exits);
}

int top_sample_look(struct top_sample *sample, struct error *error)
{
	const uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
	int code = 0;

	if (!sample->listed_ns || now_ns - sample->listed_ns >= LIST_NS)
		code = read_list(sample, error);
	if (!code && sample->exits && exit_counts_update(sample->exits, now_ns))
		code = error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; !code && i < sample->nr_guests; i++)
		for (size_t k = 0; k < sample->guests[i].nr_vcpus; k++)
			look_at_vcpu(sample, &sample->guests[i].vcpus[k]);
	sample->looked_ns = now_ns;
	return code;
}

static void add_reason(struct exit_count *all, size_t *nr_all, const struct exit_count *reason)
{
	size_t at = 0;

	while (at < *nr_all && (all[at].isa != reason->isa || all[at].reason != reason->reason))
		at++;
	if (at == *nr_all && at == TOP_REASONS * 64)
		return;
	if (at == *nr_all)
		all[(*nr_all)++] = (struct exit_count){.isa = reason->isa, .reason = reason->reason};
	all[at].count += reason->count;
	all[at].total_ns += reason->total_ns;
}

static int compare_counts(const void *a, const void *b)
{
	const struct exit_count *x = a, *y = b;

	return x->count > y->count ? -1 : x->count < y->count;
}

void top_guest_sum(const struct top_guest *guest, struct top_vcpu *sum)
{
	struct exit_count all[TOP_REASONS * 64];
	size_t nr_all = 0;

	*sum = (struct top_vcpu){.times.has_times = true, .times.has_counts = true};
	for (size_t i = 0; i < guest->nr_vcpus; i++) {
		const struct top_vcpu *vcpu = &guest->vcpus[i];

		if (!vcpu->interval_ns)
			continue;
		sum->interval_ns += vcpu->interval_ns;
		sum->run_ns += vcpu->run_ns;
		sum->stolen_ns += vcpu->stolen_ns;
		sum->preemptions += vcpu->preemptions;
		sum->migrations += vcpu->migrations;
		sum->exits += vcpu->exits;
		sum->times.has_times &= vcpu->times.has_times;
		sum->times.has_counts &= vcpu->times.has_counts;
		for (size_t k = 0; k < vcpu->nr_reasons; k++)
			add_reason(all, &nr_all, &vcpu->reasons[k]);
	}
	qsort(all, nr_all, sizeof(all[0]), compare_counts);
	sum->nr_reasons = nr_all < TOP_REASONS ? nr_all : TOP_REASONS;
	memcpy(sum->reasons, all, sum->nr_reasons * sizeof(all[0]));
}
