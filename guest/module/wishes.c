// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is traced where no host can ask: the parameter events=, as -e of `hypertrace record` but for exceptions: groups,
 * events by name, system:event; functions=, as -F, with function_probe= and function_depth=. Changed by
 * /sys/module/hypertrace/parameters/…; names=1 there sends the names again.
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

static const char *const noise[] = {
#define HT_NOISE(pattern) pattern,
#include "abi/function_noise.def"
};

static DEFINE_MUTEX(lock);
static struct ht_control *wanted; /* in force; NULL: not started */
static char *events, *functions, *function_probe, *function_depth; /* as given */
static u32 names_seq;
static bool symbols;
module_param(symbols, bool, 0644);
MODULE_PARM_DESC(symbols, "Channel hypercall: send the kernel's symbols with the names (megabytes); with functions they are");

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
static int parse_events(struct ht_control *control, const char *list)
{
	char *copy = kstrdup(list, GFP_KERNEL), *rest = copy, *word;
	int err = copy ? 0 : -ENOMEM;

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

/* Adds a pattern, with its '!' or one more. */
static int want_function(struct ht_control *control, const char *sign, const char *pattern)
{
	size_t length = strlen(control->functions);

	if (length + strlen(sign) + strlen(pattern) + 2 > sizeof(control->functions))
		return -E2BIG;
	sprintf(control->functions + length, "%s%s\n", sign, pattern);
	return 0;
}

/* What says nothing, unless it is named; where there is room, for it is only cheaper. */
static void leave_noise_out(struct ht_control *control, u32 named)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(noise); i++)
		if (!(named & BIT(i)))
			want_function(control, "!", noise[i]);
}

/* Fills what the list of patterns asks for. -EINVAL: it is none, or takes nothing in; -E2BIG, -ENOMEM. */
static int parse_functions(struct ht_control *control, const char *list)
{
	char *copy = kstrdup(list, GFP_KERNEL), *rest = copy, *word;
	bool takes_in = false;
	int err = copy ? 0 : -ENOMEM;
	u32 named = 0, i;

	while (!err && (word = strsep(&rest, ", \n"))) {
		const bool out = word[0] == '!';

		if (!word[out])
			continue;
		err = word[out + strspn(word + out, HT_PATTERN_CHARACTERS)] ? -EINVAL : want_function(control, "", word);
		if (err)
			pr_err("functions: %s: %s\n", word, err == -EINVAL ? "no pattern of function names" : "too many");
		takes_in |= !out;
		for (i = 0; i < ARRAY_SIZE(noise); i++)
			if (!strcmp(word + out, noise[i]))
				named |= BIT(i);
	}
	kfree(copy);
	if (!err && control->functions[0] && !takes_in) {
		pr_err("functions: nothing but what is taken out\n");
		err = -EINVAL;
	}
	if (!err && takes_in)
		leave_noise_out(control, named);
	return err;
}

/* How they are traced. -EINVAL. */
static int parse_probe(struct ht_control *control)
{
	static const char *const probes[] = { [HT_FUNCTION_ENTRY] = "entry", [HT_FUNCTION_RETURN] = "return",
					      [HT_FUNCTION_GRAPH] = "fgraph" };
	const char *depth = function_depth && function_depth[0] ? function_depth : "0";
	u32 i;

	control->function_probe = HT_FUNCTION_NONE;
	for (i = HT_FUNCTION_ENTRY; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(function_probe && function_probe[0] ? function_probe : "return", probes[i]))
			control->function_probe = i;
	if (control->function_probe == HT_FUNCTION_NONE) {
		pr_err("function_probe=%s: entry, return or fgraph\n", function_probe);
		return -EINVAL;
	}
	if (kstrtou32(depth, 0, &control->function_depth)) {
		pr_err("function_depth=%s: no number\n", depth);
		return -EINVAL;
	}
	if (control->function_probe == HT_FUNCTION_ENTRY && control->function_depth) {
		pr_err("function_depth needs to know of returns: not with function_probe=entry\n");
		return -EINVAL;
	}
	return 0;
}

/* Wishes that cannot be read change nothing. What of them cannot be had is said; the others are on. */
static int apply(void)
{
	struct ht_control *new = kzalloc(sizeof(*new), GFP_KERNEL);
	char message[256] = "";
	int err = new ? 0 : -ENOMEM;

	err = err ?: parse_events(new, events ?: "") ?: parse_functions(new, functions ?: "") ?: parse_probe(new);
	if (err) {
		kfree(new);
		return err;
	}
	kfree(wanted);
	wanted = new;
	ht_durations_set(wanted);
	ht_filter_set(wanted);
	ht_functions_end(wanted);
	if (ht_probes_set(wanted, message, sizeof(message)) |
	    ht_generic_set(wanted->tracepoints, message, sizeof(message)))
		pr_err("events: %s\n", message);
	/* Which task runs is known from the switches recorded before, or else from the beginning of a packet. */
	ht_flush_all_cpus();
	ht_names_start(++names_seq, symbols || wanted->functions[0]);
	message[0] = '\0';
	if (ht_functions_set(wanted, message, sizeof(message)))
		pr_err("%s\n", message);
	return 0;
}

static int set_wish(const char *value, const struct kernel_param *parameter)
{
	char **place = parameter->arg, *new = kstrdup(value, GFP_KERNEL), *old;
	int err = 0;

	if (!new)
		return -ENOMEM;
	strim(new);
	mutex_lock(&lock);
	old = *place;
	*place = new;
	if (wanted)
		err = apply();
	if (err) {
		*place = old;
		old = new;
	}
	mutex_unlock(&lock);
	kfree(old);
	return err;
}

static int get_wish(char *buffer, const struct kernel_param *parameter)
{
	char **place = parameter->arg;
	int bytes;

	mutex_lock(&lock);
	bytes = scnprintf(buffer, PAGE_SIZE, "%s\n", *place ?: "");
	mutex_unlock(&lock);
	return bytes;
}

static void free_wish(void *arg)
{
	char **place = arg;

	kfree(*place);
	*place = NULL;
}

static const struct kernel_param_ops wish_ops = { .set = set_wish, .get = get_wish, .free = free_wish };
module_param_cb(events, &wish_ops, &events, 0644);
MODULE_PARM_DESC(events, "Channel hypercall: what to trace, for example sched,irq,syscalls");
module_param_cb(functions, &wish_ops, &functions, 0644);
MODULE_PARM_DESC(functions, "Channel hypercall: functions to trace, for example vfs_*,!vfs_fsync*");
module_param_cb(function_probe, &wish_ops, &function_probe, 0644);
MODULE_PARM_DESC(function_probe, "Channel hypercall: entry, return (default) or fgraph");
module_param_cb(function_depth, &wish_ops, &function_depth, 0644);
MODULE_PARM_DESC(function_depth, "Channel hypercall: of calls in calls that are traced (0: all)");

static int set_names(const char *value, const struct kernel_param *parameter)
{
	mutex_lock(&lock);
	if (wanted)
		ht_names_start(++names_seq, symbols || wanted->functions[0]);
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
	err = apply();
	mutex_unlock(&lock);
	return err;
}

/* Says what calls were missed; where the wishes are just being changed, that does. May sleep. */
void ht_wishes_poll(void)
{
	if (!mutex_trylock(&lock))
		return;
	if (wanted)
		ht_functions_poll();
	mutex_unlock(&lock);
}

/* From here on the parameters only remember. */
void ht_wishes_stop(void)
{
	mutex_lock(&lock);
	kfree(wanted);
	wanted = NULL;
	mutex_unlock(&lock);
}
