/* SPDX-License-Identifier: MIT */
/* Facts: kernel/panic.c, include/linux/panic.h, arch/x86/kernel/dumpstack.c of Linux 6.1 and 6.12. */
#include "host/kernel/panic_state.h"

#include <errno.h>
#include <string.h>

#define PANIC_CPU_INVALID UINT32_MAX /* -1; 5.10 to 6.12 */
#define TAINT_DIE         7
#define TAINT_WARN        9

int panic_state_poll(const struct guest_kernel *kernel, int *cpu)
{
	uint64_t address = guest_kernel_symbol(kernel, "panic_cpu");
	uint32_t value;
	int code = address ? guest_kernel_read_u32(kernel, address, &value) : -ENOENT;

	if (code)
		return code;
	if (value == PANIC_CPU_INVALID)
		return 0;
	*cpu = value < KERNEL_CPUS_MAX ? (int)value : -1;
	return 1;
}

/* A counter that only some kernels have. */
static uint64_t optional_counter(const struct guest_kernel *kernel, const char *symbol)
{
	uint64_t address = guest_kernel_symbol(kernel, symbol);
	uint32_t value;

	return address && !guest_kernel_read_u32(kernel, address, &value) ? value : 0;
}

static int read_variables(struct panic_state *state, const struct guest_kernel *kernel, struct error *error)
{
	uint64_t address;
	int code = panic_state_poll(kernel, &state->cpu);

	if (code == -ENOENT)
		return error_set(error, code, "the guest's kernel has no symbol panic_cpu");
	if (code >= 0) {
		state->panicked = code;
		code = guest_kernel_need_symbol(kernel, "tainted_mask", &address, error);
		if (code)
			return code;
		code = guest_kernel_read_u64(kernel, address, &state->taints);
	}
	if (code)
		return error_set(
			error, code, "cannot read the state of the guest's kernel: %s", strerror(-code));
	state->dies = optional_counter(kernel, "die_counter");
	state->oopsed = state->dies || state->taints >> TAINT_DIE & 1;
	state->warned = state->taints >> TAINT_WARN & 1;
	return 0;
}

/* The last of a kind before `end`. */
static const struct kernel_complaint *last_of(
	const struct kernel_complaints *complaints, size_t *end, enum complaint_kind kind)
{
	for (size_t i = *end; i-- > 0;) {
		if (complaints->items[i]->kind != kind)
			continue;
		*end = i;
		return complaints->items[i];
	}
	return NULL;
}

static void find_words(struct panic_state *state)
{
	size_t end = state->complaints.count;
	const struct kernel_complaint *said;

	if (state->panicked)
		state->panic = last_of(&state->complaints, &end, COMPLAINT_PANIC);
	state->oops = last_of(&state->complaints, &end, COMPLAINT_OOPS);
	said = state->panic ? state->panic : state->oops;
	if (!said)
		return;
	state->ts_ns = said->ts_ns;
	memcpy(state->message, said->text, sizeof(state->message));
}

int panic_state_read(struct panic_state *state, const struct guest_kernel *kernel, struct error *error)
{
	struct error ignored;
	int code;

	*state = (struct panic_state){.cpu = -1};
	code = read_variables(state, kernel, error);
	if (code)
		return code;
	code = kernel_complaints_read(&state->complaints, kernel, &ignored);
	if (code == -ENOMEM || code == -ESRCH || code == -EIO) {
		panic_state_deinit(state);
		return error_set(error, code, "%s", ignored.text);
	}
	find_words(state);
	return 0;
}

void panic_state_deinit(struct panic_state *state)
{
	kernel_complaints_deinit(&state->complaints);
	*state = (struct panic_state){.cpu = -1};
}

const struct taint_name *taint_name(unsigned bit)
{
	static const struct taint_name names[] = {
		{'P', "a proprietary module"},
		{'F', "a module loaded by force"},
		{'S', "a CPU outside its specification"},
		{'R', "a module unloaded by force"},
		{'M', "a machine check"},
		{'B', "a bad page"},
		{'U', "asked for by a user"},
		{'D', "an oops or bug"},
		{'A', "an ACPI table overridden"},
		{'W', "a warning"},
		{'C', "a staging driver"},
		{'I', "a firmware bug worked round"},
		{'O', "a module from outside the tree"},
		{'E', "an unsigned module"},
		{'L', "a soft lockup"},
		{'K', "a live patch"},
		{'X', "auxiliary, of the distribution"},
		{'T', "structs laid out at random"},
		{'N', "a test was run"},
		{'J', "a call to firmware that bypassed the kernel"},
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == TAINT_BITS, "one name for each bit");
	return bit < TAINT_BITS ? &names[bit] : NULL;
}
