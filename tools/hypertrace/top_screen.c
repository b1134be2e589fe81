/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/top_screen.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* xterm's alternate screen; the cursor is hidden */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME  "\033[H"
#define WIPE  "\033[K" /* the rest of the line */
#define BELOW "\033[J" /* the rest of the screen */

void top_screen_init(struct top_screen *screen)
{
	struct termios raw;

	*screen = (struct top_screen){.is_on = true};
	if (!tcgetattr(STDIN_FILENO, &screen->saved)) {
		raw = screen->saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C still is a signal */
		screen->has_saved = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	fputs(ENTER, stdout);
	fflush(stdout);
}

void top_screen_deinit(struct top_screen *screen)
{
	if (!screen->is_on)
		return;
	fputs(LEAVE, stdout);
	fflush(stdout);
	if (screen->has_saved)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->saved);
	screen->is_on = false;
}

/* The bytes of the line that are in the first `columns` columns; colours take none. */
static size_t cut(const char *line, size_t bytes, size_t columns)
{
	size_t at = 0, column = 0;

	while (at < bytes) {
		if (line[at] == '\033') {
			while (at < bytes && line[at] != 'm')
				at++;
		} else if (((unsigned char)line[at] & 0xc0) != 0x80 && column++ == columns) {
			break;
		}
		at++;
	}
	return at < bytes ? at : bytes;
}

void top_screen_show(const struct top_screen *screen, const char *text)
{
	struct winsize size = {0};
	size_t rows, columns;

	(void)screen;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	rows = size.ws_row;
	columns = size.ws_col;
	fputs(HOME, stdout);
	for (size_t row = 0; *text && row < rows; row++) {
		const size_t bytes = strcspn(text, "\n");

		if (row)
			putchar('\n');
		fwrite(text, 1, cut(text, bytes, columns), stdout);
		fputs("\033[0m" WIPE, stdout);
		text += bytes + (text[bytes] == '\n');
	}
	fputs(BELOW, stdout);
	fflush(stdout);
}
