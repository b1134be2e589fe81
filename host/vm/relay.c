/* SPDX-License-Identifier: MIT */
#include "host/vm/relay.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define END_OF_TRANSMISSION '\004' /* ^D */
#define LITERAL_NEXT        '\026' /* ^V: the terminal takes the next character as it is */

void relay_prepare(const struct relay *relay, struct pollfd *wait)
{
	*wait = (struct pollfd){.fd = -1};
	if (relay->ended || relay->broken)
		return;
	if (relay->used)
		*wait = (struct pollfd){.fd = relay->to, .events = POLLOUT};
	else
		*wait = (struct pollfd){.fd = relay->from, .events = POLLIN};
}

bool relay_busy(const struct relay *relay)
{
	return !relay->ended && !relay->broken;
}

/* The guest's terminal gathers lines: what it would take as a command to itself is quoted. */
static void quote(struct relay *relay, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f)
			relay->buffer[relay->used++] = LITERAL_NEXT;
		relay->buffer[relay->used++] = (char)byte;
		relay->line_start = byte == '\n';
	}
}

/* ^D ends a line that has begun, and at the start of a line the input. */
static void end_input(struct relay *relay)
{
	if (!relay->line_start)
		relay->buffer[relay->used++] = END_OF_TRANSMISSION;
	relay->buffer[relay->used++] = END_OF_TRANSMISSION;
}

static size_t strip_cr(char *bytes, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (bytes[i] != '\r')
			bytes[kept++] = bytes[i];
	return kept;
}

static void take_in(struct relay *relay)
{
	char chunk[RELAY_BYTES];
	ssize_t count = read(relay->from, chunk, sizeof(chunk));

	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (count <= 0) {
		relay->from = -1;
		if (relay->quote)
			end_input(relay);
		else
			relay->ended = true;
		return;
	}
	if (relay->strip_cr)
		count = (ssize_t)strip_cr(chunk, (size_t)count);
	if (relay->tap)
		relay->tap(relay->context, chunk, (size_t)count);
	if (relay->to < 0 || !count)
		return;
	if (relay->quote) {
		quote(relay, chunk, (size_t)count);
	} else {
		memcpy(relay->buffer, chunk, (size_t)count);
		relay->used = (size_t)count;
	}
}

static void give_out(struct relay *relay)
{
	size_t left = relay->used - relay->written;
	ssize_t count =
		write(relay->to, relay->buffer + relay->written, left < RELAY_BYTES ? left : RELAY_BYTES);

	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (count < 0) {
		relay->broken = true;
		return;
	}
	relay->written += (size_t)count;
	if (relay->written < relay->used)
		return;
	relay->used = relay->written = 0;
	relay->ended = relay->from < 0;
}

void relay_serve(struct relay *relay, const struct pollfd *wait)
{
	if (!wait->revents || wait->fd < 0)
		return;
	if (wait->events == POLLOUT)
		give_out(relay);
	else
		take_in(relay);
}
