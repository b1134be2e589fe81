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

struct ht_this_cpu { };

#define HT_PRODUCER            struct ht_this_cpu
#define HT_INLINE              __always_inline
#define HT_LIKELY(x)           likely(x)
#define HT_UNLIKELY(x)         unlikely(x)
#define HT_LOAD(p, field)      this_cpu_read(ht_producers.field)
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

void ht_ring_write_slow(struct ht_this_cpu cpu, u32 id, const void *payload, u32 bytes);
#include "abi/ring.h"

#endif
