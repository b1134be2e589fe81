/* SPDX-License-Identifier: MIT */
/*
 * What benchmarks measured, as it is shown: with --json one object a line, as soon as a figure is known; else
 * a table for each benchmark, with every figure's ratio to ours in the same circumstances.
 *
 *   {"bench": "guest", "case": {"kernel": "6.1", "tracer": "shm", "event": "sched_switch"}, "value": 52,
 *    "unit": "instructions/event", "lost": 0, "machine": {…}}
 *
 * What could not be measured has "value": null and "skipped": the reason.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "bench/machine.h"

#define FIGURE_KEYS_MAX    6
#define FIGURE_VALUE_BYTES 40

struct figure {
	struct {
		const char *name; /* lives as long as the program */
		char value[FIGURE_VALUE_BYTES];
	} keys[FIGURE_KEYS_MAX]; /* the case */
	size_t nr_keys;
	double value;
	const char *unit; /* as the names */
	uint64_t lost;
	char skipped[256]; /* why there is no value; "" if there is one */
};

struct figures {
	bool json;
	FILE *out;
	struct machine machine;
	const char *bench;     /* the one that is running */
	const char *rival_key; /* the key of a case that says whose figure it is … */
	const char *ours;      /* … and its value for ours */
	struct figure *items;
	size_t count;
	bool failed; /* out of memory */
};

void figures_init(struct figures *figures, bool json, FILE *out);
void figures_deinit(struct figures *figures);

/* Everything up to figures_end() belongs to `bench`. */
void figures_begin(struct figures *figures, const char *bench, const char *rival_key, const char *ours);

/* What follows `lost` is the case: names and values in turn, then NULL. */
void figures_add(struct figures *figures, double value, const char *unit, uint64_t lost, ...)
	__attribute__((sentinel));

/* A figure that could not be had; the case as above. */
void figures_skip(struct figures *figures, const char *reason, ...) __attribute__((sentinel));

void figures_end(struct figures *figures);
