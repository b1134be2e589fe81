/* SPDX-License-Identifier: MIT */
/*
 * How the host touches memory that a guest is writing: every access to it in ring_reader.c and ring_scan.c is
 * one of these. The schedule explorer in tests/ring/ puts its own in their place.
 */
#pragma once
#ifndef RING_ACCESS_HOOKED
#include <stdint.h>
#include <string.h>

static inline uint8_t ring_load8(const void *at)
{
	return __atomic_load_n((const uint8_t *)at, __ATOMIC_ACQUIRE);
}

static inline uint32_t ring_load32(const void *at)
{
	return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

static inline uint64_t ring_load64(const void *at)
{
	return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
}

static inline void ring_store64(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

#ifdef __SANITIZE_THREAD__
/* A copy that may be torn by the producer is checked afterwards; atomics tell TSan that this is meant. */
static inline void ring_copy(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = __atomic_load_n((const uint8_t *)from + i, __ATOMIC_ACQUIRE);
}

static inline void ring_order_loads(void)
{
}
#else
static inline void ring_copy(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

/* Loads before it are done before loads after it; x86 needs only the compiler told. */
static inline void ring_order_loads(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}
#endif
#endif
