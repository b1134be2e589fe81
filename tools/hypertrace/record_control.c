/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/record_control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"
#include "tools/hypertrace/recording_options.h"

#define WORDS_MAX 256

struct line_options {
	struct recording_options recording;
};

static const struct option_spec line_specs[] = {
	WISHES_OPTION_SPECS(struct line_options),
	{0},
};

static const struct command line_command = {
	.name = "record", .options = line_specs, .no_operands = true, .no_help = true};

int record_control_open(struct record_control *control, const char *path,
	const struct recorder_options *options, struct error *error)
{
	struct stat status;

	*control = (struct record_control){.path = path, .fd = -1, .options = options};
	if (!mkfifo(path, 0600))
		control->made = true;
	else if (errno != EEXIST)
		return error_set(error, -errno, "--control %s: %s", path, strerror(errno));
	/* of a device even opening it may do something */
	if (stat(path, &status) < 0)
		return error_set(error, -errno, "--control %s: %s", path, strerror(errno));
	if (!S_ISFIFO(status.st_mode)) {
		error_set(error, -EINVAL, "--control %s: no FIFO", path);
		return error_hint(error, "name one that is not there: it is made");
	}
	/* for both, so that it does not end with each of its writers */
	control->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return control->fd < 0 ? error_set(error, -errno, "--control %s: %s", path, strerror(errno)) : 0;
}

void record_control_close(struct record_control *control)
{
	if (!control->path)
		return;
	if (control->fd >= 0)
		close(control->fd);
	if (control->made)
		unlink(control->path);
	control->path = NULL;
}

/* One word, without its quotes; *from is set behind it. False: a quote does not end. */
static bool cut_word(char **from)
{
	char *in = *from, *out = in, quote = 0;

	for (; *in && (quote || !strchr(" \t", *in)); in++) {
		if (quote ? *in == quote : *in == '\'' || *in == '"') {
			quote = quote ? 0 : *in;
			continue;
		}
		if (*in == '\\' && quote != '\'' && in[1])
			in++;
		*out++ = *in;
	}
	*from = *in ? in + 1 : in;
	*out = '\0';
	return !quote;
}

int record_control_split(char *line, char **words, int room)
{
	int count = 0;

	for (line += strspn(line, " \t"); *line; line += strspn(line, " \t")) {
		if (count == room)
			return -E2BIG;
		words[count++] = line;
		if (!cut_word(&line))
			return -EINVAL;
	}
	return count;
}

static void say(const struct record_control *control, const char *text)
{
	if (control->options->notice)
		control->options->notice(control->options->context, text);
}

static void refuse(const struct record_control *control, const struct error *error)
{
	char text[2 * ERROR_TEXT_BYTES], shown[4 * sizeof(text) + 1];

	snprintf(text, sizeof(text), "%s: %s%s%s", control->path, error->text, error->hint[0] ? "; " : "",
		error->hint);
	/* the words of whoever wrote the line */
	shown[text_escape(shown, text, strlen(text))] = '\0';
	say(control, shown);
}

static int ask(
	struct record_control *control, struct recorder *recorder, int argc, char **argv, struct error *error)
{
	struct recorder_options options = *control->options;
	struct line_options line = {0};
	cleanup_free char *events = NULL, *functions = NULL;
	int code = options_parse(&line_command, &argc, &argv, &line, error);

	if (!code)
		code = recording_options_read(&options, &events, &functions, &line.recording, error);
	if (!code && options.budget > 0 && options.functions.min_ns)
		code = error_set(error, -EINVAL, "--min-duration: not with the --budget of this recording");
	return code ? code : recorder_ask(recorder, &options, error);
}

/* True: to stop. */
static bool take_line(struct record_control *control, struct recorder *recorder)
{
	char *words[WORDS_MAX + 2] = {(char *)"record"};
	struct error error = {0};
	int count = record_control_split(control->line, words + 1, WORDS_MAX);

	if (count == 1 && !strcmp(words[1], "stop"))
		return true;
	if (count < 0)
		error_set(&error, count, "%s",
			count == -E2BIG ? "too many words in a line" : "a quote that does not end");
	else if (count > 0)
		ask(control, recorder, count + 1, words, &error);
	if (error.code)
		refuse(control, &error);
	return false;
}

/* One character of a line, or its end. True: to stop. */
static bool take_character(struct record_control *control, struct recorder *recorder, char character)
{
	bool stop = false;

	if (character == '\n') {
		control->line[control->used] = '\0';
		stop = !control->skips && take_line(control, recorder);
		control->skips = false;
		control->used = 0;
	} else if (control->used + 1 < sizeof(control->line)) {
		control->line[control->used++] = character;
	} else if (!control->skips) {
		control->skips = true;
		refuse(control, &(struct error){.text = "a line is too long, and left out"});
	}
	return stop;
}

bool record_control_poll(struct record_control *control, struct recorder *recorder)
{
	char buffer[4096];
	ssize_t got;

	if (!control->path)
		return false;
	/* once: whoever writes without an end does not keep us from recording */
	got = read(control->fd, buffer, sizeof(buffer));
	for (ssize_t i = 0; i < got; i++)
		if (take_character(control, recorder, buffer[i]))
			return true;
	return false;
}
