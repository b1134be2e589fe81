/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/guest_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/symbol_cache.h"
#include "tools/hypertrace/table.h"

#define NAME_COLUMNS   40
#define RANGES_MAX     3 /* of threads, in a table */
#define NESTED_UNKNOWN "-"

int guest_list_read(struct guest_list *list, bool kernels, struct error *error)
{
	int code = vmm_list_read(&list->vmms, "/proc", error);

	if (code)
		return code;
	host_layer_read(&list->layer, "/sys");
	list->has_kernels = kernels;
	list->surveys = calloc(list->vmms.count + 1, sizeof(*list->surveys));
	if (!list->surveys)
		return error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < list->vmms.count; i++) {
		guest_survey_do(&list->surveys[i], &list->vmms.items[i], "/proc");
		if (kernels)
			guest_survey_kernel(&list->surveys[i], &list->vmms.items[i], symbol_cache(), NULL);
	}
	return 0;
}

void guest_list_deinit(struct guest_list *list)
{
	vmm_list_deinit(&list->vmms);
	free(list->surveys);
	list->surveys = NULL;
}

static const char *accel_name(enum vmm_accel accel)
{
	return accel == VMM_ACCEL_KVM ? "KVM" : accel == VMM_ACCEL_TCG ? "TCG" : NULL;
}

/* 1: the guest can have guests of its own, 0: it cannot, -1: who knows. */
static int can_nest(const struct guest_list *list, const struct vmm *vmm)
{
	switch (vmm->command.nested) {
	case VMM_NESTED_YES:
		return 1;
	case VMM_NESTED_NO:
		return 0;
	case VMM_NESTED_AS_HOST:
		return list->layer.knows_nesting ? list->layer.can_nest : -1;
	case VMM_NESTED_UNKNOWN:
		break;
	}
	return -1;
}

static bool may_attach(const struct vmm *vmm, const struct guest_survey *survey)
{
	return vmm->command.is_qemu && survey->socket && !survey->region[0];
}

/* --- text --- */

/* "4712-4715", in the order of the vCPUs. */
static void threads_text(const struct vmm *vmm, char *text, size_t size)
{
	struct strbuf out = STRBUF_EMPTY;
	unsigned ranges = 0;

	for (size_t i = 0, end; i < vmm->nr_vcpus && vmm->knows_threads; i = end) {
		for (end = i + 1; end < vmm->nr_vcpus && vmm->vcpus[end].tid == vmm->vcpus[end - 1].tid + 1;
			end++)
			;
		if (ranges++ == RANGES_MAX) {
			strbuf_puts(&out, ",..");
			break;
		}
		strbuf_printf(&out, "%s%d", i ? "," : "", (int)vmm->vcpus[i].tid);
		if (end - i > 1)
			strbuf_printf(&out, "-%d", (int)vmm->vcpus[end - 1].tid);
	}
	snprintf(text, size, "%s", out.data ? out.data : "-");
	strbuf_deinit(&out);
}

/* In parentheses what is there once `hypertrace attach` has plugged a region in. */
static void channels_text(const struct vmm *vmm, const struct guest_survey *survey, char *text, size_t size)
{
	const char *shm = survey->region[0] ? " shm" : may_attach(vmm, survey) ? " (shm)" : "";
	const char *ftrace = survey->memory_error ? "" : " ftrace";
	const char *hypercall = vmm->accel == VMM_ACCEL_KVM ? " hypercall" : "";

	snprintf(text, size, "%s%s%s", shm, ftrace, hypercall);
	if (text[0])
		memmove(text, text + 1, strlen(text));
	else
		snprintf(text, size, "-");
}

static void put_row(const struct guest_list *list, struct table *table, size_t i)
{
	const struct vmm *vmm = &list->vmms.items[i];
	const struct guest_survey *survey = &list->surveys[i];
	const int nests = can_nest(list, vmm);
	char text[128];

	table_cell(table, "%d", (int)vmm->pid);
	table_foreign(table, vmm->name, NAME_COLUMNS);
	table_cell(table, "%s", accel_name(vmm->accel) ? accel_name(vmm->accel) : "-");
	table_cell(table, "%s", list->layer.is_guest ? "L2+" : "L1");
	table_cell(table, "%s", nests < 0 ? NESTED_UNKNOWN : nests ? "yes" : "no");
	table_cell(table, "%s", survey->memory_bytes ? human_bytes(survey->memory_bytes).text : "-");
	table_count(table, vmm->nr_vcpus);
	threads_text(vmm, text, sizeof(text));
	table_cell(table, "%s", text);
	channels_text(vmm, survey, text, sizeof(text));
	table_cell(table, "%s", text);
	if (list->has_kernels)
		table_foreign(table, survey->release[0] ? survey->release : "-", sizeof(survey->release));
}

int guest_list_text(const struct guest_list *list, FILE *out, bool colour)
{
	static const char *const headers[] = {"PID", "<NAME", "<ACCEL", "<LAYER", "<NESTS", "MEMORY", "VCPUS",
		"<THREADS", "<CHANNELS", NULL};
	static const char *const kernel_headers[] = {"PID", "<NAME", "<ACCEL", "<LAYER", "<NESTS", "MEMORY",
		"VCPUS", "<THREADS", "<CHANNELS", "<KERNEL", NULL};
	cleanup_table struct table table;

	table_init(&table, list->has_kernels ? kernel_headers : headers);
	for (size_t i = 0; i < list->vmms.count; i++)
		put_row(list, &table, i);
	if (table.cells.failed)
		return -ENOMEM;
	table_print(&table, out, colour);
	return 0;
}

/* --- what is missing --- */

void guest_list_remedies(const struct guest_list *list, FILE *out)
{
	bool unreadable = false, nameless = false, busy = false;

	for (size_t i = 0; i < list->vmms.count; i++) {
		const struct vmm *vmm = &list->vmms.items[i];
		const struct guest_survey *survey = &list->surveys[i];

		unreadable |= survey->memory_error == -EACCES || survey->memory_error == -EPERM;
		nameless |= !vmm->knows_threads;
		busy |= survey->socket_is_busy && !survey->socket && !survey->region[0];
	}
	if (unreadable)
		fputs("hint: some guests' memory and descriptors are not ours to look at: run as root, or with "
		      "CAP_SYS_PTRACE\n",
			out);
	if (nameless)
		fputs("hint: which threads run vCPUs is known where QEMU has -name NAME,debug-threads=on, a free QMP "
		      "socket, or KVM\n",
			out);
	if (busy)
		fputs("hint: a QMP socket that another client holds (libvirt its own) is of no use to attach: give "
		      "QEMU a second one, -qmp unix:SOCKET,server=on,wait=off\n",
			out);
	if (list->layer.is_guest && list->vmms.count)
		fprintf(out, "this host is a virtual machine itself%s%s%s\n",
			list->layer.hypervisor[0] ? " (" : "", list->layer.hypervisor,
			list->layer.hypervisor[0] ? ")" : "");
}

/* --- JSON --- */

static void put_string(struct strbuf *json, const char *key, const char *text)
{
	strbuf_printf(json, ",\"%s\":", key);
	if (text && *text)
		text_append_json(json, text);
	else
		strbuf_puts(json, "null");
}

static void put_maybe(struct strbuf *json, const char *key, int value)
{
	strbuf_printf(json, ",\"%s\":%s", key, value < 0 ? "null" : value ? "true" : "false");
}

static void put_channels(struct strbuf *json, const struct vmm *vmm, const struct guest_survey *survey)
{
	const struct {
		const char *name;
		bool works;
	} channels[] = {
		{"shm", survey->region[0]},
		{"ftrace", !survey->memory_error},
		{"hypercall", vmm->accel == VMM_ACCEL_KVM},
	};
	bool is_first = true;

	strbuf_puts(json, ",\"channels\":[");
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
		if (channels[i].works) {
			strbuf_printf(json, "%s\"%s\"", is_first ? "" : ",", channels[i].name);
			is_first = false;
		}
	strbuf_puts(json, "]");
}

static void put_guest(const struct guest_list *list, struct strbuf *json, size_t i)
{
	const struct vmm *vmm = &list->vmms.items[i];
	const struct guest_survey *survey = &list->surveys[i];

	strbuf_printf(json, "%s\n{\"pid\":%d", i ? "," : "", (int)vmm->pid);
	put_string(json, "name", vmm->name);
	put_maybe(json, "named", vmm->is_named);
	put_string(json, "uuid", vmm->command.uuid);
	put_string(json, "program", vmm->command.program);
	put_maybe(json, "libvirt", vmm->command.is_libvirt);
	put_string(json, "accel", accel_name(vmm->accel));
	strbuf_printf(json, ",\"layer\":%d", list->layer.is_guest ? 2 : 1);
	put_maybe(json, "nests", can_nest(list, vmm));
	strbuf_printf(json, ",\"memory_bytes\":%" PRIu64 ",\"vcpus\":[", survey->memory_bytes);
	for (size_t k = 0; k < vmm->nr_vcpus; k++) {
		strbuf_printf(json, "%s{\"vcpu\":%u,\"tid\":", k ? "," : "", vmm->vcpus[k].vcpu);
		if (vmm->vcpus[k].tid)
			strbuf_printf(json, "%d}", (int)vmm->vcpus[k].tid);
		else
			strbuf_puts(json, "null}");
	}
	strbuf_puts(json, "],\"qmp\":[");
	for (size_t k = 0; k < vmm->command.nr_sockets; k++) {
		strbuf_puts(json, k ? "," : "");
		text_append_json(json, vmm->command.sockets[k]);
	}
	strbuf_puts(json, "]");
	put_string(json, "qmp_free", survey->socket);
	put_string(json, "region", survey->region);
	put_channels(json, vmm, survey);
	put_maybe(json, "may_attach", may_attach(vmm, survey));
	put_string(json, "memory_error", survey->memory_error ? strerror(-survey->memory_error) : NULL);
	put_string(json, "kernel", survey->release);
	strbuf_puts(json, "}");
}

int guest_list_json(const struct guest_list *list, FILE *out)
{
	cleanup_strbuf struct strbuf json = STRBUF_EMPTY;

	strbuf_printf(&json, "{\"host\":{\"is_guest\":%s", list->layer.is_guest ? "true" : "false");
	put_string(&json, "hypervisor", list->layer.hypervisor);
	put_maybe(&json, "nests", list->layer.knows_nesting ? list->layer.can_nest : -1);
	strbuf_puts(&json, "},\"guests\":[");
	for (size_t i = 0; i < list->vmms.count; i++)
		put_guest(list, &json, i);
	strbuf_puts(&json, "]}\n");
	if (json.failed)
		return -ENOMEM;
	fwrite(json.data, 1, json.length, out);
	return 0;
}
