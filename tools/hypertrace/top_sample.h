/* SPDX-License-Identifier: MIT */
/* What `hypertrace top` knows: the vCPUs of this host's guests, and what happened to each between two looks. */
#pragma once
#include <stdbool.h>
#include "host/collect/exit_counts.h"
#include "host/vmm/vcpu_thread.h"
#include "host/vmm/vmm_list.h"
#include "tools/hypertrace/options.h"

#define TOP_REASONS 3

struct top_vcpu {
	uint32_t vcpu;
	struct vcpu_thread thread; /* tid 0: not known */
	struct vcpu_times times;   /* of the last look */
	uint64_t looked_ns;
	/* between the last two looks; valid if interval_ns */
	uint64_t interval_ns, run_ns, stolen_ns, preemptions, migrations;
	uint64_t exits;
	struct exit_count reasons[TOP_REASONS]; /* the most frequent first */
	size_t nr_reasons;
};

struct top_guest {
	pid_t pid;
	uint64_t start_ticks;
	char name[VMM_NAME_BYTES];
	struct top_vcpu *vcpus;
	size_t nr_vcpus;
};

struct top_sample {
	const struct string_list *words; /* -g; none: all guests */
	int proc_fd;
	struct top_guest *guests; /* by rising pid */
	size_t nr_guests;
	uint64_t listed_ns, looked_ns;
	struct exit_counts *exits; /* NULL: not known … */
	struct error no_exits;     /* … and why */
};

/* Errors of open(), and of vmm_list_find() where guests are named. Without a collector it does without. */
int top_sample_init(struct top_sample *sample, const struct string_list *words, struct error *error);
void top_sample_deinit(struct top_sample *sample);

/* Looks, and every few seconds for guests that have come and gone. Errors of vmm_list_read(); -ENOMEM. */
int top_sample_look(struct top_sample *sample, struct error *error);

/* The sum over a guest's vCPUs; interval_ns is the sum, too: shares are those of all of them. */
void top_guest_sum(const struct top_guest *guest, struct top_vcpu *sum);
