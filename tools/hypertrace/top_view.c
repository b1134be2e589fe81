/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/top_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock_now.h"
#include "lib/base/text.h"
#include "lib/model/exit_reasons.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/table.h"

#define NAME_COLUMNS 24

/* --- numbers --- */

static double share(uint64_t part_ns, uint64_t whole_ns)
{
	const double percent = whole_ns ? 100.0 * (double)part_ns / (double)whole_ns : 0;

	return percent > 100 ? 100 : percent; /* two clocks, read one after the other */
}

static double halted(const struct top_vcpu *vcpu)
{
	const double rest =
		100 - share(vcpu->run_ns, vcpu->interval_ns) - share(vcpu->stolen_ns, vcpu->interval_ns);

	return rest > 0 ? rest : 0;
}

/* `nr_vcpus`: how many intervals are in the sum. */
static double per_second(uint64_t count, const struct top_vcpu *vcpu, size_t nr_vcpus)
{
	return vcpu->interval_ns ? (double)count * 1e9 * (double)nr_vcpus / (double)vcpu->interval_ns : 0;
}

static size_t count_running(const struct top_guest *guest)
{
	size_t count = 0;

	for (size_t i = 0; i < guest->nr_vcpus; i++)
		count += guest->vcpus[i].interval_ns != 0;
	return count;
}

/* --- text --- */

static void put_percent(struct table *table, bool known, double percent)
{
	if (known)
		table_cell(table, "%.1f", percent);
	else
		table_cell(table, "-");
}

static void put_rate(struct table *table, bool known, double rate)
{
	if (!known)
		table_cell(table, "-");
	else if (rate > 0 && rate < 9.95)
		table_cell(table, "%.1f", rate);
	else
		table_cell(table, "%s", human_count((uint64_t)(rate + 0.5)).text);
}

static void put_reasons(struct table *table, const struct top_vcpu *vcpu, size_t nr_vcpus)
{
	struct strbuf text = STRBUF_EMPTY;
	char buffer[EXIT_REASON_NAME_BYTES];

	for (size_t i = 0; i < vcpu->nr_reasons; i++)
		strbuf_printf(&text, "%s%s %s", i ? ", " : "",
			exit_reason_name(vcpu->reasons[i].isa, vcpu->reasons[i].reason, buffer),
			human_count((uint64_t)(per_second(vcpu->reasons[i].count, vcpu, nr_vcpus) + 0.5))
				.text);
	table_foreign(table, text.data ? text.data : "-", 60);
	strbuf_deinit(&text);
}

static void put_numbers(
	const struct top_sample *sample, struct table *table, const struct top_vcpu *vcpu, size_t nr_vcpus)
{
	const bool times = vcpu->interval_ns && vcpu->times.has_times,
		   counts = vcpu->interval_ns && vcpu->times.has_counts,
		   exits = vcpu->interval_ns && sample->exits;

	put_percent(table, times, share(vcpu->run_ns, vcpu->interval_ns));
	put_percent(table, times, share(vcpu->stolen_ns, vcpu->interval_ns));
	put_percent(table, times, halted(vcpu));
	put_rate(table, counts, per_second(vcpu->preemptions, vcpu, nr_vcpus));
	put_rate(table, counts, per_second(vcpu->migrations, vcpu, nr_vcpus));
	put_rate(table, exits, per_second(vcpu->exits, vcpu, nr_vcpus));
	put_reasons(table, vcpu, nr_vcpus);
}

static void put_guest(const struct top_sample *sample, struct table *table, const struct top_guest *guest)
{
	struct top_vcpu sum;

	top_guest_sum(guest, &sum);
	table_foreign(table, guest->name, NAME_COLUMNS);
	table_cell(table, "all %zu", guest->nr_vcpus);
	table_cell(table, "%d", (int)guest->pid);
	table_cell(table, "-");
	put_numbers(sample, table, &sum, count_running(guest));
	for (size_t i = 0; i < guest->nr_vcpus; i++) {
		const struct top_vcpu *vcpu = &guest->vcpus[i];

		table_cell(table, "%s", "");
		table_cell(table, "%u", vcpu->vcpu);
		table_cell(table, vcpu->thread.tid ? "%d" : "-", (int)vcpu->thread.tid);
		table_cell(table, vcpu->looked_ns ? "%u" : "-", vcpu->times.pcpu);
		put_numbers(sample, table, vcpu, 1);
	}
}

static void put_table(const struct top_sample *sample, struct strbuf *out, bool colour)
{
	static const char *const headers[] = {"<GUEST", "VCPU", "TID", "PCPU", "RUN %", "STOLEN %",
		"HALTED %", "PREEMPTED/S", "MIGRATED/S", "EXITS/S", "<MOST FREQUENT, EACH PER SECOND", NULL};
	cleanup_table struct table table;
	char *text = NULL;
	size_t bytes = 0;
	FILE *memory;

	table_init(&table, headers);
	for (size_t i = 0; i < sample->nr_guests; i++)
		put_guest(sample, &table, &sample->guests[i]);
	memory = open_memstream(&text, &bytes);
	if (!memory || table.cells.failed) {
		out->failed = true;
	} else {
		table_print(&table, memory, colour);
		fflush(memory);
		strbuf_append(out, text, bytes);
	}
	if (memory)
		fclose(memory);
	free(text);
}

/* What is missing, and what would help. */
static void put_missing(const struct top_sample *sample, struct strbuf *out)
{
	bool nameless = false;

	for (size_t i = 0; i < sample->nr_guests; i++) {
		nameless |= !sample->guests[i].nr_vcpus;
		for (size_t k = 0; k < sample->guests[i].nr_vcpus; k++)
			nameless |= !sample->guests[i].vcpus[k].thread.tid;
	}
	if (!sample->exits)
		strbuf_printf(out, "exits are not known: %s%s%s%s\n", sample->no_exits.text,
			sample->no_exits.hint[0] ? " (" : "", sample->no_exits.hint,
			sample->no_exits.hint[0] ? ")" : "");
	if (nameless)
		strbuf_puts(out, "some vCPUs' threads are not known: hypertrace list tells what helps\n");
}

void top_view_text(const struct top_sample *sample, struct strbuf *out, bool colour)
{
	const time_t now = time(NULL);
	size_t nr_vcpus = 0;
	struct tm local;
	char clock[16];

	for (size_t i = 0; i < sample->nr_guests; i++)
		nr_vcpus += sample->guests[i].nr_vcpus;
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &local));
	strbuf_printf(out, "hypertrace top  %s  %zu guest%s, %zu vCPU%s\n", clock, sample->nr_guests,
		sample->nr_guests == 1 ? "" : "s", nr_vcpus, nr_vcpus == 1 ? "" : "s");
	put_table(sample, out, colour);
	put_missing(sample, out);
}

/* --- JSON --- */

static void json_number(struct strbuf *out, const char *key, bool known, double value)
{
	if (known)
		strbuf_printf(out, ",\"%s\":%.3f", key, value);
	else
		strbuf_printf(out, ",\"%s\":null", key);
}

static void json_vcpu(const struct top_sample *sample, struct strbuf *out, const struct top_vcpu *vcpu)
{
	const bool times = vcpu->interval_ns && vcpu->times.has_times,
		   counts = vcpu->interval_ns && vcpu->times.has_counts,
		   exits = vcpu->interval_ns && sample->exits;
	char buffer[EXIT_REASON_NAME_BYTES];

	strbuf_printf(out, "{\"vcpu\":%u", vcpu->vcpu);
	json_number(out, "interval_s", vcpu->interval_ns, (double)vcpu->interval_ns / 1e9);
	if (vcpu->looked_ns)
		strbuf_printf(out, ",\"tid\":%d,\"pcpu\":%u", (int)vcpu->thread.tid, vcpu->times.pcpu);
	else
		strbuf_puts(out, ",\"tid\":null,\"pcpu\":null");
	json_number(out, "run_percent", times, share(vcpu->run_ns, vcpu->interval_ns));
	json_number(out, "stolen_percent", times, share(vcpu->stolen_ns, vcpu->interval_ns));
	json_number(out, "halted_percent", times, halted(vcpu));
	json_number(out, "preempted_per_s", counts, per_second(vcpu->preemptions, vcpu, 1));
	json_number(out, "migrated_per_s", counts, per_second(vcpu->migrations, vcpu, 1));
	json_number(out, "exits_per_s", exits, per_second(vcpu->exits, vcpu, 1));
	strbuf_puts(out, ",\"reasons\":[");
	for (size_t i = 0; exits && i < vcpu->nr_reasons; i++) {
		const struct exit_count *reason = &vcpu->reasons[i];

		strbuf_printf(out, "%s{\"reason\":\"%s\"", i ? "," : "",
			exit_reason_name(reason->isa, reason->reason, buffer));
		json_number(out, "per_s", true, per_second(reason->count, vcpu, 1));
		json_number(out, "mean_ns", reason->count,
			reason->count ? (double)reason->total_ns / (double)reason->count : 0);
		strbuf_puts(out, "}");
	}
	strbuf_puts(out, "]}");
}

void top_view_json(const struct top_sample *sample, struct strbuf *out)
{
	strbuf_printf(out, "{\"time_ns\":%" PRIu64 ",\"exits_error\":", clock_now_ns(CLOCK_REALTIME));
	if (sample->exits)
		strbuf_puts(out, "null");
	else
		text_append_json(out, sample->no_exits.text);
	strbuf_puts(out, ",\"guests\":[");
	for (size_t i = 0; i < sample->nr_guests; i++) {
		const struct top_guest *guest = &sample->guests[i];

		strbuf_printf(out, "%s{\"pid\":%d,\"name\":", i ? "," : "", (int)guest->pid);
		text_append_json(out, guest->name);
		strbuf_puts(out, ",\"vcpus\":[");
		for (size_t k = 0; k < guest->nr_vcpus; k++) {
			strbuf_puts(out, k ? "," : "");
			json_vcpu(sample, out, &guest->vcpus[k]);
		}
		strbuf_puts(out, "]}");
	}
	strbuf_puts(out, "]}\n");
}
