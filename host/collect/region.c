/* SPDX-License-Identifier: MIT */
#include "host/collect/region.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/collect/ring_access.h"
#include "lib/base/cleanup.h"

static int open_file(struct region *region, bool alone, struct error *error)
{
	struct stat status;

	region->fd = open(region->path, (alone ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (region->fd < 0) {
		int code = error_set(error, -errno, "%s", strerror(errno));

		if (code == -EACCES)
			error_hint(error, "run as the user that QEMU runs as, or as root");
		error_hint(error,
			"name the file behind the guest's memory-backend-file (mem-path), or use --qmp");
		return code;
	}
	if (fstat(region->fd, &status))
		return error_set(error, -errno, "%s", strerror(errno));
	if (!S_ISREG(status.st_mode) || status.st_size < HT_MIN_REGION_BYTES) {
		error_set(error, -ENODATA, "no file of at least %d KiB", HT_MIN_REGION_BYTES >> 10);
		return error_hint(error, "is it the right file? hypertrace attach makes one of 32 MiB"),
		       -ENODATA;
	}
	region->bytes = (size_t)status.st_size;
	if (alone && flock(region->fd, LOCK_EX | LOCK_NB)) {
		error_set(error, -EBUSY, "another recorder is attached to it");
		return error_hint(error, "end that one first: fuser -v %s", region->path), -EBUSY;
	}
	return 0;
}

static int map_guest(struct region *region, struct error *error)
{
	void *base = mmap(NULL, region->bytes, PROT_READ, MAP_SHARED, region->fd, (off_t)region->offset);

	if (base == MAP_FAILED)
		return error_set(error, -errno, "region %s: map: %s", region->path, strerror(errno));
	region->base = base;
	region->guest = base;
	return 0;
}

static int map_host(struct region *region, struct error *error)
{
	void *host = mmap(NULL, HT_HOST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd,
		(off_t)(region->offset + HT_HOST_OFFSET));

	if (host == MAP_FAILED)
		return error_set(error, -errno, "region %s: map: %s", region->path, strerror(errno));
	region->host = host;
	return 0;
}

static int map(struct region *region, const char *path, bool alone, struct error *error)
{
	int code;

	*region = (struct region){.fd = -1, .path = strdup(path), .layer = 1};
	if (!region->path)
		return error_set(error, -ENOMEM, "out of memory");
	code = open_file(region, alone, error);
	if (code) {
		error_add(error, "region %s", path);
		return code;
	}
	return map_guest(region, error);
}

int region_init(struct region *region, const char *path, struct error *error)
{
	int code = map(region, path, true, error);

	return code ? code : map_host(region, error);
}

int region_init_to_look(struct region *region, const char *path, struct error *error)
{
	return map(region, path, false, error);
}

int region_init_part(struct region *region, const struct region *whole, const struct region_layout *layout,
	uint32_t index, struct error *error)
{
	int code;

	*region = (struct region){.fd = -1,
		.path = strdup(whole->path),
		.layer = whole->layer + 1,
		.offset = whole->offset + layout->nested_offset + index * layout->nested_bytes,
		.bytes = (size_t)layout->nested_bytes};
	if (!region->path)
		return error_set(error, -ENOMEM, "out of memory");
	/* the lock belongs to the open file, which both have then */
	region->fd = fcntl(whole->fd, F_DUPFD_CLOEXEC, 0);
	if (region->fd < 0)
		return error_set(error, -errno, "region %s: %s", region->path, strerror(errno));
	code = map_guest(region, error);
	return code ? code : map_host(region, error);
}

int region_ask_nested(const char *path, uint64_t bytes, uint32_t parts, struct error *error)
{
	struct ht_host host = {.magic = HT_HOST_MAGIC,
		.abi_version = HT_ABI_VERSION,
		.nested_mib = (uint32_t)(bytes >> 20),
		.nested_parts = parts};
	const ssize_t length = offsetof(struct ht_host, control);
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (!parts || parts > HT_MAX_NESTED_PARTS) {
		error_set(error, -EINVAL, "%u nested guests: one region serves 1 to %d", parts,
			HT_MAX_NESTED_PARTS);
		return error_hint(error, "give --nested-guests 1, or leave it out");
	}
	if (!bytes || bytes % HT_NESTED_ALIGN || status.st_size < HT_MIN_REGION_BYTES ||
		bytes > ((uint64_t)status.st_size - HT_MIN_REGION_BYTES) / parts) {
		error_set(error, -EINVAL,
			"nested guests: %u times %llu KiB are no multiples of 2 MiB, or leave nothing of a region "
			"of %lld KiB",
			parts, (unsigned long long)bytes >> 10, (long long)status.st_size >> 10);
		return error_hint(error, "give a larger --region-size, or a --nested-size such as 8M");
	}
	if (pwrite(fd, &host, (size_t)length, HT_HOST_OFFSET) != length)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

void region_deinit(struct region *region)
{
	if (region->host)
		munmap(region->host, HT_HOST_BYTES);
	if (region->base)
		munmap((void *)region->base, region->bytes);
	if (region->fd >= 0)
		close(region->fd);
	free(region->path);
	*region = (struct region){.fd = -1};
}

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* Everything is below 2^30 or checked against the file's size before it is multiplied or added. */
static const char *layout_fault(const struct region_layout *layout, uint64_t bytes)
{
	const uint64_t rings_bytes = (uint64_t)layout->nr_rings * sizeof(struct ht_ring);
	uint64_t ring_bytes;

	if (layout->nr_rings < 2 || layout->nr_rings > HT_MAX_RINGS)
		return "number of rings";
	if (!is_power_of_two(layout->nr_packets) || layout->nr_packets < HT_MIN_PACKETS ||
		layout->nr_packets > HT_MAX_PACKETS)
		return "number of packets";
	if (!is_power_of_two(layout->packet_bytes) || layout->packet_bytes < HT_MIN_PACKET_BYTES ||
		layout->packet_bytes > HT_MAX_PACKET_BYTES)
		return "size of packets";
	if ((unsigned)layout->mode > HT_MODE_DISCARD)
		return "mode";
	if (layout->rings_offset % 8 || layout->rings_offset < HT_HOST_OFFSET + HT_HOST_BYTES ||
		layout->rings_offset > bytes || rings_bytes > bytes - layout->rings_offset)
		return "place of the rings";
	ring_bytes = (uint64_t)layout->nr_packets * layout->packet_bytes;
	if (layout->data_offset % 8 || layout->data_offset < layout->rings_offset + rings_bytes ||
		layout->data_offset > bytes || ring_bytes > (bytes - layout->data_offset) / layout->nr_rings)
		return "place of the packets";
	return NULL;
}

/*
 * What the guest passes on. Of a word that cannot be true nothing follows but that there is nothing: its own rings are as
 * good as before.
 */
static void read_nested(
	const struct ht_region *guest, uint32_t header_bytes, struct region_layout *layout, uint64_t bytes)
{
	uint64_t own = ring_load64(&guest->region_bytes), part;
	uint32_t parts = 0;

	if (header_bytes >= offsetof(struct ht_region, nested_parts) + sizeof(guest->nested_parts))
		parts = ring_load32(&guest->nested_parts);
	if (!parts || parts > HT_MAX_NESTED_PARTS || own > bytes || own < HT_HOST_OFFSET + HT_HOST_BYTES)
		return;
	part = (bytes - own) / parts;
	if (!part || own % HT_NESTED_ALIGN || part % HT_NESTED_ALIGN || part * parts != bytes - own)
		return;
	layout->nested_parts = parts;
	layout->nested_offset = own;
	layout->nested_bytes = part;
}

static int bad_magic(uint64_t magic, struct error *error)
{
	if (magic == 0)
		return -EAGAIN;
	error_set(error, -EBADMSG, "no hypertrace header in it (magic %016llx)", (unsigned long long)magic);
	return error_hint(error,
		       "is it the right file? A fresh region is all zeros until hypertrace.ko is "
		       "loaded in the guest"),
	       -EBADMSG;
}

int region_check(const struct region *region, struct region_layout *layout, struct error *error)
{
	const struct ht_region *guest = region->guest;
	uint64_t magic = ring_load64(&guest->magic); /* pairs with the module's store of magic, its last */
	uint32_t version, header_bytes;
	const char *fault;
	int code = 0;

	if (magic != HT_MAGIC) {
		code = bad_magic(magic, error);
	} else if ((version = ring_load32(&guest->abi_version)) != HT_ABI_VERSION) {
		code = error_set(error, -EPROTO,
			"the guest's module speaks version %u, this program version %u", version,
			HT_ABI_VERSION);
		error_hint(error, "load the hypertrace.ko of this version: hypertrace module");
	} else if ((header_bytes = ring_load32(&guest->header_bytes)) <
			offsetof(struct ht_region, nested_parts) ||
		header_bytes > HT_PAGE_BYTES) {
		code = error_set(error, -EBADMSG, "header: %u bytes, not %zu", header_bytes, sizeof(*guest));
		error_hint(error, "the region is damaged: reload hypertrace.ko");
	} else {
		*layout = (struct region_layout){
			.generation = ring_load64(&guest->generation),
			.rings_offset = ring_load64(&guest->rings_offset),
			.data_offset = ring_load64(&guest->data_offset),
			.nr_rings = ring_load32(&guest->nr_rings),
			.nr_packets = ring_load32(&guest->nr_packets),
			.packet_bytes = ring_load32(&guest->packet_bytes),
			.mode = (enum ht_mode)ring_load32(&guest->mode),
		};
		read_nested(guest, header_bytes, layout, region->bytes);
		/* the rings were started anew while we read */
		if (!region_is_current(region, layout))
			return -EAGAIN;
		fault = layout_fault(layout, region->bytes);
		if (fault) {
			code = error_set(error, -EBADMSG, "header: the %s cannot be true", fault);
			error_hint(error,
				"the region is damaged, or smaller than what the guest was given: "
				"reload hypertrace.ko");
		}
	}
	if (code && code != -EAGAIN)
		error_add(error, "region %s", region->path);
	return code;
}

bool region_is_current(const struct region *region, const struct region_layout *layout)
{
	return ring_load64(&region->guest->magic) == HT_MAGIC &&
		ring_load64(&region->guest->generation) == layout->generation;
}

static void copy_text(char *to, const char *from, size_t bytes)
{
	ring_copy(to, from, bytes);
	to[bytes] = '\0';
}

void region_describe(const struct region *region, struct region_guest *guest)
{
	const struct ht_region *header = region->guest;

	*guest = (struct region_guest){
		.tsc_khz = ring_load32(&header->tsc_khz),
		.text_address = ring_load64(&header->text_address),
		.kaslr_offset = ring_load64(&header->kaslr_offset),
	};
	ring_copy(&guest->clock_first, &header->clock_first, sizeof(guest->clock_first));
	copy_text(guest->release, header->release, sizeof(header->release));
	copy_text(guest->version, header->version, sizeof(header->version));
	copy_text(guest->hostname, header->hostname, sizeof(header->hostname));
}

enum ht_state region_state(const struct region *region, char message[513])
{
	/* pairs with the module's release store of state, after message */
	uint32_t state = ring_load32(&region->guest->state);

	if (message)
		copy_text(message, region->guest->message, sizeof(region->guest->message));
	return state <= HT_STATE_PANIC ? (enum ht_state)state : HT_STATE_RUNNING;
}

bool region_is_detached(const struct region *region)
{
	struct stat status;

	return fstat(region->fd, &status) || status.st_nlink == 0 ||
		(uint64_t)status.st_size < region->offset + region->bytes;
}
