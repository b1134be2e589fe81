/* SPDX-License-Identifier: MIT */
/*
 * change_functions REGION PROBE PATTERN...: changes what functions a guest's module is to record, by its number in enum
 * ht_function_probe, beside the recorder that is attached; done when it is in force.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/region.h"

int main(int argc, char **argv)
{
	const int fd = argc > 2 ? open(argv[1], O_RDWR) : -1;
	uint8_t *base = mmap(NULL, HT_HOST_OFFSET + HT_HOST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct ht_region *region = (struct ht_region *)base;
	struct ht_control *control;
	uint32_t seq;

	if (fd < 0 || base == MAP_FAILED) {
		perror("change_functions");
		return 1;
	}
	control = &((struct ht_host *)(base + HT_HOST_OFFSET))->control;
	seq = control->seq + 1;
	__atomic_store_n(&control->seq_end, seq, __ATOMIC_RELAXED);
	/* pairs with the read barrier in the module's copy_control() */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memset(control->functions, 0, sizeof(control->functions));
	for (int i = 3; i < argc; i++)
		snprintf(control->functions + strlen(control->functions),
			sizeof(control->functions) - strlen(control->functions), "%s\n", argv[i]);
	control->function_probe = (uint32_t)atoi(argv[2]);
	/* pairs with the acquire load in the module's copy_control() */
	__atomic_store_n(&control->seq, seq, __ATOMIC_RELEASE);
	for (int i = 0; i < 600; i++, usleep(100000)) {
		/* pairs with the module's release store, its last of the answer */
		if (__atomic_load_n(&region->control_done, __ATOMIC_ACQUIRE) != seq)
			continue;
		if (region->control_error)
			fprintf(stderr, "change_functions: %.256s\n", region->control_message);
		return region->control_error != 0;
	}
	fprintf(stderr, "change_functions: no answer\n");
	return 1;
}
