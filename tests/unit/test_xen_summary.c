/* SPDX-License-Identifier: MIT */
/* Xen traces made by hand, with results worked out by hand: runstates, gaps, contradictions, exits, memory, intervals. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/analysis/xen_scatter.h"
#include "lib/analysis/xen_summary.h"
#include "lib/model/exit_reasons.h"
#include "lib/model/xen_events.h"

static int setup(void **state)
{
	struct xen_summary *summary = calloc(1, sizeof(*summary));

	assert_int_equal(xen_summary_init(summary), 0);
	*state = summary;
	return 0;
}

static int teardown(void **state)
{
	xen_summary_deinit(*state);
	free(*state);
	return 0;
}

#define WORDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4

static void put(struct xen_summary *s, uint32_t pcpu, uint64_t tsc, uint32_t code, const uint32_t *words,
	size_t count)
{
	struct xen_event event = {.tsc = tsc,
		.order_tsc = tsc,
		.pcpu = pcpu,
		.code = code,
		.has_tsc = true,
		.n_extra = (uint8_t)count};

	if (count)
		memcpy(event.extra, words, count * 4);
	xen_summary_event(s, &event);
}

/* d`dom`v`vcpu` goes from one state to another. */
static void change(struct xen_summary *s, uint32_t pcpu, uint64_t tsc, uint32_t dom, uint32_t vcpu,
	enum xen_state from, enum xen_state to)
{
	put(s, pcpu, tsc, 0x21001u | (uint32_t)to << 4 | (uint32_t)from << 8, WORDS(dom << 16 | vcpu));
}

static void lost(
	struct xen_summary *s, uint32_t pcpu, uint64_t from, uint64_t to, uint32_t dom, uint32_t vcpu)
{
	struct xen_event event = {.tsc = to,
		.order_tsc = from,
		.pcpu = pcpu,
		.code = XEN_LOST_RECORDS,
		.has_tsc = true,
		.n_extra = 4,
		.extra = {17, dom | vcpu << 16, (uint32_t)from, (uint32_t)(from >> 32)}};

	xen_summary_event(s, &event);
}

static const struct xen_vcpu_summary *vcpu(struct xen_summary *s, uint32_t dom, uint32_t number)
{
	for (uint32_t i = 0; i < s->nr_vcpus; i++)
		if (s->vcpus[i].place->dom == dom && s->vcpus[i].place->vcpu == number)
			return &s->vcpus[i];
	fail_msg("no d%uv%u", dom, number);
	return NULL;
}

static void assert_times(const struct xen_times *times, uint64_t count, uint64_t sum)
{
	assert_int_equal(times->count, count);
	assert_int_equal(times->sum_tsc, sum);
}

/* d1v0 runs on pCPU 0 from its first record on, is preempted, runs on pCPU 1, blocks, is woken. */
static void test_runstates(void **state)
{
	struct xen_summary *s = *state;
	const struct xen_vcpu_summary *v;

	put(s, 0, 100, 0x22204, NULL, 0); /* the first record of pCPU 0 says nothing of who runs */
	put(s, 1, 110, 0x22204, NULL, 0);
	change(s, 0, 1000, 1, 0, XEN_RUNNING,
		XEN_RUNNABLE); /* since when it ran there is not known: not seen to run */
	change(s, 1, 1500, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 1, 1700, 0x21002, WORDS(1 << 16)); /* goes on: a slice of 200 ends */
	change(s, 1, 2000, 1, 0, XEN_RUNNING, XEN_RUNNABLE);
	change(s, 0, 2600, 1, 0, XEN_RUNNABLE, XEN_RUNNING); /* moved: it was on pCPU 1 for 1100 */
	change(s, 0, 3000, 1, 0, XEN_RUNNING, XEN_BLOCKED);
	change(s, 0, 3700, 1, 0, XEN_BLOCKED, XEN_RUNNABLE);
	change(s, 0, 3750, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 4000, 0x22204, NULL, 0);
	assert_int_equal(xen_summary_end(s), 0);
	v = vcpu(s, 1, 0);
	assert_times(&v->states[XEN_RUNNING], 4, 200 + 300 + 400 + 250);
	assert_times(&v->states[XEN_RUNNABLE], 2, 600 + 50);
	assert_times(&v->states[XEN_BLOCKED], 1, 700);
	assert_times(&v->waits[XEN_RUNNABLE_PREEMPTED], 1, 600);
	assert_times(&v->waits[XEN_RUNNABLE_WOKEN], 1, 50);
	assert_times(&v->stays, 2, 1100 + 1400);
	assert_int_equal(v->all.acts[XEN_ACT_MIGRATIONS], 1);
	assert_int_equal(v->all.acts[XEN_ACT_RUNS], 3);
	assert_times(&s->pcpus[0].states[XEN_PCPU_BUSY], 2, 400 + 250);
	assert_times(&s->pcpus[1].states[XEN_PCPU_BUSY], 1, 500);
	assert_int_equal(s->nr_longest, 2);
	assert_int_equal(s->longest[0].ticks, 600);
	assert_int_equal(s->longest[0].pcpu, 0);
	assert_int_equal(s->states.contradictions, 0);
	assert_int_equal(s->pcpus[0].events[1], 7);
}

/* A vCPU that "goes on" in its first event has run since its pCPU's first record. */
static void test_start(void **state)
{
	struct xen_summary *s = *state;

	put(s, 0, 100, 0x22204, NULL, 0);
	put(s, 0, 1000, 0x21002, WORDS(1 << 16));
	change(s, 0, 1300, 1, 0, XEN_RUNNING, XEN_BLOCKED);
	assert_int_equal(xen_summary_end(s), 0);
	assert_times(&vcpu(s, 1, 0)->states[XEN_RUNNING], 1, 1200);
}

/* Two vCPUs of a domain: its states go by both. */
static void test_domain(void **state)
{
	struct xen_summary *s = *state;
	const struct xen_domain *domain;

	change(s, 0, 1000, 3, 0, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 1, 1100, 3, 1, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 1, 1400, 3, 1, XEN_RUNNING, XEN_RUNNABLE);
	change(s, 0, 1900, 3, 0, XEN_RUNNING, XEN_BLOCKED);
	change(s, 1, 2000, 3, 1, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 1, 2600, 3, 1, XEN_RUNNING, XEN_BLOCKED);
	change(s, 0, 3600, 3, 0, XEN_BLOCKED, XEN_RUNNABLE);
	assert_int_equal(xen_summary_end(s), 0);
	domain = vcpu(s, 3, 0)->domain;
	assert_times(&domain->states[XEN_DOMAIN_FULL_RUN], 2, 100 + 300);
	assert_times(&domain->states[XEN_DOMAIN_CONCURRENCY_HAZARD], 1, 500);
	assert_times(&domain->states[XEN_DOMAIN_PARTIAL_CONTENTION], 1, 100);
	assert_times(&domain->states[XEN_DOMAIN_PARTIAL_RUN], 1, 600);
	assert_times(&domain->states[XEN_DOMAIN_BLOCKED], 1, 1000);
}

/* pCPU 0 loses records: who ran there and who did not run are lost, who runs on pCPU 1 is not. */
static void test_gap(void **state)
{
	struct xen_summary *s = *state;

	change(s, 0, 1000, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 1, 1000, 1, 1, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 0, 1050, 1, 2, XEN_BLOCKED, XEN_RUNNABLE); /* not seen to run yet */
	lost(s, 0, 2000, 5000, 1, 0);
	change(s, 1, 3000, 1, 1, XEN_RUNNING, XEN_BLOCKED); /* in the gap: it may be woken onto pCPU 0 */
	change(s, 1, 6000, 1, 1, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 0, 6500, 1, 0, XEN_RUNNING, XEN_BLOCKED); /* as the gap's record said, it ran there */
	change(s, 1, 7000, 1, 1, XEN_RUNNING, XEN_BLOCKED);
	assert_int_equal(xen_summary_end(s), 0);
	assert_times(&vcpu(s, 1, 0)->states[XEN_RUNNING], 2, 1000 + 1500);
	assert_times(&vcpu(s, 1, 0)->states[XEN_LOST], 1, 3000);
	assert_times(&vcpu(s, 1, 1)->states[XEN_RUNNING], 2, 2000 + 1000);
	assert_times(&vcpu(s, 1, 1)->states[XEN_LOST], 1, 3000);
	assert_times(&vcpu(s, 1, 1)->states[XEN_BLOCKED], 0, 0);
	assert_int_equal(vcpu(s, 1, 2)->place->state, XEN_LOST);
	assert_times(&s->pcpus[0].states[XEN_PCPU_LOST], 1, 3000);
	assert_int_equal(s->states.lost_records, 17);
	assert_int_equal(s->states.contradictions, 0);
}

/* Records are missing: what is said is believed, and nothing is made up of the time between. */
static void test_contradiction(void **state)
{
	struct xen_summary *s = *state;
	const struct xen_vcpu_summary *v;

	change(s, 0, 1000, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 1200, 0x22204, NULL, 0);                   /* the last that is known of pCPU 0 */
	change(s, 1, 5000, 1, 0, XEN_RUNNABLE, XEN_RUNNING); /* it ran until 1200 at most, that is all */
	change(s, 1, 5500, 1, 0, XEN_RUNNING, XEN_BLOCKED);
	change(s, 1, 9000, 1, 0, XEN_RUNNABLE, XEN_RUNNING); /* when it was woken is not known */
	change(s, 1, 9100, 1, 0, XEN_RUNNING, XEN_BLOCKED);
	assert_int_equal(xen_summary_end(s), 0);
	v = vcpu(s, 1, 0);
	assert_times(&v->states[XEN_RUNNING], 3, 200 + 500 + 100);
	assert_times(&v->states[XEN_BLOCKED], 0, 0);
	assert_int_equal(s->states.contradictions, 2);
}

/* Impossible states, records that are too short, a pCPU beyond all limits. */
static void test_malformed(void **state)
{
	struct xen_summary *s = *state;

	put(s, 0, 100, 0x21001 | 0xff0, WORDS(1 << 16));
	put(s, 0, 110, 0x21001, NULL, 0);
	put(s, 0, 120, 0x21007, WORDS(1 << 16));
	put(s, XEN_PCPUS_MAX, 130, 0x21002, WORDS(1 << 16));
	put(s, 0, 140, XEN_LOST_RECORDS, WORDS(1));
	put(s, 0, 150, 0x0030f001, WORDS(1)); /* two classes */
	put(s, 0, 160, 0x10f004, WORDS(1));   /* memory operation without its domain */
	assert_int_equal(xen_summary_end(s), 0);
	assert_int_equal(s->states.refused, 5);
	assert_int_equal(s->odd_codes, 1);
	assert_int_equal(s->nr_vcpus, 0);
	assert_int_equal(s->domains.count, 0);
}

/* More vCPUs than a summary follows: memory stays bounded. */
static void test_limits(void **state)
{
	struct xen_summary *s = *state;

	for (uint32_t i = 0; i < XEN_VCPUS_MAX + 10; i++) {
		change(s, 0, 1000 + 2 * i, i, 1, XEN_RUNNABLE, XEN_RUNNING);
		change(s, 0, 1001 + 2 * i, i, 1, XEN_RUNNING, XEN_BLOCKED);
		change(s, 0, 1001 + 2 * i, i, 1, XEN_BLOCKED, XEN_RUNNABLE);
	}
	assert_int_equal(xen_summary_end(s), 0);
	assert_int_equal(s->nr_vcpus, XEN_VCPUS_MAX);
	assert_int_equal(s->states.refused, 30);
	assert_true(s->budget.used <= XEN_TIMES_BUDGET);
}

static void test_pv(void **state)
{
	struct xen_summary *s = *state;
	const struct xen_pv *pv;

	put(s, 0, 900, 0x20100d, WORDS(1)); /* who ran is not known */
	change(s, 0, 1000, 0, 2, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 1100, 0x20100d, WORDS(2u << 20 | 1, 0, 0)); /* mmu_update, with an argument */
	put(s, 0, 1200, 0x20200e, WORDS(26));                 /* in a multicall */
	put(s, 0, 1300, 0x201101, WORDS(0x1000, 0, 29));      /* the older form, 64 bits */
	put(s, 0, 1400, 0x201103, WORDS(0x1000, 0, 0x8000 | 13));
	put(s, 0, 1500, 0x201104, WORDS(1, 2, 3, 4, 5));
	put(s, 0, 1600, 0x201101, WORDS(0x1000, 0));
	assert_int_equal(xen_summary_end(s), 0);
	pv = vcpu(s, 0, 2)->pv;
	assert_int_equal(xen_pv_hypercalls(pv), 2);
	assert_int_equal(pv->hypercalls[1], 1);
	assert_int_equal(pv->hypercalls[29], 1);
	assert_int_equal(pv->subcalls[26], 1);
	assert_int_equal(pv->traps[13], 1);
	assert_int_equal(pv->events[XEN_PV_PAGE_FAULT], 1);
	assert_int_equal(pv->malformed, 1);
	assert_int_equal(s->unplaced, 1);
	assert_int_equal(vcpu(s, 0, 2)->all.acts[XEN_ACT_HYPERCALLS], 2);
}

static const struct xen_tally_row *tally(struct xen_summary *s, enum xen_tally_kind kind, uint64_t number)
{
	return xen_tally_at(&s->tally, 0, kind, number);
}

/* An access to a port, an interrupt that wakes, a halt that ends when the vCPU is woken. */
static void test_hvm(void **state)
{
	struct xen_summary *s = *state;

	change(s, 0, 1000, 5, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 1100, 0x81102, WORDS(30, 0x1234, 0xffffffff));
	put(s, 0, 1150, 0x82216, WORDS(0x60, 1));
	put(s, 0, 1400, 0x81001, NULL, 0);
	put(s, 0, 2000, 0x81102, WORDS(12, 0x1234, 0xffffffff));
	put(s, 0, 2100, 0x82013, WORDS(0));
	change(s, 0, 2200, 5, 0, XEN_RUNNING, XEN_BLOCKED);
	change(s, 0, 9000, 5, 0, XEN_BLOCKED, XEN_RUNNABLE);
	change(s, 0, 9500, 5, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 9600, 0x82004, WORDS(0xef, 0));
	put(s, 0, 9700, 0x81001, NULL, 0);
	put(s, 0, 9800, 0x82004, WORDS(0x30, 0));
	put(s, 0, 9900, 0x81001, NULL, 0);
	change(s, 0, 10700, 5, 0, XEN_RUNNING, XEN_BLOCKED);
	put(s, 0, 10800, 0x81102, WORDS(1)); /* cut */
	assert_int_equal(xen_summary_end(s), 0);
	assert_times(&tally(s, XEN_TALLY_EXIT, 30)->times, 1, 300);
	assert_times(&tally(s, XEN_TALLY_PORT_WRITE, 0x60)->times, 1, 300);
	assert_times(&tally(s, XEN_TALLY_EXIT, 12)->times, 1, 7000); /* not the wait for a pCPU */
	assert_times(&tally(s, XEN_TALLY_HANDLER, 0x13)->times, 1, 7000);
	assert_int_equal(tally(s, XEN_TALLY_INJECTED, 0xef)->count, 1);
	assert_times(&tally(s, XEN_TALLY_WAKE_TO_HALT, 0xef)->times, 1, 1000);
	assert_times(&tally(s, XEN_TALLY_INTERRUPT_TO_HALT, 0x30)->times, 1, 800);
	assert_int_equal(vcpu(s, 5, 0)->all.acts[XEN_ACT_EXITS], 2);
	assert_int_equal(vcpu(s, 5, 0)->all.acts[XEN_ACT_EXIT_TSC], 7300);
	assert_int_equal(s->unplaced, 1);
}

/* Grants, and populate on demand in both layouts. */
static void test_memory(void **state)
{
	struct xen_summary *s = *state;
	const struct xen_memory_counts *by, *of;

	change(s, 0, 1000, 0, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 1100, 0x10f001, WORDS(7));
	put(s, 0, 1110, 0x10f001, WORDS(7));
	put(s, 0, 1120, 0x10f002, WORDS(7));
	put(s, 0, 1200, 0x10f010, WORDS(1, 0, 2, 0, 9u << 16 | 7, 0)); /* 4.17 */
	put(s, 0, 1300, 0x10f010, WORDS(1, 0, 2, 0, 7, 18));           /* 4.18 */
	put(s, 0, 1400, 0x10f011, WORDS(1, 0, 2, 0, 7, 0));
	put(s, 0, 1500, 0x10f004, WORDS(1, 0, 2, 0, 3, 9u << 16 | 7));
	assert_int_equal(xen_summary_end(s), 0);
	by = vcpu(s, 0, 0)->domain->memory;
	of = xen_domains_at(&s->domains, 7)->memory;
	assert_int_equal(by->by[XEN_MEMORY_GRANT_MAP], 2);
	assert_int_equal(by->of[XEN_MEMORY_GRANT_MAP], 0);
	assert_int_equal(of->of[XEN_MEMORY_GRANT_MAP], 2);
	assert_int_equal(of->of[XEN_MEMORY_GRANT_UNMAP], 1);
	assert_int_equal(of->of[XEN_MEMORY_SET_P2M], 1);
	assert_int_equal(of->populated[1], 1);
	assert_int_equal(of->populated[2], 1);
	assert_int_equal(of->reclaimed[XEN_RECLAIM_UNKNOWN][0], 1);
	assert_int_equal(vcpu(s, 0, 0)->all.acts[XEN_ACT_GRANTS], 3);
	assert_int_equal(vcpu(s, 0, 0)->all.acts[XEN_ACT_POD], 3);
}

static void test_hardware(void **state)
{
	struct xen_summary *s = *state;
	const struct xen_tally_row *row;

	put(s, 1, 1000, 0x802008, WORDS(9, 0xfffffff0, 0x10)); /* the low words wrap */
	put(s, 1, 1100, 0x801002, WORDS(2, 0));
	put(s, 1, 1900, 0x801003, WORDS(2, 0));
	assert_int_equal(xen_summary_end(s), 0);
	row = xen_tally_at(&s->tally, XEN_TALLY_ANY, XEN_TALLY_IRQ, 9);
	assert_times(&row->times, 1, 0x20);
	assert_int_equal(xen_tally_vcpu(row), XEN_TALLY_ANY);
	assert_int_equal(s->pcpus[1].irqs, 1);
	assert_int_equal(s->pcpus[1].cstate_tsc, 800);
}

/* --- intervals --- */

struct seen {
	uint64_t begin, end, running, blocked, busy;
};

static struct seen seen[64];
static size_t nr_seen;

static void take_interval(void *context, struct xen_summary *s, uint64_t begin_tsc, uint64_t end_tsc)
{
	const struct xen_vcpu_summary *v = s->vcpus;

	(void)context;
	assert_true(nr_seen < 64);
	seen[nr_seen++] = (struct seen){begin_tsc, end_tsc,
		xen_summary_state_tsc(v, XEN_RUNNING, begin_tsc, end_tsc) - v->before.state_tsc[XEN_RUNNING],
		xen_summary_state_tsc(v, XEN_BLOCKED, begin_tsc, end_tsc) - v->before.state_tsc[XEN_BLOCKED],
		xen_summary_pcpu_tsc(s, 0, XEN_PCPU_BUSY, end_tsc) - s->pcpus[0].before_tsc[XEN_PCPU_BUSY]};
}

/* States are split at the borders. */
static void test_intervals(void **state)
{
	struct xen_summary *s = *state;
	static const struct seen expected[] = {{1000, 2000, 1000, 0, 1000}, {2000, 3000, 500, 500, 500},
		{3000, 4000, 0, 1000, 0}, {4000, 4100, 100, 0, 100}};

	nr_seen = 0;
	xen_summary_intervals(s, 1000, take_interval, NULL);
	change(s, 0, 1000, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 0, 2500, 1, 0, XEN_RUNNING, XEN_BLOCKED);
	change(s, 0, 4000, 1, 0, XEN_BLOCKED, XEN_RUNNABLE);
	change(s, 0, 4000, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 4100, 0x22204, NULL, 0);
	assert_int_equal(xen_summary_end(s), 0);
	assert_int_equal(nr_seen, 4);
	for (size_t i = 0; i < 4; i++)
		assert_memory_equal(&seen[i], &expected[i], sizeof(expected[i]));
}

static void count_interval(void *context, struct xen_summary *s, uint64_t begin_tsc, uint64_t end_tsc)
{
	(void)s;
	(void)begin_tsc;
	(void)end_tsc;
	++*(size_t *)context;
}

/* A TSC that jumps to the end of its range. */
static void test_interval_jump(void **state)
{
	struct xen_summary *s = *state;
	size_t count = 0;

	xen_summary_intervals(s, 10, count_interval, &count);
	put(s, 0, 1000, 0x22204, NULL, 0);
	put(s, 0, UINT64_MAX - 5, 0x22204, NULL, 0);
	assert_int_equal(xen_summary_end(s), 0);
	assert_true(count < 20000);
}

/* --- scatter --- */

static struct xen_point points[16];
static size_t nr_points;

static void take_point(void *context, const struct xen_point *point)
{
	(void)context;
	assert_true(nr_points < 16);
	points[nr_points++] = *point;
}

static void test_scatter(void **state)
{
	struct xen_summary *s = *state;
	struct xen_scatter scatter = {XEN_SCATTER_PCPU, false, NULL, take_point};

	nr_points = 0;
	xen_scatter_attach(&scatter, s);
	change(s, 0, 1000, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	change(s, 1, 1100, 32767, 1, XEN_RUNNABLE, XEN_RUNNING); /* idle */
	change(s, 0, 1500, 1, 0, XEN_RUNNING, XEN_RUNNABLE);
	change(s, 1, 1600, 32767, 1, XEN_RUNNING, XEN_RUNNABLE);
	change(s, 1, 1600, 1, 0, XEN_RUNNABLE, XEN_RUNNING);
	assert_int_equal(nr_points, 2);
	assert_int_equal(points[0].value, 0);
	assert_int_equal(points[1].tsc, 1600);
	assert_int_equal(points[1].value, 1);
	assert_int_equal(points[1].vcpu->dom, 1);
}

static void test_scatter_exit(void **state)
{
	struct xen_summary *s = *state;
	struct xen_scatter scatter = {XEN_SCATTER_IO, false, NULL, take_point};

	nr_points = 0;
	xen_scatter_attach(&scatter, s);
	change(s, 0, 1000, 5, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 1100, 0x81102, WORDS(30, 0x1234, 0xffffffff));
	put(s, 0, 1150, 0x82216, WORDS(0x60, 1));
	put(s, 0, 1400, 0x81001, NULL, 0);
	put(s, 0, 1500, 0x81102, WORDS(10, 0x1234, 0xffffffff)); /* another reason */
	put(s, 0, 1600, 0x81001, NULL, 0);
	assert_int_equal(nr_points, 1);
	assert_int_equal(points[0].tsc, 1100);
	assert_int_equal(points[0].ticks, 300);
	assert_int_equal(points[0].number, 0x60);
	assert_int_equal(points[0].value, 1);
}

static void expect_rip(const struct xen_summary *s, size_t place, uint64_t rip, enum xen_rip_kind kind,
	uint32_t number, uint64_t count, uint64_t ticks)
{
	const struct xen_rip_row *row = capped_table_row(&s->rips->rows, place);

	assert_int_equal(xen_rip_domain(row), 5);
	assert_int_equal(xen_rip_address(s->rips, row), rip);
	assert_int_equal(xen_rip_kind(row), kind);
	assert_int_equal(xen_rip_number(row), number);
	assert_int_equal(row->count, count);
	assert_int_equal(row->sum_tsc, ticks);
}

static void test_rips(void **state)
{
	struct xen_summary *s = *state;

	assert_int_equal(xen_summary_want_rips(s), 0);
	change(s, 0, 1000, 5, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 1100, 0x81102, WORDS(30, 0x1234, 0xffffffff));
	put(s, 0, 1400, 0x81001, NULL, 0);
	put(s, 0, 1500, 0x81102, WORDS(30, 0x1234, 0xffffffff));
	put(s, 0, 1700, 0x81001, NULL, 0);
	put(s, 0, 1800, 0x81002, WORDS(12, 0x1234)); /* 32 bits: another place; until it is woken */
	change(s, 0, 1900, 5, 0, XEN_RUNNING, XEN_BLOCKED);
	change(s, 0, 2900, 5, 0, XEN_BLOCKED, XEN_RUNNABLE);
	change(s, 0, 3000, 5, 0, XEN_RUNNABLE, XEN_RUNNING);
	put(s, 0, 3100, 0x201101, WORDS(0x10, 0xffffffff, 29));
	put(s, 0, 3200, 0x201003, WORDS(0x10, 0x8000000d)); /* only the low 15 bits are a number */
	put(s, 0, 3300, 0x201104, WORDS(0x20, 0xffffffff, 0x7, 0, 2));
	put(s, 0, 3400, 0x20110b, WORDS(1, 2, 3, 4, 0x20, 0xffffffff));
	put(s, 0, 3500, 0x20100c, WORDS(1, 2, 3, 0x20));
	put(s, 0, 3600, 0x20110d, WORDS(29, 1)); /* does not say where */
	put(s, 0, 3700, 0x201105, WORDS(1));     /* too short */
	assert_int_equal(s->rips->rows.count, 7);
	expect_rip(s, 0, 0xffffffff00001234, XEN_RIP_EXIT, 30, 2, 500);
	expect_rip(s, 1, 0x1234, XEN_RIP_EXIT, 12, 1, 1100);
	expect_rip(s, 2, 0xffffffff00000010, XEN_RIP_HYPERCALL, 29, 1, 0);
	expect_rip(s, 3, 0x10, XEN_RIP_TRAP, 13, 1, 0);
	expect_rip(s, 4, 0xffffffff00000020, XEN_RIP_PV, XEN_PV_PAGE_FAULT, 1, 0);
	expect_rip(s, 5, 0xffffffff00000020, XEN_RIP_PV, XEN_PV_PTWR_EMULATION, 1, 0);
	expect_rip(s, 6, 0x20, XEN_RIP_PV, XEN_PV_PTWR_EMULATION_PAE, 1, 0);
	assert_int_equal(s->rips->left_out, 0);
}

static void test_rips_limit(void **state)
{
	struct xen_summary *s = *state;

	assert_int_equal(xen_summary_want_rips(s), 0);
	change(s, 0, 1000, 5, 0, XEN_RUNNABLE, XEN_RUNNING);
	for (uint32_t i = 0; i < XEN_RIPS_MAX + 10; i++)
		put(s, 0, 1001 + i, 0x201006, WORDS(i));
	assert_int_equal(s->rips->rows.count, XEN_RIPS_MAX);
	assert_int_equal(s->rips->left_out, 10);
	/* one that is known still counts */
	put(s, 0, 100000, 0x201006, WORDS(5));
	expect_rip(s, 5, 5, XEN_RIP_PV, XEN_PV_EMULATE_PRIVOP, 2, 0);
}

/* The same name wherever an event is shown. */
static void test_pv_names(void **state)
{
	char buffer[EXIT_REASON_NAME_BYTES];

	(void)state;
	for (uint32_t i = 0; i < XEN_PV_EVENTS; i++) {
		const struct xen_event_type *type = xen_event_type(0x201000 | i);

		if (!xen_pv_event_names[i] || i == XEN_PV_HYPERCALL_SUBCALL)
			continue;
		assert_non_null(type);
		assert_string_equal(xen_pv_event_names[i], type->name);
		assert_string_equal(exit_reason_name(EXIT_ISA_XEN_PV, i, buffer), type->name);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_runstates),
		TEST(test_start),
		TEST(test_domain),
		TEST(test_gap),
		TEST(test_contradiction),
		TEST(test_malformed),
		TEST(test_limits),
		TEST(test_pv),
		TEST(test_rips),
		TEST(test_rips_limit),
		TEST(test_pv_names),
		TEST(test_hvm),
		TEST(test_memory),
		TEST(test_hardware),
		TEST(test_intervals),
		TEST(test_interval_jump),
		TEST(test_scatter),
		TEST(test_scatter_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
