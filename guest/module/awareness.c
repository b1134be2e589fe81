// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host does to our vCPUs, as it says itself in a page for each (struct ht_vcpu): shown in
 * /sys/kernel/hypertrace/vcpuN/, and told by events when it changed. The control thread looks, 50 times a second and only
 * while somebody wants these events: the host writes no oftener, so a look on the way of other events would cost them
 * something and know nothing sooner. Nothing that is read is trusted: sums that go back are taken as a new beginning.
 */
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include "hypertrace.h"

#define CREATE_TRACE_POINTS
#include "awareness_trace.h"

#define READ_TRIES 8
/* Less than this is not told: every wake-up of a vCPU costs it some microseconds. It adds up for the next event. */
#define STOLEN_MIN_NS 100000

struct vcpu {
	struct kobject kobj;
	unsigned int cpu;
	/* what the last events said; only the control thread uses them */
	bool known;
	u32 seq, pcpu;
	u64 stolen_ns, preemptions, migrations;
};

static struct vcpu **vcpus; /* by CPU; NULL: an impossible one */
static u32 nr_vcpus;        /* that have a page */
static struct kobject *directory;
static u64 wanted;          /* bits of ht_control.events */

static const struct ht_vcpu *page_of(unsigned int cpu)
{
	return ht_map.base + HT_VCPUS_OFFSET + (size_t)cpu * HT_PAGE_BYTES;
}

/* A copy of the page that is whole. Returns false: nobody keeps it, or it changed under every try. */
static bool read_page(unsigned int cpu, struct ht_vcpu *copy)
{
	const struct ht_vcpu *page = page_of(cpu);
	unsigned int i;

	for (i = 0; i < READ_TRIES; i++) {
		/* pairs with the release store of the even seq in the host's publish() (awareness.c) */
		u32 seq = smp_load_acquire(&page->seq);

		memcpy(copy, page, sizeof(*copy));
		smp_rmb();
		if (!(seq & 1) && READ_ONCE(page->seq) == seq && copy->seq == seq)
			return copy->magic == HT_VCPU_MAGIC;
		cpu_relax();
	}
	return false;
}

/* --- sysfs --- */

struct vcpu_attribute {
	struct attribute attr;
	u32 field; /* enum ht_vcpu_fields; 0: always there */
	ssize_t (*show)(const struct ht_vcpu *page, char *text);
};

static const char *const states[HT_VCPU_STATES] = {
	[HT_VCPU_UNKNOWN] = "unknown",   [HT_VCPU_RUNNABLE] = "runnable", [HT_VCPU_HALTED] = "halted",
	[HT_VCPU_STOPPED] = "stopped",   [HT_VCPU_GONE] = "gone",         [HT_VCPU_RUNNING] = "running",
	[HT_VCPU_PREEMPTED] = "preempted",
};

static ssize_t show_state(const struct ht_vcpu *page, char *text)
{
	return sysfs_emit(text, "%s\n", states[page->state < HT_VCPU_STATES ? page->state : HT_VCPU_UNKNOWN]);
}

static ssize_t show_last_exit(const struct ht_vcpu *page, char *text)
{
	return sysfs_emit(text, "%s 0x%x\n", page->exit_isa == 1 ? "vmx" : page->exit_isa == 2 ? "svm" : "-",
			  page->exit_reason);
}

#define SHOW(name, format)                                                      \
	static ssize_t show_##name(const struct ht_vcpu *page, char *text)      \
	{                                                                       \
		return sysfs_emit(text, format "\n", page->name);               \
	}
SHOW(pcpu, "%u")
SHOW(run_ns, "%llu")
SHOW(stolen_ns, "%llu")
SHOW(preemptions, "%llu")
SHOW(migrations, "%llu")
SHOW(exits, "%llu")
SHOW(exit_ns, "%llu")
SHOW(update_ns, "%llu")

#define ATTRIBUTE(name_, file, field_) \
	static struct vcpu_attribute attribute_##name_ = { { .name = file, .mode = 0444 }, field_, show_##name_ }
ATTRIBUTE(pcpu, "pcpu", HT_VCPU_PCPU);
ATTRIBUTE(state, "state", HT_VCPU_STATE);
ATTRIBUTE(run_ns, "run_ns", HT_VCPU_TIMES);
ATTRIBUTE(stolen_ns, "stolen_ns", HT_VCPU_TIMES);
ATTRIBUTE(preemptions, "preemptions", HT_VCPU_PREEMPTIONS);
ATTRIBUTE(migrations, "migrations", HT_VCPU_MIGRATIONS);
ATTRIBUTE(exits, "exits", HT_VCPU_EXITS);
ATTRIBUTE(last_exit, "last_exit", HT_VCPU_EXITS);
ATTRIBUTE(exit_ns, "last_exit_ns", HT_VCPU_EXITS);
ATTRIBUTE(update_ns, "update_ns", 0);

static struct attribute *vcpu_attrs[] = {
	&attribute_pcpu.attr,        &attribute_state.attr,      &attribute_run_ns.attr, &attribute_stolen_ns.attr,
	&attribute_preemptions.attr, &attribute_migrations.attr, &attribute_exits.attr,  &attribute_last_exit.attr,
	&attribute_exit_ns.attr,     &attribute_update_ns.attr,  NULL,
};
ATTRIBUTE_GROUPS(vcpu);

/* -ENODATA: no recorder keeps the page, or it cannot know that. */
static ssize_t show(struct kobject *kobj, struct attribute *attr, char *text)
{
	const struct vcpu_attribute *attribute = container_of(attr, struct vcpu_attribute, attr);
	struct ht_vcpu page;

	if (!read_page(container_of(kobj, struct vcpu, kobj)->cpu, &page) ||
	    (page.fields & attribute->field) != attribute->field)
		return -ENODATA;
	return attribute->show(&page, text);
}

static void release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct vcpu, kobj));
}

static const struct sysfs_ops vcpu_sysfs_ops = { .show = show };
static const struct kobj_type vcpu_type = {
	.sysfs_ops = &vcpu_sysfs_ops,
	.release = release,
	.default_groups = vcpu_groups,
};

/* --- events --- */

static void tell_stolen(struct vcpu *vcpu, const struct ht_vcpu *page)
{
	struct {
		u16 vcpu, pcpu;
		u32 preemptions;
		u64 stolen_ns;
	} __packed payload;
	u64 stolen_ns = page->stolen_ns - vcpu->stolen_ns, preemptions = page->preemptions - vcpu->preemptions;

	if (page->stolen_ns < vcpu->stolen_ns || page->preemptions < vcpu->preemptions) {
		vcpu->stolen_ns = page->stolen_ns; /* a new thread */
		vcpu->preemptions = page->preemptions;
		return;
	}
	if (stolen_ns < STOLEN_MIN_NS)
		return;
	vcpu->stolen_ns = page->stolen_ns;
	vcpu->preemptions = page->preemptions;
	trace_vcpu_preempted(vcpu->cpu, page->pcpu, preemptions, stolen_ns);
	payload.vcpu = vcpu->cpu;
	payload.pcpu = page->pcpu;
	payload.preemptions = preemptions;
	payload.stolen_ns = stolen_ns;
	if (wanted & HT_BIT(vcpu_stolen))
		ht_write(HT_ID_vcpu_stolen, &payload, sizeof(payload), NULL, 0);
}

static void tell_migrated(struct vcpu *vcpu, const struct ht_vcpu *page)
{
	struct {
		u16 vcpu, orig_cpu, dest_cpu;
		u32 migrations;
	} __packed payload;
	u64 migrations = page->migrations - vcpu->migrations;
	u32 from = vcpu->pcpu;

	/* there and back again is two migrations, too; the host reads both numbers one after the other */
	if (page->fields & HT_VCPU_MIGRATIONS ? !migrations : page->pcpu == from)
		return;
	vcpu->pcpu = page->pcpu;
	vcpu->migrations = page->migrations;
	if ((s64)migrations < 0) /* a new thread */
		return;
	trace_vcpu_migrated(vcpu->cpu, from, page->pcpu, migrations);
	payload.vcpu = vcpu->cpu;
	payload.orig_cpu = from;
	payload.dest_cpu = page->pcpu;
	payload.migrations = migrations;
	if (wanted & HT_BIT(vcpu_migrated))
		ht_write(HT_ID_vcpu_migrated, &payload, sizeof(payload), NULL, 0);
}

static void look(struct vcpu *vcpu)
{
	struct ht_vcpu page;

	if (READ_ONCE(page_of(vcpu->cpu)->seq) == vcpu->seq || !read_page(vcpu->cpu, &page))
		return;
	vcpu->seq = page.seq;
	if (!vcpu->known) {
		vcpu->known = true;
		vcpu->pcpu = page.pcpu;
		vcpu->stolen_ns = page.stolen_ns;
		vcpu->preemptions = page.preemptions;
		vcpu->migrations = page.migrations;
		return;
	}
	if (page.fields & HT_VCPU_TIMES)
		tell_stolen(vcpu, &page);
	if (page.fields & HT_VCPU_PCPU)
		tell_migrated(vcpu, &page);
}

/* From the control thread. */
void ht_awareness_poll(void)
{
	u32 cpu;

	if (!wanted && !trace_vcpu_preempted_enabled() && !trace_vcpu_migrated_enabled())
		return;
	for (cpu = 0; cpu < nr_vcpus; cpu++)
		if (vcpus[cpu])
			look(vcpus[cpu]);
}

/* What happened while nobody asked is not told later. */
void ht_awareness_set(const struct ht_control *control)
{
	u64 events = control->events & (HT_BIT(vcpu_stolen) | HT_BIT(vcpu_migrated));
	u32 cpu;

	for (cpu = 0; events != wanted && cpu < nr_vcpus; cpu++)
		if (vcpus[cpu])
			vcpus[cpu]->known = false;
	wanted = events;
}

/* --- life --- */

static int add(unsigned int cpu)
{
	struct vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL);
	int err;

	if (!vcpu)
		return -ENOMEM;
	vcpu->cpu = cpu;
	err = kobject_init_and_add(&vcpu->kobj, &vcpu_type, directory, "vcpu%u", cpu);
	if (err) {
		kobject_put(&vcpu->kobj);
		return err;
	}
	vcpus[cpu] = vcpu;
	return 0;
}

int ht_awareness_init(void)
{
	unsigned int cpu;
	int err = 0;

	/* a region with no room for the pages: the module does the rest */
	nr_vcpus = ht_rings_vcpus();
	if (!nr_vcpus)
		return 0;
	directory = kobject_create_and_add("hypertrace", kernel_kobj);
	vcpus = kcalloc(nr_vcpus, sizeof(vcpus[0]), GFP_KERNEL);
	if (!vcpus || !directory)
		err = -ENOMEM;
	for_each_possible_cpu(cpu)
		if (!err && cpu < nr_vcpus)
			err = add(cpu);
	if (err) {
		pr_err("cannot make /sys/kernel/hypertrace (%d)\n", err);
		ht_awareness_exit();
	}
	return err;
}

/* The control thread has ended. Readers of sysfs files are waited for. */
void ht_awareness_exit(void)
{
	u32 cpu;

	for (cpu = 0; vcpus && cpu < nr_vcpus; cpu++)
		if (vcpus[cpu]) {
			kobject_del(&vcpus[cpu]->kobj);
			kobject_put(&vcpus[cpu]->kobj);
		}
	kfree(vcpus);
	vcpus = NULL;
	nr_vcpus = 0;
	wanted = 0;
	kobject_put(directory);
	directory = NULL;
}
