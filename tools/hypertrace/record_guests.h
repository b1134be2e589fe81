/* SPDX-License-Identifier: MIT */
/* Which guests `hypertrace record` records, and by which channel. */
#pragma once
#include "host/collect/recorder.h"
#include "tools/hypertrace/host_option.h"
#include "tools/hypertrace/options.h"
#include "tools/hypertrace/record_named.h"
#include "tools/hypertrace/recording_options.h"

struct record_options {
	struct string_list guests, qmp, regions, pids, ram;
	unsigned channel; /* enum recorder_channel + 1; 0: not given */
	const char *host_text;
	struct host_option host; /* read from it */
	struct recording_options recording;
	double duration_s;
	const char *control;
	bool no_symbols, history, leave_on;
	struct record_named
		named; /* what `guests` means: record_check() fills it, record_options_deinit() frees it */
};

void record_options_deinit(struct record_options *options);

/* Everything that can be wrong before a file is touched; fills *recorder and options->named. *events is to be freed, whatever is returned. */
int record_check(struct record_options *options, struct recorder_options *recorder, char **events,
	char **functions, struct error *error);

/* Is a guest named? */
bool record_has_guests(const struct record_options *options);

/* Errors of recorder_add_guest(), recorder_add_stock_guest() and of finding the guests. */
int record_add_guests(struct recorder *recorder, const struct record_options *options,
	enum recorder_channel channel, struct error *error);
