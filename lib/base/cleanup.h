/* SPDX-License-Identifier: MIT */
/* Scope guards: a leak can be checked without reading any callee. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose_(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define cleanup_free   __attribute__((cleanup(cleanup_free_)))
#define cleanup_close  __attribute__((cleanup(cleanup_close_))) /* int fd = -1 */
#define cleanup_fclose __attribute__((cleanup(cleanup_fclose_)))

/* Hands ownership out of a guarded variable: `return take_pointer(p);` */
#define take_pointer(pointer)                           \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})
#define take_fd(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})
