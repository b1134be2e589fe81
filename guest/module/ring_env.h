/* SPDX-License-Identifier: GPL-2.0-only */
/* What abi/ring.h and abi/ring_slow.h ask of their environment, in the kernel: the handle is the current CPU. */
#ifndef HT_RING_ENV_H
#define HT_RING_ENV_H

#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/tsc.h>
#include "compat/compat.h"
#include "abi/region.h"
#include "abi/ring.h"

DECLARE_PER_CPU(struct ht_producer, ht_producers);

#define HT_PRODUCER            int /* unused: the current CPU's */
#define HT_INLINE              __always_inline
#define HT_LIKELY(x)           likely(x)
#define HT_UNLIKELY(x)         unlikely(x)
#define HT_LOAD(p, field)      this_cpu_read(ht_producers.field)
#define HT_AT_LEAST(p, field, v) compat_this_cpu_compare("q", "ae", ht_producers.field, v)
#define HT_ABOVE(p, field, v)    compat_this_cpu_compare("l", "a", ht_producers.field, v)
#define HT_PLUS(p, field, v)     compat_this_cpu_plus(ht_producers.field, v)
#define HT_CAS(p, old, new)    compat_try_cmpxchg64(ht_producers.state, old, new)
#define HT_TSC()               rdtsc()
#define HT_COMPILER_BARRIER()  barrier()
#define HT_STORE(type, at, v)  WRITE_ONCE(*(type *)(at), (type)(v))
#define HT_STORE_RELEASE8(at, v)  smp_store_release((__u8 *)(at), v)
#define HT_STORE_RELEASE32(at, v) smp_store_release(at, v)
#define HT_STORE_RELEASE64(at, v) smp_store_release(at, v)
#define HT_STORE_FENCE()       smp_wmb()
#define HT_LOAD_ACQUIRE64(at)  smp_load_acquire(at)
#define HT_COPY(to, from, n)   memcpy(to, from, n)
#define HT_CURRENT_PID()       ((__u32)current->pid)
#define HT_IN_INTERRUPT()      (in_interrupt() != 0)

/* Eight bytes a step: memset() by `rep stosb` would be as fast on hardware, but eight times as many steps emulated. */
static inline void ht_zero(void *at, unsigned long bytes)
{
#ifdef CONFIG_X86_64
	unsigned long words = bytes / 8;

	asm volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0UL) : "memory");
#else
	memset(at, 0, bytes);
#endif
}
#define HT_ZERO(at, n) ht_zero(at, n)

#include "abi/ring.h"

/* One record by the fast path, else by the slow one; the arguments as ht_ring_write()'s. */
void ht_record_slow(u32 id, u32 bytes, u64 first, u32 rest);
static __always_inline void ht_record(u32 id, u32 bytes, u64 first, u32 rest)
{
	if (unlikely(!ht_ring_write(0, id, bytes, first, rest)))
		ht_record_slow(id, bytes, first, rest);
}

#endif
