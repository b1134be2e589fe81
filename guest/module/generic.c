// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any tracepoint that has no probe of ours: ftrace records it in an instance of our own, and its export hook hands us
 * the bytes. Costs what ftrace costs, and leaves no event out of reach. The layout travels once, as tracefs shows it.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/trace.h>
#include <linux/trace_events.h>
#include "hypertrace.h"

#define INSTANCE  "hypertrace"
#define MAX_TYPES 4096

static struct trace_array *instance;
static DECLARE_BITMAP(enabled, MAX_TYPES);
static char *current_list; /* what is on, "system:event\n" … */
static bool exporting;

/* Preemption is off. Other instances' events pass here, too: they are not ours. */
static void export(struct trace_export *unused, const void *entry, unsigned int bytes)
{
	const struct trace_entry *e = entry;
	struct {
		u32 format;
		u16 length;
	} __packed payload = { e->type, bytes };

	if (e->type < MAX_TYPES && test_bit(e->type, enabled) && ht_filter_match(current))
		ht_write(HT_ID_tracepoint, &payload, sizeof(payload), entry, min_t(u32, bytes, U16_MAX));
}

static struct trace_export ftrace_export_ops = { .write = export, .flags = TRACE_EXPORT_EVENT };

/* Calls `each` for every "system:event" of the list, until it returns an error. */
static int for_each_name(const char *list, int (*each)(char *system, char *event, void *data), void *data)
{
	char *copy = kstrdup(list, GFP_KERNEL), *rest = copy, *line;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (line = strsep(&rest, "\n"))) {
		char *event = strchr(line, ':');

		if (!event)
			continue;
		*event++ = '\0';
		err = each(line, event, data);
	}
	kfree(copy);
	return err;
}

struct message {
	char *text;
	size_t size;
};

static int switch_on(char *system, char *event, void *data)
{
	struct message *message = data;
	struct trace_event_file *file = trace_get_event_file(INSTANCE, system, event);
	int err = PTR_ERR_OR_ZERO(file), type = 0;

	if (!err) {
		type = file->event_call->event.type;
		err = type < MAX_TYPES ? trace_array_set_clr_event(instance, system, event, true) : -ERANGE;
		trace_put_event_file(file);
	}
	if (err)
		snprintf(message->text, message->size, "tracepoint %s:%s: %s", system, event,
			 err == -EINVAL || err == -ENOENT ? "this kernel has no such event" : "ftrace refuses it");
	else
		set_bit(type, enabled);
	return err;
}

static int switch_off(char *system, char *event, void *unused)
{
	trace_array_set_clr_event(instance, system, event, false);
	return 0;
}

void ht_generic_stop(void)
{
	if (current_list)
		for_each_name(current_list, switch_off, NULL);
	kfree(current_list);
	current_list = NULL;
	bitmap_zero(enabled, MAX_TYPES);
	if (exporting)
		unregister_ftrace_export(&ftrace_export_ops);
	exporting = false;
	tracepoint_synchronize_unregister();
	if (instance) {
		trace_array_put(instance);
		trace_array_destroy(instance);
	}
	instance = NULL;
}

int ht_generic_set(const char *tracepoints, char *message, size_t size)
{
	struct message m = { message, size };
	int err;

	if (!strcmp(tracepoints, current_list ?: ""))
		return 0;
	ht_generic_stop();
	if (!tracepoints[0])
		return 0;
	instance = compat_trace_array_get(INSTANCE);
	if (!instance) {
		snprintf(message, size, "ftrace has no room for an instance");
		return -ENOMEM;
	}
	current_list = kstrdup(tracepoints, GFP_KERNEL);
	err = current_list ? register_ftrace_export(&ftrace_export_ops) : -ENOMEM;
	if (err) {
		snprintf(message, size, "ftrace's export hook: error %d", err);
		return err;
	}
	exporting = true;
	return for_each_name(tracepoints, switch_on, &m);
}

/* One field as tracefs's `format` prints it. Returns the offset after it. */
static unsigned int print_field(struct seq_buf *out, const struct trace_event_fields *f, unsigned int offset)
{
	const char *bracket = strchr(f->type, '[');

	offset = ALIGN(offset, f->align);
	if (bracket && !strstarts(f->type, "__data_loc") && !strstarts(f->type, "__rel_loc"))
		seq_buf_printf(out, "\tfield:%.*s %s%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", (int)(bracket - f->type),
			       f->type, f->name, bracket, offset, f->size, !!f->is_signed);
	else
		seq_buf_printf(out, "\tfield:%s %s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", f->type, f->name, offset,
			       f->size, !!f->is_signed);
	return offset + f->size;
}

static const char common_fields[] =
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n";

#define FORMAT_BYTES 8192

static int send_format(char *system, char *event, void *buffer)
{
	struct trace_event_file *file = trace_get_event_file(INSTANCE, system, event);
	struct trace_event_call *call;
	const struct trace_event_fields *f;
	unsigned int offset = sizeof(struct trace_entry);
	struct seq_buf out;
	u32 type;
	bool sent;

	if (IS_ERR(file))
		return 0;
	call = file->event_call;
	type = call->event.type;
	seq_buf_init(&out, buffer, FORMAT_BYTES - 1);
	/* the first line is for our reader, which needs the system's name */
	seq_buf_printf(&out, "system: %s\nname: %s\nID: %u\nformat:\n%s", system, event, type, common_fields);
	for (f = call->class->fields_array; f && f->type; f++)
		if (f->type != TRACE_FUNCTION_TYPE)
			offset = print_field(&out, f, offset);
	seq_buf_printf(&out, "\nprint fmt: %s\n", call->print_fmt);
	((char *)buffer)[min_t(size_t, out.len, FORMAT_BYTES - 1)] = '\0';
	sent = ht_names_put(HT_ID_event_format, &type, sizeof(type), buffer);
	trace_put_event_file(file);
	return sent ? 0 : -EINTR;
}

void ht_generic_names(void)
{
	char *buffer;

	if (!current_list)
		return;
	buffer = kmalloc(FORMAT_BYTES, GFP_KERNEL);
	if (buffer)
		for_each_name(current_list, send_format, buffer);
	kfree(buffer);
}
