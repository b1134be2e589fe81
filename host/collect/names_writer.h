/* SPDX-License-Identifier: MIT */
/*
 * Writes what a guest's names ring says beside the trace's streams, in the form that lib/model/names.h reads:
 * names/{tasks,irqs,symbols} and names/formats/ID. The text is the guest's: it is escaped, and its amount is
 * bounded.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "host/collect/ring_reader.h"
#include "lib/base/error.h"
#include "lib/model/event_schema.h"

#define NAMES_BYTES_MAX   (64u << 20) /* of each file */
#define NAMES_FORMATS_MAX 4096

struct names_writer {
	const struct event_schema *schema; /* of the names ring */
	int formats_fd;
	FILE *tasks, *irqs, *symbols;
	uint64_t tasks_bytes, irqs_bytes, symbols_bytes;
	uint32_t formats;
	uint64_t dropped; /* names that were too many, or did not fit on the disk */
};

/* `machine_fd` is TRACE/<machine>, which has names/ and names/formats/. -errno: what could not be created. */
int names_writer_init(
	struct names_writer *writer, int machine_fd, const struct event_schema *schema, struct error *error);

/* Writes what is buffered and closes the files. */
void names_writer_deinit(struct names_writer *writer);

/* A ring_packet_fn; `context` is the writer. */
int names_writer_packet(void *context, const struct ring_packet *packet);

/* One name each, from elsewhere than the names ring; `text` is raw. */
void names_writer_task(struct names_writer *writer, uint32_t pid, uint32_t tgid, const char comm[16]);
void names_writer_irq(struct names_writer *writer, uint32_t irq, const char *text, size_t bytes);
void names_writer_symbol(struct names_writer *writer, uint64_t address, const char *text, size_t bytes);

/* So that a killed recorder leaves the names it has seen. */
void names_writer_flush(struct names_writer *writer);
