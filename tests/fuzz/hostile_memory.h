/* SPDX-License-Identifier: MIT */
/*
 * The memory of a real guest that lies: linked with -Wl,--wrap=guest_memory_read, every read passes through here, and
 * some are changed. What was changed stays so for the rest of a walk, as in memory that a guest has prepared, or is back
 * at the next look, as in one that it changes under our eyes.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HOSTILE_CHANGES_MAX 16

/* One change, as an input has it. */
struct hostile_change {
	uint32_t when;  /* at which read: modulo those of an honest walk */
	uint16_t where; /* in what is read there */
	uint8_t kind;   /* enum hostile_kind, modulo their number */
	uint8_t how;    /* HOSTILE_* */
	uint64_t value;
};

enum hostile_kind {
	HOSTILE_VALUE,    /* the input's own */
	HOSTILE_NUMBER,   /* one that programs get wrong */
	HOSTILE_SUM,      /* a little more or less than before */
	HOSTILE_BIT,      /* one bit */
	HOSTILE_POINTER,  /* another pointer of this kernel's */
	HOSTILE_SELF,     /* a pointer to this place, or near it: cycles */
	HOSTILE_POINTERS, /* all pointers that were read become others */
	HOSTILE_INTEGERS, /* some small integers of all that was read */
	HOSTILE_EARLIER,  /* what an earlier read of that many bytes got */
	HOSTILE_FILL,     /* all of it the same word */
	HOSTILE_NOISE,    /* all of it anything */
	HOSTILE_FAILURE,  /* no memory there, or no guest any more */
	HOSTILE_KINDS,
};

#define HOSTILE_BYTES  3u /* 1 << these bits: the size of a value */
#define HOSTILE_PASSES 4u /* only this once */
#define HOSTILE_AGAIN  8u /* at every read from then on, wherever it is */

/* From here on reads are counted, and changed. `honest_reads`: as many as there are without changes. */
void hostile_memory_begin(const struct hostile_change *changes, size_t count, uint64_t honest_reads);

/* Honest again. Returns how many reads there were. */
uint64_t hostile_memory_end(void);

/* While honest: remember the pointers that are read. `page_offset`: of the direct map, for pointers to what is read. */
void hostile_memory_learn(uint64_t page_offset);

/* Has a read failed on purpose since the beginning? */
int hostile_memory_failed(void);
