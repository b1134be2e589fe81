// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is traced where no host can ask: the parameter events=, as -e of `hypertrace record` but for exceptions: groups,
 * events by name, system:event. Changed by /sys/module/hypertrace/parameters/events; names=1 there sends the names again.
 */
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "hypertrace.h"

static const struct {
	const char *name, *group;
	u32 id;
} layouts[] = {
#define HT_LAYOUT(id, identifier, name, group, ...) { #name, #group, id },
#include "abi/events.def"
};

static DEFINE_MUTEX(lock);
static struct ht_control *wanted; /* NULL: not started */
static char *events;              /* as given */
static u32 names_seq;
static bool symbols;
module_param(symbols, bool, 0644);
MODULE_PARM_DESC(symbols, "Channel hypercall: send the kernel's symbols with the names (megabytes)");

/* Adds a word of the list. */
static int want(struct ht_control *control, const char *word)
{
	size_t length = strlen(control->tracepoints);
	bool known = false;
	u32 i;

	if (strchr(word, ':')) {
		if (length + strlen(word) + 2 > sizeof(control->tracepoints))
			return -E2BIG;
		sprintf(control->tracepoints + length, "%s\n", word);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		if (layouts[i].id >= HT_ID_task_name || /* names are sent in any case */
		    (strcmp(word, "all") && strcmp(word, layouts[i].group) && strcmp(word, layouts[i].name)))
			continue;
		control->events |= BIT_ULL(layouts[i].id);
		known = true;
	}
	return known ? 0 : -EINVAL;
}

/* Fills what the list asks for. -EINVAL: no such event; -E2BIG, -ENOMEM. */
static int parse(struct ht_control *control, const char *list)
{
	char *copy = kstrdup(list, GFP_KERNEL), *rest = copy, *word;
	int err = copy ? 0 : -ENOMEM;

	memset(control, 0, sizeof(*control));
	while (!err && (word = strsep(&rest, ", \n"))) {
		if (!word[0])
			continue;
		err = want(control, word);
		if (err)
			pr_err("events: %s: %s\n", word, err == -EINVAL ? "no such event or group" : "too many");
	}
	kfree(copy);
	return err;
}

/* A list that cannot be read changes nothing. A tracepoint that cannot be had is said; the others are on. */
static int apply(void)
{
	char message[128] = "";
	int err = parse(wanted, events ?: "");

	if (err)
		return err;
	ht_durations_set(wanted);
	ht_filter_set(wanted);
	if (ht_probes_set(wanted, message, sizeof(message)) |
	    ht_generic_set(wanted->tracepoints, message, sizeof(message)))
		pr_err("events: %s\n", message);
	/* Which task runs is known from the switches recorded before, or else from the beginning of a packet. */
	ht_flush_all_cpus();
	ht_names_start(++names_seq, symbols);
	return 0;
}

static int set_events(const char *value, const struct kernel_param *parameter)
{
	char *new = kstrdup(value, GFP_KERNEL), *old;
	int err = 0;

	if (!new)
		return -ENOMEM;
	strim(new);
	mutex_lock(&lock);
	old = events;
	events = new;
	if (wanted)
		err = apply();
	if (err) {
		events = old;
		old = new;
	}
	mutex_unlock(&lock);
	kfree(old);
	return err;
}

static int get_events(char *buffer, const struct kernel_param *parameter)
{
	int bytes;

	mutex_lock(&lock);
	bytes = scnprintf(buffer, PAGE_SIZE, "%s\n", events ?: "");
	mutex_unlock(&lock);
	return bytes;
}

static void free_events(void *unused)
{
	kfree(events);
	events = NULL;
}

static const struct kernel_param_ops events_ops = { .set = set_events, .get = get_events, .free = free_events };
module_param_cb(events, &events_ops, NULL, 0644);
MODULE_PARM_DESC(events, "Channel hypercall: what to trace, for example sched,irq,syscalls");

static int set_names(const char *value, const struct kernel_param *parameter)
{
	mutex_lock(&lock);
	if (wanted)
		ht_names_start(++names_seq, symbols);
	mutex_unlock(&lock);
	return 0;
}

static const struct kernel_param_ops names_ops = { .set = set_names };
module_param_cb(names, &names_ops, NULL, 0200);
MODULE_PARM_DESC(names, "Channel hypercall: writing anything sends the names of tasks and interrupts again");

int ht_wishes_start(void)
{
	int err;

	mutex_lock(&lock);
	wanted = kzalloc(sizeof(*wanted), GFP_KERNEL);
	err = wanted ? apply() : -ENOMEM;
	if (err) {
		kfree(wanted);
		wanted = NULL;
	}
	mutex_unlock(&lock);
	return err;
}

/* From here on the parameters only remember. */
void ht_wishes_stop(void)
{
	mutex_lock(&lock);
	kfree(wanted);
	wanted = NULL;
	mutex_unlock(&lock);
}
