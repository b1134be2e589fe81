// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes hypercalls: n of them when loaded (echo N >parameters/go: N more), number nr, arguments: index from `first` on, TSC,
 * and two constants. Prints what the last one returned, and the cost.
 */
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

static unsigned int n = 1;
module_param(n, uint, 0444);
static unsigned long nr = 1000;
module_param(nr, ulong, 0644);
static unsigned long first;
module_param(first, ulong, 0644);

/* The wrong one of the two makes KVM patch read-only text: an oops. */
static long hypercall(unsigned long number, unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3)
{
	long result;

	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL)
		asm volatile("vmcall" : "=a"(result) : "a"(number), "b"(a0), "c"(a1), "d"(a2), "S"(a3) : "memory");
	else
		asm volatile("vmmcall" : "=a"(result) : "a"(number), "b"(a0), "c"(a1), "d"(a2), "S"(a3) : "memory");
	return result;
}

static void make(unsigned int count)
{
	u64 begin = rdtsc_ordered(), shortest = U64_MAX, sum;
	long result = 0;
	unsigned int i;

	if (!count)
		return;
	for (i = 0; i < count; i++) {
		u64 before = rdtsc_ordered(), took;

		result = hypercall(nr, first + i, before, 0xd2d2d2d2d2d2d2d2UL, 0xe3e3e3e3e3e3e3e3UL);
		took = rdtsc_ordered() - before;
		if (took < shortest)
			shortest = took;
	}
	sum = rdtsc_ordered() - begin;
	pr_alert("hypercalls: cpu %d number %lu count %u result %ld cycles %llu mean %llu min\n", raw_smp_processor_id(),
		 nr, count, result, sum / count, shortest);
}

static int set_go(const char *text, const struct kernel_param *parameter)
{
	unsigned int count;
	int error = kstrtouint(text, 0, &count);

	if (!error)
		make(count);
	return error;
}

static const struct kernel_param_ops go_ops = { .set = set_go };
module_param_cb(go, &go_ops, NULL, 0200);

static int __init hypercalls_init(void)
{
	make(n);
	return 0;
}
module_init(hypercalls_init);

static void __exit hypercalls_exit(void)
{
}
module_exit(hypercalls_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hypercalls for tests of the host's side");
