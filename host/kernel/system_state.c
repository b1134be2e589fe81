/* SPDX-License-Identifier: MIT */
#include "host/kernel/system_state.h"

#include <stddef.h>

const char *system_state_end(const struct guest_kernel *kernel)
{
	static const struct {
		const char *name, *end;
	} states[] = {{"SYSTEM_HALT", "halt"}, {"SYSTEM_POWER_OFF", "power off"}, {"SYSTEM_RESTART", "restart"}};
	uint64_t address = guest_kernel_symbol(kernel, "system_state");
	uint32_t state;
	int64_t value;

	if (!address || guest_kernel_read_u32(kernel, address, &state))
		return NULL;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (kernel_types_enumerator(&kernel->types, "system_states", states[i].name, &value) == 0 &&
			(int64_t)state == value)
			return states[i].end;
	return NULL;
}
