/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/trace_damage.h"

#include <errno.h>
#include <inttypes.h>

void trace_damage_take(struct trace_damage *damage, const struct trace_reader *reader)
{
	struct trace_damage more = {0};

	more.packets = trace_reader_damage(reader, &more.first);
	trace_damage_add(damage, &more);
}

void trace_damage_add(struct trace_damage *damage, const struct trace_damage *more)
{
	if (!damage->packets)
		damage->first = more->first;
	damage->packets += more->packets;
}

int trace_damage_error(const struct trace_damage *damage, struct error *error)
{
	if (!damage->packets)
		return 0;
	if (error)
		*error = damage->first;
	if (damage->packets > 1)
		error_add(error, "%" PRIu64 " packets are damaged, the first", damage->packets);
	return damage->first.code ? damage->first.code : -EIO; /* no code: no memory for what was wrong */
}
