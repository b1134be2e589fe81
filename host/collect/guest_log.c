/* SPDX-License-Identifier: MIT */
#include "host/collect/guest_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "host/kernel/task_list.h"
#include "lib/base/text.h"

#define TEXT_MAX 2048 /* of a message: LOG_LINE_MAX of the kernel is 1024 */

int guest_log_init(
	struct guest_log *log, const struct guest_kernel *kernel, int machine_fd, struct error *error)
{
	int fd;

	*log = (struct guest_log){0};
	if (printk_ring_init(&log->ring, kernel, error))
		return -EAGAIN;
	fd = openat(machine_fd, GUEST_LOG_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	log->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (log->file)
		return 0;
	error_set(error, -errno, "create %s: %s", GUEST_LOG_FILE, strerror(errno));
	if (fd >= 0)
		close(fd);
	printk_ring_deinit(&log->ring);
	return error ? error->code : -EIO;
}

void guest_log_poll(struct guest_log *log, bool final)
{
	struct printk_record record;

	log->ring.patient = !final;
	while (printk_ring_next(&log->ring, &record) == 1 && log->bytes < GUEST_LOG_BYTES_MAX) {
		char text[4 * TEXT_MAX];
		size_t length = text_escape(text, record.text, record.length < TEXT_MAX ? record.length : TEXT_MAX);
		int written = fprintf(log->file, "<%u>[%5" PRIu64 ".%06" PRIu64 "] %.*s\n", record.level,
			record.ts_ns / 1000000000, record.ts_ns / 1000 % 1000000, (int)length, text);

		log->bytes += written > 0 ? (uint64_t)written : 0;
	}
	fflush(log->file);
}

void guest_log_deinit(struct guest_log *log)
{
	fclose(log->file);
	printk_ring_deinit(&log->ring);
}

void guest_log_tasks(const struct guest_kernel *kernel, struct names_writer *names)
{
	struct task_list list;

	if (task_list_read(&list, kernel, NULL))
		return;
	for (size_t i = 0; i < list.count; i++)
		if (!list.items[i].is_idle)
			names_writer_task(names, (uint32_t)list.items[i].pid, (uint32_t)list.items[i].tgid,
				list.items[i].comm);
	task_list_deinit(&list);
}
