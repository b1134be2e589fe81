// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side of the region: a thread looks at its page 50 times a second, puts changed wishes in force, and
 * answers clock questions. Nothing needs a login into the guest.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "hypertrace.h"

#define POLL_MS 20
/* How long the next clock question of a series is waited for, once a second at most: the host may have lost its CPU. */
#define CLOCK_WAIT_TSC  2000000
#define CLOCK_MAX_ROUNDS 64

const struct ht_control ht_control_none;

static struct task_struct *thread;
static struct ht_control *wanted; /* our own copy, checked */
static u32 names_seq;

/* Copies the host's control page. Returns false while the host is writing it. */
static bool copy_control(void)
{
	const struct ht_control *shared = &ht_map.host->control;
	/* pairs with the release store in the host's control_publish() */
	u32 seq = smp_load_acquire(&shared->seq);

	memcpy(wanted, shared, sizeof(*wanted));
	smp_rmb();
	if (READ_ONCE(shared->seq) != seq || wanted->seq_end != seq)
		return false;
	wanted->seq = seq;
	wanted->nr_pids = min_t(u32, wanted->nr_pids, HT_CONTROL_PIDS);
	wanted->nr_comms = min_t(u32, wanted->nr_comms, HT_CONTROL_COMMS);
	wanted->tracepoints[sizeof(wanted->tracepoints) - 1] = '\0';
	wanted->functions[sizeof(wanted->functions) - 1] = '\0';
	wanted->nr_dropped = min_t(u32, wanted->nr_dropped, HT_CONTROL_DROPPED);
	return true;
}

static void apply(void)
{
	struct ht_region *region = ht_map.region;
	char *message = region->control_message;
	size_t size = sizeof(region->control_message);
	int err = 0, e;

	message[0] = '\0';
	if (wanted->mode > HT_MODE_DISCARD) {
		snprintf(message, size, "unknown mode %u", wanted->mode);
		err = -EINVAL;
		goto out;
	}
	if (!ht_rings_fit(wanted)) {
		err = ht_rings_check(wanted);
		if (err) { /* what the rings hold is worth more than a wish that cannot be met */
			snprintf(message, size, "packets %u of %u bytes, rings %u: they do not fit into %zu bytes",
				 wanted->nr_packets, wanted->packet_bytes, nr_cpu_ids + 1, ht_map.bytes);
		} else {
			ht_names_stop();
			ht_functions_stop();
			ht_generic_stop();
			ht_probes_stop();
			err = ht_rings_start(wanted);
			names_seq = 0;
		}
	}
	ht_durations_set(wanted);
	ht_filter_set(wanted);
	ht_awareness_set(wanted);
	ht_functions_end(wanted);
	e = ht_probes_set(wanted, message, size);
	err = err ?: e;
	e = ht_generic_set(wanted->tracepoints, message, size);
	err = err ?: e;
	/*
	 * Which task runs is known from the switches recorded before, or else from the beginning of a packet. Names are
	 * collected after this: a task that is renamed meanwhile has its new name in what the host records.
	 */
	ht_rings_begin_wishes();
	if (wanted->names_seq != names_seq) {
		names_seq = wanted->names_seq;
		ht_names_start(names_seq, wanted->flags & HT_CONTROL_SYMBOLS);
	}
	e = ht_functions_set(wanted, message, size);
	err = err ?: e;
out:
	region->control_error = err;
	/* pairs with the acquire load in the host's control_done() */
	smp_store_release(&region->control_done, wanted->seq);
}

static void poll_control(void)
{
	const struct ht_host *host = ht_map.host;

	if (READ_ONCE(host->magic) != HT_HOST_MAGIC || READ_ONCE(host->abi_version) != HT_ABI_VERSION)
		return;
	if (READ_ONCE(host->control.seq) != READ_ONCE(ht_map.region->control_done) && copy_control())
		apply();
}

/* Answers a question, and those that follow at once. */
static void answer_clock(void)
{
	const struct ht_host *host = ht_map.host;
	struct ht_region *region = ht_map.region;
	unsigned int round, rounds = min_t(u32, READ_ONCE(host->clock_rounds), CLOCK_MAX_ROUNDS);
	u64 start;

	for (round = 0; round <= rounds; round++) {
		u32 request;

		start = rdtsc();
		/* pairs with the release store in the host's ask() (clock_exchange.c) */
		while ((request = smp_load_acquire(&host->clock_request)) == region->clock_answer) {
			if (round == 0 || rdtsc() - start > CLOCK_WAIT_TSC)
				return;
			cpu_relax();
		}
		WRITE_ONCE(region->clock_tsc, rdtsc_ordered());
		/* pairs with the acquire load in the host's ask() (clock_exchange.c) */
		smp_store_release(&region->clock_answer, request);
	}
}

static int run(void *unused)
{
	while (!kthread_should_stop()) {
		poll_control();
		answer_clock();
		ht_awareness_poll();
		ht_functions_poll();
		msleep_interruptible(POLL_MS);
	}
	return 0;
}

/* What the host wrote before this guest booted holds from the first moment on. */
void ht_control_apply_first(void)
{
	names_seq = 0;
	wanted = kzalloc(sizeof(*wanted), GFP_KERNEL);
	if (wanted)
		poll_control();
}

int ht_control_start(void)
{
	if (!wanted)
		return -ENOMEM;
	thread = kthread_run(run, NULL, "hypertrace");
	if (!IS_ERR(thread))
		return 0;
	kfree(wanted);
	wanted = NULL;
	return PTR_ERR(thread);
}

void ht_control_stop(void)
{
	kthread_stop(thread);
	kfree(wanted);
	wanted = NULL;
}
