/* SPDX-License-Identifier: MIT */
/* Small Xen traces made here, and what becomes of them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/xen/xen_convert.h"
#include "host/xen/xen_layouts.h"
#include "lib/base/file.h"
#include "lib/base/strbuf.h"
#include "lib/model/vcpu_model.h"
#include "lib/reader/trace_reader.h"
#include "tests/unit/trace_maker.h"

#define HZ                 1000000000 /* a TSC unit is a ns */
#define START              5000000000
#define VCPU(domain, vcpu) ((domain) << 16 | (vcpu))
#define IDLE               32767

static char *work;

/* --- making Xen's file --- */

static struct strbuf file;
static size_t window; /* of its CPU change */

static void put(const void *data, size_t bytes)
{
	strbuf_append(&file, data, bytes);
}

static void end_window(void)
{
	const uint32_t bytes = (uint32_t)(file.length - window - 12);

	if (file.length)
		memcpy(file.data + window + 8, &bytes, sizeof(bytes));
}

static void on_pcpu(uint32_t pcpu)
{
	const uint32_t words[] = {0x2001f003, pcpu, 0};

	end_window();
	window = file.length;
	put(words, sizeof(words));
}

static void add(uint64_t us, uint32_t code, unsigned count, const uint32_t *words)
{
	const uint32_t head = code | count << 28 | 1u << 31;
	const uint64_t tsc = START + us * 1000;

	put(&head, sizeof(head));
	put(&tsc, sizeof(tsc));
	put(words, 4 * count);
}
#define ADD(us, code, ...) \
	add(us, code, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})

enum { RUNNING, RUNNABLE, BLOCKED };
static void runstate(uint64_t us, unsigned from, unsigned to, uint32_t vcpu)
{
	ADD(us, 0x21001u | from << 8 | to << 4, vcpu);
}

static void begin_file(void)
{
	strbuf_deinit(&file);
	file = STRBUF_EMPTY;
	window = 0;
}

/* --- converting --- */

static char *path_of(const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", work, name);
	return path;
}

static char notices[1024];

static void take_notice(void *context, const char *text)
{
	(void)context;
	snprintf(notices, sizeof(notices), "%s", text);
}

static int try_convert(const char *name, const struct xen_convert_guest *guests, size_t nr_guests,
	struct xen_convert_result *result, struct error *error)
{
	const char *const input = path_of("input");
	const struct xen_convert_options options = {.path = input,
		.output = path_of(name),
		.program_version = "test",
		.hz = HZ,
		.guests = guests,
		.nr_guests = nr_guests,
		.notice = take_notice};

	end_window();
	assert_int_equal(file_replace(AT_FDCWD, input, file.data, file.length, NULL), 0);
	notices[0] = 0;
	return xen_convert(&options, result, error);
}

static struct xen_convert_result convert(const char *name)
{
	struct xen_convert_result result;
	struct error error = {0};

	if (try_convert(name, NULL, 0, &result, &error))
		fail_msg("%s", error.text);
	return result;
}

/* --- looking at what came out --- */

static void print_fields(struct strbuf *out, const struct trace_event *event)
{
	for (unsigned i = 0; i < event->type->nr_fields; i++) {
		const struct event_field *field = &event->type->fields[i];

		if (field->kind == EVENT_FIELD_COMM)
			strbuf_printf(out, " %.16s", (const char *)event->payload + field->byte_offset);
		else
			strbuf_printf(out, field->kind == EVENT_FIELD_HEX ? " 0x%" PRIx64 : " %" PRId64,
				event_field_value(field, event->payload));
	}
}

/* "MACHINE CPU US EVENT FIELDS", one a line; `wanted`: events whose name begins so, or has that in it. */
static void print_trace(struct strbuf *out, const char *name, const char *wanted)
{
	const char *const path = path_of(name);
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct trace_event event;
	struct trace *trace;
	struct error error = {0};

	if (trace_open(&path, 1, &trace, &error))
		fail_msg("%s", error.text);
	assert_int_equal(trace_reader_create(trace, &options, &reader, NULL), 0);
	while (trace_reader_next(reader, &event)) {
		const int64_t ns = trace_reader_unix_ns(reader, &event) -
			trace->machines[event.machine].realtime_offset_ns;

		if (wanted && !strstr(event.type->name, wanted))
			continue;
		strbuf_printf(out, "%s %u %" PRId64 " %s", trace->machines[event.machine].name, event.cpu,
			(ns - START) / 1000, event.type->name);
		print_fields(out, &event);
		strbuf_putc(out, '\n');
	}
	assert_int_equal(trace_reader_damage(reader, NULL), 0);
	trace_reader_destroy(reader);
	trace_close(trace);
}

static void expect(const char *name, const char *wanted, const char *text)
{
	struct strbuf out = STRBUF_EMPTY;

	print_trace(&out, name, wanted);
	assert_string_equal(out.data ? out.data : "", text);
	strbuf_deinit(&out);
}

/* --- PV --- */

/* d0v0 is preempted by d1v0, which blocks; it is woken on another pCPU and goes on there. */
static void make_pv(void)
{
	begin_file();
	on_pcpu(0);
	ADD(10, 0x21002, VCPU(0, 0));
	ADD(15, 0x20100d, 0x00400001u, 7); /* mmu_update, one argument of 32 bits: the second */
	ADD(17, 0x201104, 0x81001234, 0xffffffff, 0x1000, 0, 2);
	runstate(20, RUNNING, RUNNABLE, VCPU(0, 0));
	runstate(21, RUNNABLE, RUNNING, VCPU(1, 0));
	ADD(30, 0x28006, 1, 0);
	runstate(32, RUNNING, BLOCKED, VCPU(1, 0));
	runstate(33, RUNNABLE, RUNNING, VCPU(0, 0));
	on_pcpu(1);
	runstate(5, RUNNABLE, RUNNING, VCPU(IDLE, 1));
	runstate(40, BLOCKED, RUNNABLE, VCPU(1, 0));
	runstate(44, RUNNING, RUNNABLE, VCPU(IDLE, 1));
	runstate(45, RUNNABLE, RUNNING, VCPU(1, 0));
}

static void test_pv(void **state)
{
	struct xen_convert_result result;

	(void)state;
	make_pv();
	result = convert("pv");
	assert_int_equal(result.events, 12);
	assert_int_equal(result.nr_pcpus, 2);
	assert_int_equal(result.nr_domains, 2);
	assert_int_equal(result.nr_vcpus, 2);
	assert_int_equal(result.nr_machines, 3);
	assert_int_equal(result.left_out, 0);
	expect("pv", "vcpu_",
		"xen 0 20 vcpu_out 1 0 256 2 2 d1v0\n"
		"xen 0 21 vcpu_in 2 0 1 1 d0v0\n"
		"xen 0 30 xen_vcpu_block 1 0\n"
		"xen 0 32 vcpu_out 2 0 1 1 1 d0v0\n"
		"xen 0 33 vcpu_in 1 0 2 2 d1v0\n"
		"xen 1 40 vcpu_waking 2 0 0 0\n"
		"xen 1 45 vcpu_migrate 2 0 0 1\n"
		"xen 1 45 vcpu_in 2 0 0 0 idle\n");
	/* hypercall and fault: no duration; the block: until it ran again */
	expect("pv", "kvm_",
		"xen 0 15 kvm_hypercall 1 0 3 1 0 0x0 0x1 0x0 0x7 0x0 0x0\n"
		"xen 0 17 kvm_exit 1 0 3 4 0 0xffffffff81001234\n"
		"xen 1 45 kvm_exit 2 0 27 256 15000 0x0\n");
	expect("pv", "sched_switch",
		"xen 0 21 sched_switch 2 256 0\n"
		"xen 0 33 sched_switch 1 1 0\n"
		"xen 1 45 sched_switch 2 256 0\n");
	expect("pv", "fault", "dom0 0 17 page_fault_kernel 0x1000 0xffffffff81001234 2\n");
	expect("pv", "hypercall",
		"xen 0 15 kvm_hypercall 1 0 3 1 0 0x0 0x1 0x0 0x7 0x0 0x0\n"
		"dom0 0 15 xen_hypercall 1 0x0 0x7 0x0 0x0 0x0 0x0\n");
}

/* The same from the scheduler's records alone. */
static void test_no_runstates(void **state)
{
	(void)state;
	begin_file();
	on_pcpu(0);
	ADD(20, 0x2800a, 0, 0, 1, 0);
	ADD(30, 0x28006, 1, 0);
	ADD(32, 0x2800a, 1, 0, 0, 0);
	ADD(40, 0x28004, 1, 0);
	ADD(45, 0x2800a, 0, 0, 1, 0);
	convert("sched");
	expect("sched", "vcpu_",
		"xen 0 20 vcpu_out 1 0 256 2 2 d1v0\n"
		"xen 0 20 vcpu_in 2 0 1 1 d0v0\n"
		"xen 0 30 xen_vcpu_block 1 0\n"
		"xen 0 32 vcpu_out 2 0 1 1 1 d0v0\n"
		"xen 0 32 vcpu_in 1 0 2 2 d1v0\n"
		"xen 0 40 vcpu_waking 2 0 0 1\n"
		"xen 0 40 xen_vcpu_wake 1 0\n"
		"xen 0 45 vcpu_out 1 0 256 2 2 d1v0\n"
		"xen 0 45 vcpu_in 2 0 1 1 d0v0\n");
	expect("sched", "kvm_", "xen 0 45 kvm_exit 2 0 27 256 15000 0x0\n");
}

/* --- HVM --- */

static void make_hvm(void)
{
	begin_file();
	on_pcpu(0);
	ADD(10, 0x21002, VCPU(2, 1));
	ADD(20, 0x81102, 0x81, 0x00401000, 0); /* VMMCALL of SVM, in user mode */
	ADD(21, 0x82012, 29);
	add(25, 0x81001, 0, NULL);
	ADD(30, 0x81102, 0x78, 0x81000000, 0xffffffff); /* HLT */
	ADD(31, 0x28006, 2, 1);
	runstate(32, RUNNING, BLOCKED, VCPU(2, 1));
	runstate(33, RUNNABLE, RUNNING, VCPU(IDLE, 0));
	runstate(50, BLOCKED, RUNNABLE, VCPU(2, 1));
	runstate(51, RUNNING, RUNNABLE, VCPU(IDLE, 0));
	runstate(52, RUNNABLE, RUNNING, VCPU(2, 1));
	add(55, 0x81001, 0, NULL);
	ADD(60, 0x81103, 0x60, 0x81000000, 0xffffffff); /* of AMD, as Xen says since 4.19 */
	add(61, 0x81001, 0, NULL);
	ADD(70, 0x81502, 0x7c, 0x81000000, 0xffffffff); /* of its guest */
	add(72, 0x81401, 0, NULL);
}

static void test_hvm(void **state)
{
	(void)state;
	make_hvm();
	convert("hvm");
	expect("hvm", "kvm_",
		"xen 0 25 kvm_hypercall 1 1 66 129 5000 0x401000 0x1d 0x0 0x0 0x0 0x0\n"
		"xen 0 55 kvm_exit 1 1 26 120 25000 0xffffffff81000000\n"
		"xen 0 61 kvm_exit 1 1 2 96 1000 0xffffffff81000000\n"
		"xen 0 72 kvm_exit 1 1 130 124 2000 0xffffffff81000000\n");
	expect("hvm", "xen_vm",
		"dom2 1 20 xen_vmexit 129 0x401000\n"
		"dom2 1 21 xen_vmmcall 29\n"
		"dom2 1 25 xen_vmentry\n"
		"dom2 1 30 xen_vmexit 120 0xffffffff81000000\n"
		"dom2 1 55 xen_vmentry\n"
		"dom2 1 61 xen_vmentry\n");
}

/* --- losses, and too much of everything --- */

static void test_lost(void **state)
{
	(void)state;
	begin_file();
	on_pcpu(0);
	runstate(10, RUNNABLE, RUNNING, VCPU(0, 0));
	ADD(60, 0x1f001, 77, 0, (uint32_t)(START + 20000), (uint32_t)((START + 20000) >> 32));
	runstate(70, RUNNABLE, RUNNING, VCPU(1, 0));
	assert_int_equal(convert("lost").counts.lost, 77);
	expect("lost", "lost", "xen 0 70 lost 77\n");
	/* nobody says that d0v0 left */
	expect("lost", "vcpu_", "xen 0 10 vcpu_in 1 0 0 0 \nxen 0 70 vcpu_in 2 0 0 0 \n");
}

static void test_limits(void **state)
{
	struct xen_convert_result result;

	(void)state;
	begin_file();
	on_pcpu(0);
	for (uint32_t i = 0; i < 100; i++)
		runstate(10 + i, BLOCKED, RUNNABLE, VCPU(i, i));
	for (uint32_t i = 0; i < 100; i++)
		ADD(200 + i, 0x8f123, i, 1); /* no event that is known */
	on_pcpu(5000);
	runstate(20, RUNNABLE, RUNNING, VCPU(0, 0));
	result = convert("limits");
	assert_int_equal(result.events, 201);
	assert_int_equal(result.left_out, 1); /* of the pCPU that no trace of ours has */
	assert_int_equal(result.nr_domains, 100);
	assert_int_equal(result.nr_machines, 63);
	begin_file();
	on_pcpu(0);
	for (uint32_t i = 0; i < 5000; i++)
		ADD(10 + i, 0x80f000 + i, 1);
	result = convert("codes");
	assert_true(result.left_out > 0 && result.left_out < 1000); /* more codes than a trace has ids */
	expect("codes", "xen_0x80f00a", "xen 0 20 xen_0x80f00a 0x1\n");
}

/* --- every event that is known --- */

static uint64_t mixed(unsigned word)
{
	return 0x9e3779b9u * (word + 3) & 0x7fff7fff;
}

static const struct xen_value *find_value(const struct xen_value *values, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(values[i].name, name))
			return &values[i];
	return NULL;
}

/* What is decoded from the event is what its fields in the trace hold. */
static void check_type(const struct xen_event_type *type, unsigned words)
{
	struct xen_event event = {.code = type->code, .n_extra = (uint8_t)words};
	struct xen_survey survey = {0};
	struct xen_layouts layouts;
	struct xen_value values[XEN_VALUES_MAX];
	struct event_schema *schema = event_schema_create();
	const struct event_type *laid_out;
	uint8_t payload[XEN_PAYLOAD_MAX] = {0};
	uint32_t bytes;
	unsigned count;

	for (unsigned i = 0; i < words; i++)
		event.extra[i] = (uint32_t)mixed(i);
	*hash_map_put(&survey.codes, type->code) = words | XEN_SURVEY_FITS;
	assert_int_equal(xen_layouts_init(&layouts, &survey), 0);
	assert_int_equal(xen_layouts_describe(&layouts, schema, NULL), 0);
	assert_int_equal(event_schema_check(schema, NULL), 0);
	assert_int_equal(xen_layouts_encode(&layouts, &event, payload, &bytes), XEN_LAYOUT_FIRST);
	laid_out = schema->types[XEN_LAYOUT_FIRST];
	assert_int_equal(bytes, laid_out->fixed_bytes);
	count = xen_event_decode(type, &event, values);
	for (unsigned i = 0; i < laid_out->nr_fields; i++) {
		const struct xen_value *value = find_value(values, count, laid_out->fields[i].name);

		if (value && value->kind != XEN_VALUE_VCPU && value->kind != XEN_VALUE_NONE)
			assert_int_equal(event_field_value(&laid_out->fields[i], payload), value->value);
	}
	event_schema_destroy(schema);
	xen_layouts_deinit(&layouts);
	hash_map_deinit(&survey.codes);
}

static void test_all_events(void **state)
{
	const struct xen_event_type *type;

	(void)state;
	for (unsigned i = 0; (type = xen_event_type_at(i)); i++)
		for (unsigned words = type->extras_min; words <= type->extras_max; words++)
			check_type(type, words);
}

/* --- a guest's own trace beside it --- */

#define OFFSET (-4000000000ll) /* its TSC began 4 s after Xen's */

static void make_guest(void)
{
	struct maker_stream stream;
	char *const path = path_of("guest");
	int fd;

	mkdir(path, 0777);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	maker_metadata(fd, "guest");
	maker_stream_init(&stream, fd, 0);
	maker_switch(&stream, START + OFFSET + 22000, 300, 0, 120);
	maker_switch(&stream, START + OFFSET + 46000, 301, 1, 120);
	maker_stream_deinit(&stream);
	assert_int_equal(mkdirat(fd, "names", 0777), 0);
	assert_int_equal(file_replace(fd, "names/tasks", "300 300 nginx\n", 14, NULL), 0);
	close(fd);
}

static void test_guest(void **state)
{
	char path[512], guest_path[512];
	struct xen_convert_guest guest = {guest_path, 1, OFFSET};
	struct xen_convert_result result;
	struct error error = {0};

	(void)state;
	snprintf(guest_path, sizeof(guest_path), "%s/guest", work);
	make_guest();
	make_pv();
	assert_int_equal(try_convert("merged", &guest, 1, &result, &error), 0);
	assert_string_equal(notices, "");
	assert_int_equal(result.nr_machines, 4);
	expect("merged", "sched_switch",
		"xen 0 21 sched_switch 2 256 0\n"
		"dom1 0 22 sched_switch 300 0 120\n"
		"xen 0 33 sched_switch 1 1 0\n"
		"xen 1 45 sched_switch 2 256 0\n"
		"dom1 0 46 sched_switch 301 1 120\n");
	snprintf(path, sizeof(path), "%s/merged/dom1/names/tasks", work);
	assert_int_equal(access(path, R_OK), 0);
	snprintf(path, sizeof(path), "%s/merged/dom1.xen/metadata", work);
	assert_int_equal(access(path, R_OK), 0);
	guest.offset = 0; /* a PV guest's; here it is wrong */
	assert_int_equal(try_convert("apart", &guest, 1, &result, &error), 0);
	assert_non_null(strstr(notices, "before the Xen trace and has no time in common with it"));
	guest.domain = 9;
	assert_int_equal(try_convert("absent", &guest, 1, &result, &error), -EINVAL);
	assert_non_null(strstr(error.text, "the Xen trace has nothing of domain 9"));
	snprintf(path, sizeof(path), "%s/absent", work);
	assert_int_not_equal(access(path, F_OK), 0); /* nothing was begun */
}

static int make_work(void **state)
{
	(void)state;
	work = maker_directory();
	return 0;
}

static int remove_work(void **state)
{
	(void)state;
	maker_remove(work);
	strbuf_deinit(&file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pv),
		cmocka_unit_test(test_no_runstates),
		cmocka_unit_test(test_hvm),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_all_events),
		cmocka_unit_test(test_guest),
	};

	return cmocka_run_group_tests(tests, make_work, remove_work);
}
