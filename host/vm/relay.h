/* SPDX-License-Identifier: MIT */
/*
 * Passes bytes from one descriptor to another without ever blocking: it reads only when its buffer is empty,
 * and writes only when poll() says that there is room.
 */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define RELAY_BYTES 4096 /* PIPE_BUF: what poll() promises for a pipe */

struct relay {
	int from;      /* -1: closed */
	int to;        /* -1: what is read is only shown to `tap` */
	bool quote;    /* to a terminal of lines: quote control characters, end with ^D */
	bool strip_cr; /* a kernel's console ends lines with CR LF */
	bool broken;   /* the far end is gone (EPIPE) */
	bool ended;    /* `from` is at its end and all is written */
	bool line_start;
	size_t used, written;
	char buffer[2 * RELAY_BYTES + 2];
	void (*tap)(void *context, const char *bytes, size_t count);
	void *context;
};

/* Fills in what to wait for. */
void relay_prepare(const struct relay *relay, struct pollfd *wait);

/* Does what poll() found possible. */
void relay_serve(struct relay *relay, const struct pollfd *wait);

/* Whether bytes are still on their way. */
bool relay_busy(const struct relay *relay);
