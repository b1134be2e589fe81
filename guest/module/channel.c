// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which way the records go: through a region (region.c), or by hypercalls where there is none. Then a page of our own
 * stands for the region's header; HELLO tells the host where it is, once a second, so that a recorder may come late.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "hypertrace.h"

static char *channel = "shm";
module_param(channel, charp, 0444);
MODULE_PARM_DESC(channel, "shm: a region that the host shares; hypercall: batches of records by hypercalls");

#define HELLO_PERIOD HZ
/* What is flushed before the host knows where our memory is, it may miss. */
static unsigned int wait_ms = 100;
module_param_named(wait, wait_ms, uint, 0444);
MODULE_PARM_DESC(wait, "Channel hypercall: milliseconds that a recorder has to notice this guest before it begins");


bool ht_batches;
static struct ht_host *no_host; /* asks for nothing */

static void say_hello(void)
{
	ht_hypercall(HT_HYPERCALL_HELLO, virt_to_phys(ht_map.region), HT_HYPERCALL_VERSION | (u64)nr_cpu_ids << 32,
		     ht_map.region->generation, rdtsc_ordered());
}

static void repeat_hello(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(hello_work, repeat_hello);

static void repeat_hello(struct work_struct *work)
{
	say_hello();
	ht_wishes_poll();
	schedule_delayed_work(&hello_work, HELLO_PERIOD);
}

/* There are batches: from here on the host may know, and events may come. */
void ht_channel_start(void)
{
	ht_batches_start();
	say_hello();
	schedule_delayed_work(&hello_work, HELLO_PERIOD);
	msleep(min(wait_ms, 60000u));
}

void ht_channel_stop(void)
{
	cancel_delayed_work_sync(&hello_work);
}

static void free_pages_of_map(void)
{
	free_page((unsigned long)ht_map.region);
	kfree(no_host);
	memset(&ht_map, 0, sizeof(ht_map));
	no_host = NULL;
}

static int start_batches(void)
{
	int err = -ENOMEM;

	if (!ht_hypercalls_possible()) {
		pr_err("channel=hypercall: this is no guest of KVM\n");
		return -ENODEV;
	}
	ht_map.region = (void *)get_zeroed_page(GFP_KERNEL);
	no_host = kzalloc(sizeof(*no_host), GFP_KERNEL);
	ht_map.host = no_host;
	if (ht_map.region && no_host)
		err = ht_start();
	if (err) {
		ht_batches_exit();
		free_pages_of_map();
	}
	return err;
}

int ht_channel_init(void)
{
	if (!strcmp(channel, "shm"))
		return ht_region_init();
	if (strcmp(channel, "hypercall")) {
		pr_err("channel=%s: shm or hypercall\n", channel);
		return -EINVAL;
	}
	ht_batches = true;
	return start_batches();
}

void ht_channel_exit(void)
{
	if (!ht_batches) {
		ht_region_exit();
		return;
	}
	ht_stop();
	ht_hypercall_stage(HT_STAGE_STOPPED, "");
	ht_batches_exit();
	free_pages_of_map();
}
