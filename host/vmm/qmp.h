/* SPDX-License-Identifier: MIT */
/* A client of QEMU's machine protocol (QMP): one command at a time, events skipped, answers bounded in size and time. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include "lib/base/error.h"

#define QMP_LINE_BYTES_MAX (4u << 20)

struct qmp {
	int fd;
	char *line; /* what was received behind the last newline */
	size_t used, capacity;
	int timeout_ms; /* of a command */
	char path[108];
};

/*
 * Connects to a UNIX socket (-qmp unix:PATH,server,nowait) and shakes hands. -ENOENT, -ECONNREFUSED, -EACCES: cannot
 * connect; -EPROTO: it does not speak QMP; -ETIMEDOUT: another client holds the socket (QEMU serves one at a time).
 */
int qmp_init(struct qmp *qmp, const char *path, struct error *error);

/* The same; neither the handshake nor any command takes longer than that. */
int qmp_init_within(struct qmp *qmp, const char *path, int timeout_ms, struct error *error);
void qmp_deinit(struct qmp *qmp);

/*
 * Runs a command. `arguments` may be NULL and is taken over. On success *answer is a new reference ("return"), unless
 * `answer` is NULL. -EREMOTEIO: QEMU refused, the error has its words; -ETIMEDOUT, -EPIPE: QEMU went away.
 */
int qmp_command(
	struct qmp *qmp, const char *command, json_t *arguments, json_t **answer, struct error *error);

/* Waits for an event whose data.device is `device`, at most timeout_ms. -ETIMEDOUT, -EPIPE, -EPROTO. */
int qmp_wait_event(
	struct qmp *qmp, const char *event, const char *device, int timeout_ms, struct error *error);
