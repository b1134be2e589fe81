/* SPDX-License-Identifier: MIT */
#include "bench/region_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "abi/region.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"

int region_file_wish(const char *path, uint64_t bytes, const struct region_wish *wish, struct error *error)
{
	struct ht_host host = {
		.magic = HT_HOST_MAGIC,
		.abi_version = HT_ABI_VERSION,
		.control =
			{
				.seq = 1,
				.flags = wish->exclude_pid ? HT_CONTROL_PIDS_EXCLUDE : 0,
				.events = wish->events,
				.nr_pids = wish->exclude_pid ? 1 : 0,
				.pids = {wish->exclude_pid},
				.seq_end = 1,
			},
	};
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);

	if (wish->functions)
		function_wishes_fill(wish->functions, &host.control);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 || lseek(fd, HT_HOST_OFFSET, SEEK_SET) < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	return file_write_all(fd, &host, sizeof(host), error) < 0 ? error_add(error, "%s", path) : 0;
}

int region_file_lost(const char *path, uint64_t *lost, struct error *error)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ht_region region;
	struct ht_ring ring;

	*lost = 0;
	if (fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (file_read_at(fd, &region, sizeof(region), 0) != sizeof(region) || region.magic != HT_MAGIC ||
		region.nr_rings > HT_MAX_RINGS)
		return error_set(error, -EINVAL, "%s: the guest's module left no rings", path);
	for (uint32_t i = 0; i < region.nr_rings; i++) {
		off_t at = (off_t)(region.rings_offset + i * sizeof(ring));

		if (file_read_at(fd, &ring, sizeof(ring), at) != sizeof(ring))
			return error_set(error, -EINVAL, "%s: ring %" PRIu32 " lies outside", path, i);
		for (unsigned cause = 0; cause < HT_LOST_CAUSES; cause++)
			*lost += ring.lost[cause];
	}
	return 0;
}
