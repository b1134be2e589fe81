/* SPDX-License-Identifier: MIT */
#include "host/vm/terminal.h"

#include <unistd.h>

bool terminal_is_ours(int fd)
{
	return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

void terminal_init(struct terminal *terminal, int fd)
{
	struct termios raw;

	terminal->fd = -1;
	if (tcgetattr(fd, &terminal->saved) < 0)
		return;
	raw = terminal->saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST;
	raw.c_lflag |= ISIG;
	raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* Ctrl-Z is for the guest's shell */
	if (tcsetattr(fd, TCSANOW, &raw) == 0)
		terminal->fd = fd;
}

void terminal_deinit(struct terminal *terminal)
{
	if (terminal->fd >= 0)
		tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
	terminal->fd = -1;
}
