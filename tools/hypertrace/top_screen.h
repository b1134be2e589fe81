/* SPDX-License-Identifier: MIT */
/* A terminal that shows one page at a time, and is as it was afterwards, whatever ends the program. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct top_screen {
	bool is_on;
	bool has_saved; /* standard input is a terminal, its settings were changed */
	struct termios saved;
};

/* Takes the alternate screen, without a cursor; keys come at once and are not shown. */
void top_screen_init(struct top_screen *screen);
void top_screen_deinit(struct top_screen *screen);

/* Shows the page: lines that end with newlines. What is too long or too wide for the terminal is cut. */
void top_screen_show(const struct top_screen *screen, const char *text);
