/* SPDX-License-Identifier: MIT */
/*
 * The guest's producer (abi/ring.h, abi/ring_slow.h) in user space, for tests and benchmarks of the ring: the
 * thread is the CPU, a signal is its interrupt. With HT_PORTABLE every access is an __atomic one, so that
 * TSan understands it.
 */
#pragma once
#include <stdint.h>
#include <string.h>
#include "abi/region.h"
#include "abi/ring.h"

#define HT_PRODUCER              struct ht_producer *
#define HT_INLINE                inline __attribute__((always_inline))
#define HT_LIKELY(x)             __builtin_expect(!!(x), 1)
#define HT_UNLIKELY(x)           __builtin_expect(!!(x), 0)
#define HT_COMPILER_BARRIER()    __asm__ volatile("" ::: "memory")
#define HT_AT_LEAST(p, field, v) ((v) >= HT_LOAD(p, field))
#define HT_ABOVE(p, field, v)    ((v) > HT_LOAD(p, field))
#define HT_PLUS(p, field, v)     (HT_LOAD(p, field) + (v))

/* What the thread runs on behalf of: how deep it is nested, and which task it says is current. */
extern _Thread_local uint32_t user_depth, user_current_pid;
#define HT_IN_INTERRUPT() (user_depth != 0)
#define HT_CURRENT_PID()  user_current_pid

#ifdef HT_TSC_HOOK
uint64_t HT_TSC_HOOK(void);
#define HT_TSC() HT_TSC_HOOK()
#else
#define HT_TSC() __builtin_ia32_rdtsc()
#endif

#ifdef HT_PORTABLE
/*
 * The schedule explorer's: called before every access to what another context sees. `own`: only this CPU's
 * contexts.
 */
#ifndef USER_HOOK
#define USER_HOOK(own) ((void)0)
#endif
#define HT_LOAD(p, field)     (USER_HOOK(1), __atomic_load_n(&(p)->field, __ATOMIC_RELAXED))
#define HT_CAS(p, old, new)   user_cas(p, old, new)
#define HT_STORE(type, at, v) user_store(at, (uint64_t)(type)(v), sizeof(type))
#define HT_STORE_RELEASE8(at, v) \
	(USER_HOOK(0), __atomic_store_n((uint8_t *)(at), (uint8_t)(v), __ATOMIC_RELEASE))
#define HT_STORE_RELEASE32(at, v) (USER_HOOK(0), __atomic_store_n(at, v, __ATOMIC_RELEASE))
#define HT_STORE_RELEASE64(at, v) (USER_HOOK(0), __atomic_store_n(at, v, __ATOMIC_RELEASE))
#define HT_LOAD_ACQUIRE64(at)     (USER_HOOK(0), __atomic_load_n(at, __ATOMIC_ACQUIRE))
#define HT_STORE_FENCE()          HT_COMPILER_BARRIER() /* every store below is a release */
#define HT_ZERO(at, bytes)        user_zero(at, bytes)
#define HT_COPY(to, from, bytes)  user_copy(to, from, bytes)

static inline int user_cas(struct ht_producer *p, uint64_t old, uint64_t new)
{
	USER_HOOK(1);
	return __atomic_compare_exchange_n(&p->state, &old, new, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Byte by byte: records are not aligned, and TSan knows atomics within 8 bytes only. */
static inline void user_copy(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (i % 32 == 0)
			USER_HOOK(0);
		__atomic_store_n((uint8_t *)to + i, ((const uint8_t *)from)[i], __ATOMIC_RELEASE);
	}
}

static inline void user_store(void *at, uint64_t value, size_t bytes)
{
	user_copy(at, &value, bytes);
}

static inline void user_zero(void *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (i % 64 == 0)
			USER_HOOK(0);
		__atomic_store_n((uint8_t *)at + i, 0, __ATOMIC_RELEASE);
	}
}
#else
#define HT_LOAD(p, field)         (*(volatile __typeof__((p)->field) *)&(p)->field)
#define HT_CAS(p, old, new)       user_cas(p, old, new)
#define HT_STORE(type, at, v)     user_store_##type(at, v)
#define HT_STORE_RELEASE8(at, v)  __atomic_store_n((uint8_t *)(at), (uint8_t)(v), __ATOMIC_RELEASE)
#define HT_STORE_RELEASE32(at, v) __atomic_store_n(at, v, __ATOMIC_RELEASE)
#define HT_STORE_RELEASE64(at, v) __atomic_store_n(at, v, __ATOMIC_RELEASE)
#define HT_LOAD_ACQUIRE64(at)     __atomic_load_n(at, __ATOMIC_ACQUIRE)
#define HT_STORE_FENCE()          HT_COMPILER_BARRIER()
#define HT_ZERO(at, bytes)        memset(at, 0, bytes)
#define HT_COPY(to, from, bytes)  memcpy(to, from, bytes)

/* Atomic against this thread's own signals, and no more: no LOCK. */
static inline int user_cas(struct ht_producer *p, uint64_t old, uint64_t new)
{
	char swapped;

	__asm__ volatile("cmpxchgq %3, %1"
			 : "=@ccz"(swapped), "+m"(p->state), "+a"(old)
			 : "r"(new)
			 : "memory");
	return swapped;
}

/* Records are not aligned. */
#define USER_STORE(type)                                               \
	static inline void user_store_##type(void *at, uint64_t value) \
	{                                                              \
		type narrow = (type)value;                             \
		memcpy(at, &narrow, sizeof(narrow));                   \
	}
USER_STORE(__u8)
USER_STORE(__u16)
USER_STORE(__u32)
USER_STORE(__u64)
#undef USER_STORE
#endif

#include "abi/ring.h"
#include "abi/ring_slow.h"

#ifndef USER_INTERRUPTS_OFF
#define USER_INTERRUPTS_OFF()
#define USER_INTERRUPTS_ON()
#endif

static __attribute__((unused, noinline)) void user_write_slow(
	struct ht_producer *p, uint32_t id, uint64_t payload, uint32_t bytes)
{
	USER_INTERRUPTS_OFF();
	ht_producer_write(p, id, &payload, bytes, 0, 0);
	USER_INTERRUPTS_ON();
}

/* One record as a probe writes it: `bytes` (0..8, constant) of `payload`, its low byte first. */
static HT_INLINE void user_write(struct ht_producer *p, uint32_t id, uint64_t payload, uint32_t bytes)
{
	if (HT_UNLIKELY(!ht_ring_write(p, id, bytes, payload, (uint32_t)(payload >> 32))))
		user_write_slow(p, id, payload, bytes);
}
