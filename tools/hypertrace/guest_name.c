/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/guest_name.h"

#include <errno.h>

int named_guest_find(struct named_guest *guest, const char *word, struct error *error)
{
	int code;

	*guest = NAMED_GUEST_NONE;
	code = vmm_list_read(&guest->list, "/proc", error);
	if (!code)
		code = vmm_list_find(&guest->list, word, &guest->vmm, 1, error);
	if (code < 0)
		return code;
	guest_survey_do(&guest->survey, guest->vmm, "/proc");
	return 0;
}

void named_guest_deinit(struct named_guest *guest)
{
	vmm_list_deinit(&guest->list);
	*guest = NAMED_GUEST_NONE;
}

int named_guest_check(const char *word, const char *qmp, struct error *error)
{
	if (!word != !qmp)
		return 0;
	error_set(error, -EINVAL,
		word ? "one guest at a time: -g and --qmp exclude each other"
		     : "which guest? None of -g and --qmp is given");
	return error_hint(error,
		"-g takes a name that hypertrace list shows; --qmp the socket that QEMU made with "
		"-qmp unix:SOCKET,server=on,wait=off");
}

int named_guest_socket(struct named_guest *guest, const char *word, const char *qmp, const char **socket,
	struct error *error)
{
	int code;

	*guest = NAMED_GUEST_NONE;
	*socket = qmp;
	if (qmp)
		return 0;
	code = named_guest_find(guest, word, error);
	if (code)
		return code;
	*socket = guest->survey.socket;
	if (*socket)
		return 0;
	error_set(error, -ENOENT, "process %d: the guest has no QMP socket that %s", (int)guest->vmm->pid,
		guest->survey.socket_is_busy ? "is free: another client holds it" : "we could use");
	return error_hint(error, "start its QEMU with -qmp unix:SOCKET,server=on,wait=off");
}
