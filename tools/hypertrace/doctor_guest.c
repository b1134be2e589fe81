/* SPDX-License-Identifier: MIT */
/* The guest's probes: what its region says. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/collect/ivshmem.h"
#include "host/collect/region.h"
#include "lib/base/text.h"
#include "tools/hypertrace/doctor.h"

static void add_error(struct findings *findings, const char *id, const struct error *error)
{
	struct finding *finding = findings_add(findings, id, FINDING_FAIL, "%s", error->text);

	snprintf(finding->remedy, sizeof(finding->remedy), "%s", error->hint);
}

static void probe_state(struct findings *findings, const struct region *region)
{
	static const char *const names[] = {
		[HT_STATE_NONE] = "not running",
		[HT_STATE_RUNNING] = "running",
		[HT_STATE_STOPPED] = "unloaded",
		[HT_STATE_REBOOT] = "going down",
		[HT_STATE_PANIC] = "panicked",
	};
	char message[513], shown[4 * sizeof(message)];
	enum ht_state state = region_state(region, message);

	shown[text_escape(shown, message, strlen(message))] = '\0';
	findings_add(findings, "guest.state", state == HT_STATE_RUNNING ? FINDING_OK : FINDING_WARN,
		"the module is %s%s%s", names[state], message[0] ? ": " : "", shown);
}

static void probe_module(
	struct findings *findings, const struct region *region, const struct region_layout *layout)
{
	struct region_guest guest;
	char release[4 * sizeof(guest.release)];

	region_describe(region, &guest);
	release[text_escape(release, guest.release, strlen(guest.release))] = '\0';
	findings_add(findings, "guest.module", FINDING_OK,
		"hypertrace.ko runs on Linux %s: %u vCPU rings of %u packets of %u KiB, mode %s", release,
		layout->nr_rings - 1, layout->nr_packets, layout->packet_bytes >> 10,
		layout->mode == HT_MODE_DISCARD ? "discard" : "overwrite");
}

static void probe_lost(
	struct findings *findings, const struct region *region, const struct region_layout *layout)
{
	const struct ht_ring *rings = (const void *)(region->base + layout->rings_offset);
	uint64_t lost = 0;

	for (uint32_t i = 0; i + 1 < layout->nr_rings; i++)
		for (int cause = 0; cause < HT_LOST_CAUSES; cause++)
			lost += __atomic_load_n(&rings[i].lost[cause], __ATOMIC_RELAXED);
	findings_add(findings, "guest.lost", lost ? FINDING_WARN : FINDING_OK,
		"the guest has dropped %" PRIu64 " events itself", lost);
}

static void probe_region(struct findings *findings, const char *path)
{
	struct region_layout layout;
	struct region region;
	struct error error = {0};
	int err = region_init_to_look(&region, path, &error);

	if (!err) {
		err = region_check(&region, &layout, &error);
		if (err == -EAGAIN) {
			error_set(&error, err, "region %s: no guest has written to it yet", path);
			error_hint(&error, "load hypertrace.ko in the guest (hypertrace module builds it)");
		}
	}
	if (err) {
		add_error(findings, "guest.module", &error);
	} else {
		probe_module(findings, &region, &layout);
		probe_state(findings, &region);
		probe_lost(findings, &region, &layout);
	}
	region_deinit(&region);
}

void doctor_probe_guest(struct findings *findings, const char *qmp_socket, const char *region_path)
{
	char path[4096];
	struct error error;
	struct qmp qmp;
	int err;

	if (region_path) {
		probe_region(findings, region_path);
		return;
	}
	if (qmp_init(&qmp, qmp_socket, &error)) {
		add_error(findings, "guest.qmp", &error);
		return;
	}
	findings_add(findings, "guest.qmp", FINDING_OK, "QMP answers on %s", qmp_socket);
	err = ivshmem_find(&qmp, path, sizeof(path), &error);
	qmp_deinit(&qmp);
	if (err) {
		add_error(findings, "guest.region", &error);
		return;
	}
	findings_add(findings, "guest.region", FINDING_OK, "the guest's region is %s", path);
	probe_region(findings, path);
}
