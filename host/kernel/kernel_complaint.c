/* SPDX-License-Identifier: MIT */
/* Which lines of a log belong to which complaint: those of the same caller, up to the end of its trace. */
#include "host/kernel/kernel_complaint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX  200 /* of one complaint */
#define PANICS_MAX 16  /* beyond COMPLAINTS_MAX */

struct line {
	const char *text;
	size_t length;
};

static bool begins(struct line line, const char *with)
{
	size_t bytes = strlen(with);

	return bytes <= line.length && memcmp(line.text, with, bytes) == 0;
}

/* What is behind `mark`, wherever that is; false: it is not there. */
static bool behind(struct line line, const char *mark, struct line *rest)
{
	const char *found = memmem(line.text, line.length, mark, strlen(mark));

	if (!found)
		return false;
	found += strlen(mark);
	*rest = (struct line){found, line.length - (size_t)(found - line.text)};
	return true;
}

static void copy(char *out, size_t size, struct line line)
{
	size_t bytes = line.length < size - 1 ? line.length : size - 1;

	memcpy(out, line.text, bytes);
	out[bytes] = '\0';
	for (size_t i = 0; i < bytes; i++) /* the text ends where its length says */
		if (!out[i])
			out[i] = ' ';
}

static bool number(struct line line, int64_t *value)
{
	int64_t sum = 0;
	size_t i = 0;

	for (; i < line.length && i < 10 && line.text[i] >= '0' && line.text[i] <= '9'; i++)
		sum = sum * 10 + (line.text[i] - '0');
	if (i)
		*value = sum;
	return i > 0;
}

/* --- who it was --- */

/* "CPU: 1 UID: 0 PID: 144 Comm: sh Not tainted 6.12.0 …" (lib/dump_stack.c) */
static void take_task(struct kernel_complaint *complaint, struct line line)
{
	static const char *const ends[] = {" Not tainted", " Tainted: ", " Kdump: "};
	struct line rest, end;
	int64_t cpu;

	if (!behind(line, "CPU: ", &rest) || !number(rest, &cpu))
		return;
	if (complaint->cpu < 0)
		complaint->cpu = (int)cpu;
	if (complaint->pid < 0 && behind(line, "PID: ", &rest))
		number(rest, &complaint->pid);
	if (complaint->comm[0] || !behind(line, "Comm: ", &rest))
		return;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (behind(rest, ends[i], &end))
			rest.length = (size_t)(end.text - rest.text) - strlen(ends[i]);
	copy(complaint->comm, sizeof(complaint->comm), rest);
}

/* "comm:123", from the last colon */
static void take_comm_and_pid(struct kernel_complaint *complaint, struct line line)
{
	const char *colon = memrchr(line.text, ':', line.length);
	size_t bytes = colon ? (size_t)(colon - line.text) : 0;

	if (!colon || !number((struct line){colon + 1, line.length - bytes - 1}, &complaint->pid))
		return;
	copy(complaint->comm, sizeof(complaint->comm), (struct line){line.text, bytes});
}

/* What the first line says beyond its kind. */
static void take_first(struct kernel_complaint *complaint, struct line line)
{
	struct line rest, end;
	int64_t cpu;

	copy(complaint->text, sizeof(complaint->text), line);
	take_task(complaint, line);
	if (behind(line, "CPU#", &rest) && number(rest, &cpu)) {
		complaint->cpu = (int)cpu;
		if (behind(rest, "[", &rest) && behind(rest, "]", &end)) {
			rest.length = (size_t)(end.text - rest.text) - 1;
			take_comm_and_pid(complaint, rest);
		}
	}
	if (complaint->kind == COMPLAINT_HUNG_TASK && behind(line, "INFO: task ", &rest) &&
		behind(rest, " blocked for", &end)) {
		rest.length = (size_t)(end.text - rest.text) - strlen(" blocked for");
		take_comm_and_pid(complaint, rest);
	}
}

/* --- what follows --- */

/* " func+0x12/0x34 [module]", " ? func+0x12/0x34" */
static void take_call(struct kernel_complaint *complaint, struct line line)
{
	struct line rest;

	while (line.length && *line.text == ' ') {
		line.text++;
		line.length--;
	}
	if (behind(line, "+0x", &rest) && complaint->nr_calls < COMPLAINT_CALLS_MAX)
		copy(complaint->calls[complaint->nr_calls++], COMPLAINT_CALL_BYTES, line);
}

static void take_further(struct kernel_complaint *complaint, struct line line)
{
	struct line rest;

	if (begins(line, "---[ end ") || ++complaint->lines > LINES_MAX)
		complaint->is_open = false;
	else if (begins(line, "CPU: "))
		take_task(complaint, line);
	else if (begins(line, "RIP: ") && !complaint->rip[0] && !begins(line, "RIP: 0033:") &&
		behind(line, "RIP: ", &rest)) {
		behind(rest, "0010:", &rest); /* the code segment */
		copy(complaint->rip, sizeof(complaint->rip), rest);
	} else if (begins(line, "Call Trace:"))
		complaint->in_calls = true;
	else if (complaint->in_calls && begins(line, " "))
		take_call(complaint, line);
}

/* --- beginnings --- */

static struct kernel_complaint *find_open(const struct kernel_complaints *complaints, uint32_t caller)
{
	for (size_t i = complaints->count; i-- > 0;)
		if (complaints->items[i]->caller == caller)
			return complaints->items[i]->is_open ? complaints->items[i] : NULL;
	return NULL;
}

/* "BUG: unable to handle …" and "Oops: 0002 [#1]" are two lines of one complaint. */
static bool goes_on(struct kernel_complaint *complaint, const struct complaint_rule *rule)
{
	if (rule->kind != COMPLAINT_OOPS || complaint->rip[0] || complaint->nr_calls)
		return false;
	if (complaint->kind != COMPLAINT_OOPS && complaint->kind != COMPLAINT_BUG &&
		complaint->kind != COMPLAINT_CORRUPTION)
		return false;
	complaint->kind = COMPLAINT_OOPS;
	return true;
}

static int begin(struct kernel_complaints *complaints, const struct complaint_rule *rule,
	const struct printk_record *record, struct line line)
{
	struct kernel_complaint *complaint;

	complaints->total[rule->kind]++;
	if (complaints->count >= COMPLAINTS_MAX + (rule->kind == COMPLAINT_PANIC ? PANICS_MAX : 0))
		return 0;
	if (!complaints->items)
		complaints->items = calloc(COMPLAINTS_MAX + PANICS_MAX, sizeof(*complaints->items));
	complaint = complaints->items ? calloc(1, sizeof(*complaint)) : NULL;
	if (!complaint)
		return -ENOMEM;
	complaint->kind = rule->kind;
	complaint->severity = rule->severity;
	complaint->seq = record->seq;
	complaint->ts_ns = record->ts_ns;
	complaint->caller = record->caller;
	complaint->cpu = -1;
	complaint->pid = -1;
	complaint->is_open = true;
	take_first(complaint, line);
	complaints->items[complaints->count++] = complaint;
	return 0;
}

static int feed_line(
	struct kernel_complaints *complaints, const struct printk_record *record, struct line line)
{
	struct kernel_complaint *open = find_open(complaints, record->caller);
	const struct complaint_rule *rule = complaint_rule_find(line.text, line.length);

	if (rule && !(open && goes_on(open, rule))) {
		if (open)
			open->is_open = false;
		return begin(complaints, rule, record, line);
	}
	if (open)
		take_further(open, line);
	return 0;
}

int kernel_complaints_feed(struct kernel_complaints *complaints, const struct printk_record *record)
{
	const char *at = record->text, *end = at + record->length;

	if (record->facility) /* what programs write to /dev/kmsg is not the kernel's word */
		return 0;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		int code = feed_line(complaints, record, (struct line){at, length});

		if (code)
			return code;
		at += length + (stop != NULL);
	}
	return 0;
}

int kernel_complaints_read(
	struct kernel_complaints *complaints, const struct guest_kernel *kernel, struct error *error)
{
	cleanup_printk_ring struct printk_ring ring = {0};
	struct printk_record record;
	uint64_t end;
	int code = printk_ring_init(&ring, kernel, error);

	if (code)
		return code;
	code = printk_ring_refresh(&ring);
	end = ring.end_seq;
	while (!code && ring.next_seq < end) {
		code = printk_ring_next(&ring, &record);
		if (code <= 0)
			break;
		code = kernel_complaints_feed(complaints, &record);
	}
	return code < 0 ? error_set(error, code, "cannot read the guest's log: %s", strerror(-code)) : 0;
}

void kernel_complaints_deinit(struct kernel_complaints *complaints)
{
	for (size_t i = 0; i < complaints->count; i++)
		free(complaints->items[i]);
	free(complaints->items);
	*complaints = (struct kernel_complaints){0};
}
