// SPDX-License-Identifier: GPL-2.0-only
/* A module whose initcall takes as long as it is told to. */
#include <linux/delay.h>
#include <linux/module.h>

static unsigned int delay_ms;
module_param(delay_ms, uint, 0444);

static int __init slow_init(void)
{
	msleep(delay_ms);
	return 0;
}
module_init(slow_init);

static void __exit slow_exit(void)
{
}
module_exit(slow_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("an initcall that takes its time");
