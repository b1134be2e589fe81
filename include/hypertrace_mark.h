/* SPDX-License-Identifier: MIT */
/*
 * Marks from a program in a guest: each is one hypercall, which the host's `hypertrace record --channel hypercall` (with or
 * without hypertrace.ko in the guest) and its collector see at that moment. No library, no rights, no device needed:
 *
 *   #include <hypertrace_mark.h>
 *   hypertrace_mark(7, requests, bytes, 0);
 *
 * Costs one exit (about a microsecond) in a guest of KVM on x86-64. Anywhere else, on bare metal, under another hypervisor,
 * under emulation, on another CPU, it does nothing: the instruction is only executed where the hypervisor has said that it
 * is KVM. Whether it may is asked once for each file that includes this; forking and threads are no problem.
 *
 * Whoever watches should not believe all it sees: every process of the guest can say anything by these calls.
 */
#ifndef HYPERTRACE_MARK_H
#define HYPERTRACE_MARK_H

#include <stdint.h>
#include <string.h>

/* As abi/hypercall.h has them. */
#define HYPERTRACE_CALL_MARK 0x48540000u
#define HYPERTRACE_CALL_TEXT 0x48540005u

enum hypertrace_way {
	HYPERTRACE_UNKNOWN = 0,
	HYPERTRACE_NOWHERE = 1, /* nobody would understand it */
	HYPERTRACE_VMCALL = 2,  /* Intel */
	HYPERTRACE_VMMCALL = 3, /* AMD, Hygon */
};

#if defined(__x86_64__) && defined(__GNUC__)

static inline void hypertrace_cpuid(uint32_t leaf, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	/* also with -fPIC on old compilers, and whatever rbx is used for */
	__asm__ volatile("xchgq %%rbx, %q1\n\tcpuid\n\txchgq %%rbx, %q1"
			 : "=a"(*a), "=&r"(*b), "=c"(*c), "=d"(*d)
			 : "0"(leaf), "2"(0));
}

static inline enum hypertrace_way hypertrace_find_way(void)
{
	uint32_t a, b, c, d, highest;
	char name[13] = "";

	hypertrace_cpuid(1, &a, &b, &c, &d);
	if (!(c >> 31)) /* no hypervisor (Intel SDM, AMD APM: CPUID.1:ECX[31] is left to it) */
		return HYPERTRACE_NOWHERE;
	/* KVM that presents itself as Hyper-V first would take the call for one of Hyper-V's */
	hypertrace_cpuid(0x40000000, &a, &b, &c, &d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	if (memcmp(name, "KVMKVMKVM\0\0", 12))
		return HYPERTRACE_NOWHERE;
	hypertrace_cpuid(0, &highest, &b, &c, &d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &d, 4);
	memcpy(name + 8, &c, 4);
	if (!memcmp(name, "AuthenticAMD", 12) || !memcmp(name, "HygonGenuine", 12))
		return HYPERTRACE_VMMCALL;
	if (memcmp(name, "GenuineIntel", 12) && memcmp(name, "CentaurHauls", 12) && memcmp(name, "  Shanghai  ", 12))
		return HYPERTRACE_NOWHERE;
	if (highest >= 0x21) { /* a TDX guest's program would get a signal */
		hypertrace_cpuid(0x21, &a, &b, &c, &d);
		memcpy(name, &b, 4);
		memcpy(name + 4, &d, 4);
		memcpy(name + 8, &c, 4);
		if (!memcmp(name, "IntelTDX    ", 12))
			return HYPERTRACE_NOWHERE;
	}
	return HYPERTRACE_VMCALL;
}

static inline enum hypertrace_way hypertrace_way(void)
{
	static int way; /* enum hypertrace_way */
	int known = __atomic_load_n(&way, __ATOMIC_RELAXED);

	/* two threads that ask at once find the same */
	if (known == HYPERTRACE_UNKNOWN) {
		known = hypertrace_find_way();
		__atomic_store_n(&way, known, __ATOMIC_RELAXED);
	}
	return (enum hypertrace_way)known;
}

static inline void hypertrace_call(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	uint64_t result;

	switch (hypertrace_way()) {
	case HYPERTRACE_VMCALL:
		__asm__ volatile("vmcall" : "=a"(result) : "0"(number), "b"(a0), "c"(a1), "d"(a2), "S"(a3) : "memory");
		break;
	case HYPERTRACE_VMMCALL:
		__asm__ volatile("vmmcall" : "=a"(result) : "0"(number), "b"(a0), "c"(a1), "d"(a2), "S"(a3) : "memory");
		break;
	default:
		break;
	}
}

#else

static inline enum hypertrace_way hypertrace_way(void)
{
	return HYPERTRACE_NOWHERE;
}

static inline void hypertrace_call(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	(void)number, (void)a0, (void)a1, (void)a2, (void)a3;
}

#endif

/* Can a mark be seen from here? It costs nothing to try; this is for who wants to know. */
static inline int hypertrace_mark_works(void)
{
	return hypertrace_way() > HYPERTRACE_NOWHERE;
}

/* A mark: its number, which the program chooses, and three values. */
static inline void hypertrace_mark(uint64_t id, uint64_t value1, uint64_t value2, uint64_t value3)
{
	hypertrace_call(HYPERTRACE_CALL_MARK, id, value1, value2, value3);
}

/* The same with text: one call for every 24 bytes; at most 240 bytes are said. */
static inline void hypertrace_mark_text(const char *text)
{
	uint64_t left = strlen(text), words[3];

	left = left < 240 ? left : 240;
	do {
		const uint64_t bytes = left < sizeof(words) ? left : sizeof(words);

		memset(words, 0, sizeof(words));
		memcpy(words, text, bytes);
		text += bytes;
		left -= bytes;
		hypertrace_call(HYPERTRACE_CALL_TEXT, bytes | (left ? 0x100 : 0), words[0], words[1], words[2]);
	} while (left);
}

#endif
