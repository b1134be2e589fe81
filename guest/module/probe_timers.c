// SPDX-License-Identifier: GPL-2.0-only
/* Timers' expiry: which function ran, and until when. */
#include <linux/hrtimer.h>
#include <linux/timer.h>
#include "hypertrace.h"

static __always_inline void hrtimer_entry_body(struct hrtimer *timer, ktime_t *now)
{
	ht_record(HT_ID_hrtimer_expire_entry, 8, (unsigned long)timer->function, 0);
}
HT_VARIANTS_CURRENT(hrtimer_entry, (struct hrtimer *timer, ktime_t *now), (timer, now))

static __always_inline void hrtimer_exit_body(struct hrtimer *timer)
{
	ht_record(HT_ID_hrtimer_expire_exit, 0, 0, 0);
}
HT_VARIANTS_CURRENT(hrtimer_exit, (struct hrtimer *timer), (timer))

static void hrtimer_entry_timed(void *data, struct hrtimer *timer, ktime_t *now)
{
	ht_span_begin(HT_PAIR_HRTIMER);
}

/* The key is the function's low half: kernel text lies in the top 2 GiB. */
static void hrtimer_exit_timed(void *data, struct hrtimer *timer)
{
	if (ht_pass(true, current))
		ht_span_end(HT_PAIR_HRTIMER, (unsigned long)timer->function, 0);
}

static __always_inline void timer_entry_body(struct timer_list *timer, unsigned long baseclk)
{
	ht_record(HT_ID_timer_expire_entry, 8, (unsigned long)timer->function, 0);
}
HT_VARIANTS_CURRENT(timer_entry, (struct timer_list *timer, unsigned long baseclk), (timer, baseclk))

static __always_inline void timer_exit_body(struct timer_list *timer)
{
	ht_record(HT_ID_timer_expire_exit, 0, 0, 0);
}
HT_VARIANTS_CURRENT(timer_exit, (struct timer_list *timer), (timer))

static void timer_entry_timed(void *data, struct timer_list *timer, unsigned long baseclk)
{
	ht_span_begin(HT_PAIR_TIMER);
}

/* The timer may be gone by now: its function is not known here any more. */
static void timer_exit_timed(void *data, struct timer_list *timer)
{
	if (ht_pass(true, current))
		ht_span_end(HT_PAIR_TIMER, 0, 0);
}

struct ht_probe ht_probes_timers[] = {
	HT_PROBE_PAIR(hrtimer_expire_entry, hrtimer_entry, hrtimer_entry_timed, HT_PAIR_HRTIMER),
	HT_PROBE_PAIR(hrtimer_expire_exit, hrtimer_exit, hrtimer_exit_timed, HT_PAIR_HRTIMER),
	HT_PROBE_PAIR(timer_expire_entry, timer_entry, timer_entry_timed, HT_PAIR_TIMER),
	HT_PROBE_PAIR(timer_expire_exit, timer_exit, timer_exit_timed, HT_PAIR_TIMER),
	{ }
};
