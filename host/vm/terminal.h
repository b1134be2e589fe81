/* SPDX-License-Identifier: MIT */
/* The user's terminal while a guest's console is on it. */
#pragma once
#include <stdbool.h>
#include <termios.h>

struct terminal {
	int fd; /* -1: not changed */
	struct termios saved;
};

/* Whether fd is a terminal and we are in its foreground: else changing it would stop us. */
bool terminal_is_ours(int fd);

/* Keys go to the guest as they are typed, except those that send signals: Ctrl-C still ends the run. */
void terminal_init(struct terminal *terminal, int fd);
void terminal_deinit(struct terminal *terminal);
