/* SPDX-License-Identifier: MIT */
/* The layout by QEMU's own word, checked against what its process has mapped. */
#include "host/memory/guest_memory.h"
#include "host/memory/memory_layout.h"
#include "host/memory/memory_maps.h"
#include "host/memory/memory_mtree.h"
#include "host/memory/memory_process.h"
#include "host/vmm/qmp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct qmp_view {
	pid_t pid;
	size_t nr_ranges; /* 0: it does not say */
	struct guest_memory_range ranges[MEMORY_MTREE_RANGES_MAX];
};

/* Runs a command of the human monitor; *answer holds its text and is to be released. */
static int ask(struct qmp *qmp, const char *command, json_t **answer, struct error *error)
{
	int err = qmp_command(
		qmp, "human-monitor-command", json_pack("{s:s}", "command-line", command), answer, error);

	if (!err && !json_is_string(*answer)) {
		json_decref(*answer);
		err = error_set(error, -EPROTO, "QMP socket %s: no text comes of \"%s\"", qmp->path, command);
	}
	return err;
}

static int ask_address(struct qmp *qmp, struct guest_memory_range *range, struct error *error)
{
	char command[64];
	json_t *answer;
	int err;

	snprintf(command, sizeof(command), "gpa2hva 0x%" PRIx64, range->physical);
	err = ask(qmp, command, &answer, error);
	if (err)
		return err;
	if (memory_mtree_parse_address(json_string_value(answer), &range->offset))
		err = error_set(error, -EREMOTEIO, "QMP socket %s: not known where 0x%" PRIx64 " is",
			qmp->path, range->physical);
	json_decref(answer);
	return err;
}

/* -EREMOTEIO: it does not tell, or we do not understand. */
static int ask_layout(struct qmp *qmp, struct qmp_view *view, struct error *error)
{
	struct memory_mtree_range ranges[MEMORY_MTREE_RANGES_MAX];
	json_t *answer;
	int count, err = ask(qmp, "info mtree -f", &answer, error);

	if (err)
		return err;
	count = memory_mtree_parse(json_string_value(answer), ranges);
	json_decref(answer);
	if (count <= 0)
		return error_set(
			error, -EREMOTEIO, "QMP socket %s: no RAM in what it says of the memory", qmp->path);
	for (int i = 0; i < count && !err; i++) {
		view->ranges[i] = (struct guest_memory_range){ranges[i].physical, ranges[i].bytes, 0};
		err = ask_address(qmp, &view->ranges[i], error);
	}
	view->nr_ranges = err ? 0 : (size_t)count;
	return err;
}

/* Connected no longer than it takes: QEMU serves one client at a time. */
static int ask_all(const char *socket, struct qmp_view *view, struct error *error)
{
	struct ucred peer = {0};
	socklen_t bytes = sizeof(peer);
	struct qmp qmp;
	int err = qmp_init(&qmp, socket, error);

	if (err)
		return err;
	if (getsockopt(qmp.fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) || peer.pid <= 0) {
		err = error_set(error, -ESRCH, "QMP socket %s: its process cannot be seen from here", socket);
		error_hint(error, "run it in the process namespace of the VMM, or above");
	}
	view->pid = peer.pid;
	if (!err)
		err = ask_layout(&qmp, view, error);
	qmp_deinit(&qmp);
	return err;
}

static int check(
	const char *socket, const struct qmp_view *view, const struct memory_maps *maps, struct error *error)
{
	for (size_t i = 0; i < view->nr_ranges; i++) {
		const struct guest_memory_range *range = &view->ranges[i];

		if (memory_maps_cover(maps, range->offset, range->bytes))
			continue;
		error_set(error, -EPROTO,
			"QMP socket %s: RAM at 0x%" PRIx64 " should be at 0x%" PRIx64
			" of process %d, which has no such memory",
			socket, range->physical, range->offset, view->pid);
		error_hint(error, "another process has made the socket? Name the VMM's process itself");
		return -EPROTO;
	}
	return 0;
}

int guest_memory_open_qmp(struct guest_memory *memory, const char *socket, struct error *error)
{
	cleanup_memory_maps struct memory_maps maps = MEMORY_MAPS_EMPTY;
	struct qmp_view view = {0};
	struct error refusal = {0};
	int err = ask_all(socket, &view, &refusal);

	*memory = GUEST_MEMORY_NONE;
	if (err && err != -EREMOTEIO) {
		if (error)
			*error = refusal;
		return err;
	}
	err = memory_process_open(memory, view.pid, &maps, error);
	if (!err)
		err = check(socket, &view, &maps, error);
	if (!err && view.nr_ranges)
		err = memory_layout_add(memory, view.ranges, view.nr_ranges, "from QMP");
	else if (!err)
		err = memory_process_guess(memory, &maps, error);
	if (!err)
		err = memory_process_finish(memory, &maps);
	if (err == -ENOMEM)
		error_set(error, err, "%s: %s", memory->name, strerror(-err));
	if (err)
		guest_memory_deinit(memory);
	return err;
}
