/* SPDX-License-Identifier: MIT */
/* hypertrace.json: both directions side by side, so that they agree. */
#include "lib/model/trace_info.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "lib/base/text.h"

static void cleanup_json_(json_t **json)
{
	json_decref(*json);
}
#define cleanup_json __attribute__((cleanup(cleanup_json_)))

/* --- to JSON --- */

/* A guest's text need not be UTF-8, but JSON is. */
static json_t *from_text(const char *text)
{
	char *clean = strdup(text);
	size_t bytes = strlen(text);
	json_t *json = NULL;

	if (!clean)
		return NULL;
	for (size_t i = 0; i < bytes;) {
		size_t length = text_utf8_length(text + i, bytes - i);

		if (!length)
			clean[i] = '?';
		i += length ? length : 1;
	}
	json = json_string(clean);
	free(clean);
	return json;
}

/* jansson's integers are signed. */
static json_t *from_count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *from_address(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static json_t *from_points(const struct trace_machine_info *machine)
{
	json_t *points = json_array();

	for (size_t i = 0; i < machine->nr_points; i++) {
		const struct clock_point *point = &machine->points[i];

		json_array_append_new(points,
			json_pack("[o, I, o]", from_count(point->tsc), (json_int_t)point->host_ns,
				from_count(point->bound_ns)));
	}
	return points;
}

static json_t *from_cpus(const struct trace_machine_info *machine)
{
	json_t *cpus = json_array();

	for (size_t i = 0; i < machine->nr_cpu_infos; i++) {
		const struct trace_cpu_info *cpu = &machine->cpus[i];
		json_t *lost = json_object();

		for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
			json_object_set_new(
				lost, trace_lost_name((enum trace_lost)cause), from_count(cpu->lost[cause]));
		json_array_append_new(cpus,
			json_pack("{s:I, s:o, s:o, s:o, s:o}", "cpu", (json_int_t)cpu->cpu, "events",
				from_count(cpu->events), "packets", from_count(cpu->packets), "bytes",
				from_count(cpu->bytes), "lost", lost));
	}
	return cpus;
}

static json_t *from_vms(const struct trace_machine_info *machine)
{
	json_t *vms = json_array();

	for (size_t i = 0; i < machine->nr_vms; i++) {
		const struct trace_vm_info *vm = &machine->vms[i];
		json_t *vcpus = json_array(), *epochs = json_array();

		for (size_t n = 0; n < vm->nr_vcpus; n++)
			json_array_append_new(vcpus,
				json_pack("[I, I]", (json_int_t)vm->vcpus[n].vcpu,
					(json_int_t)vm->vcpus[n].tid));
		for (size_t n = 0; n < vm->nr_epochs; n++)
			json_array_append_new(epochs,
				json_pack("[I, I, I, o, I]", (json_int_t)vm->epochs[n].vcpu,
					(json_int_t)vm->epochs[n].from_host_ns,
					(json_int_t)vm->epochs[n].offset, from_address(vm->epochs[n].ratio),
					(json_int_t)vm->epochs[n].ratio_bits));
		json_array_append_new(vms,
			json_pack("{s:o, s:o, s:I, s:o, s:o}", "name", from_text(vm->name), "machine",
				from_text(vm->machine), "pid", (json_int_t)vm->pid, "vcpus", vcpus, "tsc",
				epochs));
	}
	return vms;
}

static json_t *from_budget(const struct trace_budget_info *budget)
{
	json_t *left_out = json_array();

	for (size_t i = 0; i < budget->nr_left_out; i++)
		json_array_append_new(left_out, from_text(budget->left_out[i]));
	return json_pack("{s:I, s:I, s:o}", "budget_ppm", (json_int_t)budget->budget_ppm, "share_ppm",
		(json_int_t)budget->share_ppm, "left_out", left_out);
}

static json_t *from_machine(const struct trace_machine_info *machine)
{
	json_t *configuration = json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "events",
		from_text(machine->events), "filter", from_text(machine->filter), "functions",
		from_text(machine->functions), "mode", from_text(machine->mode), "packet_bytes",
		(json_int_t)machine->packet_bytes, "nr_packets", (json_int_t)machine->nr_packets, "nr_cpus",
		(json_int_t)machine->nr_cpus);

	json_t *json = json_pack(
		"{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:{s:o, s:o}, s:{s:o, s:o}, s:{s:o, s:I, s:o}, s:o, s:o}",
		"name", from_text(machine->name), "start_host_ns", (json_int_t)machine->start_host_ns,
		"layer", (json_int_t)machine->layer, "channel", from_text(machine->channel), "hostname",
		from_text(machine->hostname), "release", from_text(machine->release), "version",
		from_text(machine->version), "end", "state", from_text(machine->end_state), "message",
		from_text(machine->message), "kernel", "text_address", from_address(machine->text_address),
		"kaslr_offset", from_address(machine->kaslr_offset), "clock", "name",
		from_text(machine->clock), "tsc_khz", (json_int_t)machine->tsc_khz, "points",
		from_points(machine), "configuration", configuration, "cpus", from_cpus(machine));

	if (machine->budget.budget_ppm)
		json_object_set_new(json, "function_budget", from_budget(&machine->budget));
	if (machine->nr_vms)
		json_object_set_new(json, "vms", from_vms(machine));
	return json;
}

int trace_info_format(const struct trace_info *info, char **text, struct error *error)
{
	json_t *machines = json_array();
	cleanup_json json_t *root = NULL;

	for (size_t i = 0; i < info->nr_machines; i++)
		json_array_append_new(machines, from_machine(&info->machines[i]));
	root = json_pack("{s:i, s:o, s:o, s:{s:o, s:o}, s:I, s:I, s:I, s:o}", "format", TRACE_FORMAT,
		"program_version", from_text(info->program_version), "state", from_text(info->state), "host",
		"name", from_text(info->host_name), "boot_id", from_text(info->host_boot_id), "start_unix_ns",
		(json_int_t)info->start_unix_ns, "end_unix_ns", (json_int_t)info->end_unix_ns,
		"realtime_offset_ns", (json_int_t)info->realtime_offset_ns, "machines", machines);
	*text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	if (!*text)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	return 0;
}

/* --- from JSON: what is missing keeps its zero, what is of the wrong kind is an error --- */

struct parse {
	struct error *error;
	int code; /* the first error's */
};

static void wrong(struct parse *parse, const char *key, const char *wanted)
{
	if (!parse->code)
		parse->code = error_set(parse->error, -EINVAL, "\"%s\" is not %s", key, wanted);
}

static void get_text(struct parse *parse, const json_t *object, const char *key, char *out, size_t room)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return;
	if (!json_is_string(value) || json_string_length(value) >= room ||
		strlen(json_string_value(value)) != json_string_length(value)) {
		wrong(parse, key, "a text, or too long");
		return;
	}
	strcpy(out, json_string_value(value)); /* its length was checked */
}
#define GET_TEXT(parse, object, key, field) get_text(parse, object, key, field, sizeof(field))

static int64_t get_integer(
	struct parse *parse, const json_t *object, const char *key, int64_t low, int64_t high)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < low || json_integer_value(value) > high) {
		wrong(parse, key, "a whole number in its range");
		return 0;
	}
	return json_integer_value(value);
}

static uint64_t get_count(struct parse *parse, const json_t *object, const char *key)
{
	return (uint64_t)get_integer(parse, object, key, 0, INT64_MAX);
}

static uint32_t get_u32(struct parse *parse, const json_t *object, const char *key)
{
	return (uint32_t)get_integer(parse, object, key, 0, UINT32_MAX);
}

static uint64_t get_address(struct parse *parse, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	uint64_t value;
	char *end;

	if (!text)
		return 0;
	value = strtoull(text, &end, 16);
	if (*end || end == text)
		wrong(parse, key, "a hexadecimal number");
	return value;
}

static void get_points(struct parse *parse, const json_t *clock, struct trace_machine_info *machine)
{
	const json_t *points = json_object_get(clock, "points"), *item;
	size_t index;

	if (json_array_size(points) > TRACE_POINTS_MAX) {
		wrong(parse, "points", "a list of that length");
		return;
	}
	json_array_foreach (points, index, item) {
		json_int_t tsc, ns, bound;

		if (json_unpack((json_t *)item, "[I, I, I!]", &tsc, &ns, &bound) || tsc < 0 || bound < 0) {
			wrong(parse, "points", "a list of [tsc, ns, bound_ns]");
			return;
		}
		if (trace_machine_info_add_point(
			    machine, (struct clock_point){(uint64_t)tsc, ns, (uint64_t)bound}) &&
			!parse->code)
			parse->code = error_set(parse->error, -ENOMEM, "%s", strerror(ENOMEM));
	}
}

static void get_cpus(struct parse *parse, const json_t *object, struct trace_machine_info *machine)
{
	const json_t *item;
	size_t index;

	json_array_foreach (json_object_get(object, "cpus"), index, item) {
		const json_t *lost = json_object_get(item, "lost");
		struct trace_cpu_info *cpu = trace_machine_info_cpu(
			machine, (uint32_t)get_integer(parse, item, "cpu", 0, TRACE_CPUS_MAX - 1));

		if (!cpu) {
			wrong(parse, "cpus", "a list of at most 4096");
			return;
		}
		cpu->events = get_count(parse, item, "events");
		cpu->packets = get_count(parse, item, "packets");
		cpu->bytes = get_count(parse, item, "bytes");
		for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
			cpu->lost[cause] = get_count(parse, lost, trace_lost_name((enum trace_lost)cause));
	}
}

static void get_epochs(struct parse *parse, const json_t *object, struct trace_vm_info *vm)
{
	const json_t *item;
	size_t index;

	json_array_foreach (json_object_get(object, "tsc"), index, item) {
		json_int_t vcpu, from, offset, bits;
		const char *ratio;
		struct trace_tsc_epoch epoch;

		if (json_unpack((json_t *)item, "[I, I, I, s, I!]", &vcpu, &from, &offset, &ratio, &bits) ||
			vcpu < 0 || vcpu > UINT32_MAX || bits < 0 || bits > 63) {
			wrong(parse, "tsc", "a list of [vcpu, host_ns, offset, ratio, bits]");
			return;
		}
		epoch = (struct trace_tsc_epoch){
			(uint32_t)vcpu, from, offset, strtoull(ratio, NULL, 16), (uint32_t)bits};
		if (trace_vm_info_add_epoch(vm, &epoch)) {
			wrong(parse, "tsc", "a list of that length");
			return;
		}
	}
}

static void get_vms(struct parse *parse, const json_t *object, struct trace_machine_info *machine)
{
	const json_t *item, *pair;
	size_t index, n;

	json_array_foreach (json_object_get(object, "vms"), index, item) {
		struct trace_vm_info *vm = trace_machine_info_vm(machine, get_u32(parse, item, "pid"));

		if (!vm) {
			wrong(parse, "vms", "a list of that length");
			return;
		}
		GET_TEXT(parse, item, "name", vm->name);
		GET_TEXT(parse, item, "machine", vm->machine);
		json_array_foreach (json_object_get(item, "vcpus"), n, pair) {
			json_int_t vcpu, tid;

			if (json_unpack((json_t *)pair, "[I, I!]", &vcpu, &tid) || vcpu < 0 ||
				vcpu > UINT32_MAX || tid < 0 || tid > UINT32_MAX ||
				trace_vm_info_vcpu(vm, (uint32_t)vcpu, (uint32_t)tid)) {
				wrong(parse, "vcpus", "a list of [vcpu, tid]");
				return;
			}
		}
		get_epochs(parse, item, vm);
	}
}

static void get_budget(struct parse *parse, const json_t *object, struct trace_machine_info *machine)
{
	const json_t *budget = json_object_get(object, "function_budget"), *name;
	size_t index;

	machine->budget.budget_ppm = get_u32(parse, budget, "budget_ppm");
	machine->budget.share_ppm = get_u32(parse, budget, "share_ppm");
	json_array_foreach (json_object_get(budget, "left_out"), index, name) {
		if (!json_is_string(name) || trace_machine_info_leave_out(machine, json_string_value(name))) {
			wrong(parse, "left_out", "a list of names of that length");
			return;
		}
	}
}

static void get_machine(struct parse *parse, const json_t *object, struct trace_info *info)
{
	const json_t *configuration = json_object_get(object, "configuration"),
		     *end = json_object_get(object, "end");
	const json_t *kernel = json_object_get(object, "kernel"), *clock = json_object_get(object, "clock");
	const char *name = json_string_value(json_object_get(object, "name"));
	struct trace_machine_info *machine;

	if (parse->code)
		return;
	parse->code = trace_info_add_machine(info, name ? name : "", &machine, parse->error);
	if (parse->code) {
		/* to who reads, one twice or one too many is bad JSON */
		parse->code = parse->code == -ENOMEM ? -ENOMEM : -EINVAL;
		if (parse->error)
			parse->error->code = parse->code;
		return;
	}
	machine->layer = get_u32(parse, object, "layer");
	GET_TEXT(parse, object, "channel", machine->channel);
	GET_TEXT(parse, object, "hostname", machine->hostname);
	GET_TEXT(parse, object, "release", machine->release);
	GET_TEXT(parse, object, "version", machine->version);
	GET_TEXT(parse, end, "state", machine->end_state);
	GET_TEXT(parse, end, "message", machine->message);
	machine->text_address = get_address(parse, kernel, "text_address");
	machine->kaslr_offset = get_address(parse, kernel, "kaslr_offset");
	machine->start_host_ns = get_integer(parse, object, "start_host_ns", INT64_MIN, INT64_MAX);
	GET_TEXT(parse, clock, "name", machine->clock);
	machine->tsc_khz = get_u32(parse, clock, "tsc_khz");
	get_points(parse, clock, machine);
	GET_TEXT(parse, configuration, "events", machine->events);
	GET_TEXT(parse, configuration, "filter", machine->filter);
	GET_TEXT(parse, configuration, "functions", machine->functions);
	GET_TEXT(parse, configuration, "mode", machine->mode);
	machine->packet_bytes = get_u32(parse, configuration, "packet_bytes");
	machine->nr_packets = get_u32(parse, configuration, "nr_packets");
	machine->nr_cpus = get_u32(parse, configuration, "nr_cpus");
	get_cpus(parse, object, machine);
	get_budget(parse, object, machine);
	get_vms(parse, object, machine);
}

int trace_info_parse(struct trace_info *info, const char *text, size_t bytes, struct error *error)
{
	struct parse parse = {.error = error};
	json_error_t where;
	cleanup_json json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &where);
	const json_t *host = json_object_get(root, "host"), *machine;
	size_t index;

	if (!root)
		return error_set(error, -EINVAL, "line %d: %s", where.line, where.text);
	if (!json_is_object(root) || !json_is_integer(json_object_get(root, "format")))
		return error_set(error, -EINVAL, "it has no \"format\"");
	*info = (struct trace_info){.format = get_u32(&parse, root, "format")};
	if (info->format != TRACE_FORMAT && !parse.code) {
		error_set(error, -ENOTSUP, "of format %u, this program reads %d", info->format, TRACE_FORMAT);
		error_hint(error, "use a hypertrace of the version that recorded it");
		return -ENOTSUP;
	}
	GET_TEXT(&parse, root, "program_version", info->program_version);
	GET_TEXT(&parse, root, "state", info->state);
	GET_TEXT(&parse, host, "name", info->host_name);
	GET_TEXT(&parse, host, "boot_id", info->host_boot_id);
	info->start_unix_ns = get_integer(&parse, root, "start_unix_ns", INT64_MIN, INT64_MAX);
	info->end_unix_ns = get_integer(&parse, root, "end_unix_ns", INT64_MIN, INT64_MAX);
	info->realtime_offset_ns = get_integer(&parse, root, "realtime_offset_ns", INT64_MIN, INT64_MAX);
	json_array_foreach (json_object_get(root, "machines"), index, machine)
		get_machine(&parse, machine, info);
	if (parse.code)
		trace_info_deinit(info);
	return parse.code;
}
