/* SPDX-License-Identifier: MIT */
#include "lib/model/names.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

#define SYMBOL_REACH (1u << 20) /* no kernel function is longer */
#define LAST_REACH   4096u      /* behind the last one the list may have been cut off */
#define FORMATS_MAX  65536
#define FORMAT_LIMIT (1u << 20)

void names_deinit(struct names *names)
{
	struct hash_map *maps[] = {&names->tasks, &names->irqs, &names->formats};

	for (int i = 0; i < 3; i++) {
		uint64_t key, value;
		size_t position = 0;

		while (hash_map_next(maps[i], &position, &key, &value))
			free((void *)(uintptr_t)value);
		hash_map_deinit(maps[i]);
	}
	free(names->symbols);
	free(names->symbol_text);
	*names = (struct names){0};
}

/* Hands `value` over to the map, in place of what was there. */
static int put(struct hash_map *map, uint64_t key, void *value)
{
	uint64_t *place = value ? hash_map_put(map, key) : NULL;

	if (!place) {
		free(value);
		return -ENOMEM;
	}
	free((void *)(uintptr_t)*place);
	*place = (uint64_t)(uintptr_t)value;
	return 0;
}

/* A part of a text, taken apart from the left. */
struct slice {
	const char *at, *end;
};

static bool next_line(struct slice *text, struct slice *line)
{
	const char *newline;

	if (text->at == text->end)
		return false;
	newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
	*line = (struct slice){text->at, newline ? newline : text->end};
	text->at = newline ? newline + 1 : text->end;
	return true;
}

/* Up to the next space, which is left out; the last word ends with the line. */
static struct slice next_word(struct slice *line)
{
	const char *space = memchr(line->at, ' ', (size_t)(line->end - line->at));
	struct slice word = {line->at, space ? space : line->end};

	line->at = space ? space + 1 : line->end;
	return word;
}

static bool to_u32(struct slice word, uint32_t *value)
{
	uint64_t number;

	if (text_parse_unsigned(word.at, (size_t)(word.end - word.at), UINT32_MAX, &number))
		return false;
	*value = (uint32_t)number;
	return true;
}

static int set_task(struct names *names, uint32_t pid, uint32_t tgid, const char *comm, size_t bytes)
{
	uint64_t *place = hash_map_get(&names->tasks, pid);
	struct names_task *task = place ? (void *)(uintptr_t)*place : NULL;

	if (!task) {
		task = calloc(1, sizeof(*task));
		if (put(&names->tasks, pid, task))
			return -ENOMEM;
	}
	if (tgid || !task->tgid) /* 0: not told; better what was known, or itself */
		task->tgid = tgid ? tgid : pid;
	if (bytes > NAMES_COMM_BYTES - 1)
		bytes = NAMES_COMM_BYTES - 1;
	memcpy(task->comm, comm, bytes);
	memset(task->comm + bytes, 0, NAMES_COMM_BYTES - bytes);
	return 0;
}

int names_set_task(struct names *names, uint32_t pid, uint32_t tgid, const char comm[16])
{
	return set_task(names, pid, tgid, comm, strnlen(comm, 16));
}

int names_parse_tasks(struct names *names, const char *data, size_t bytes)
{
	struct slice text = {data, data + bytes}, line;

	while (next_line(&text, &line)) {
		uint32_t pid, tgid;
		int code;

		if (!to_u32(next_word(&line), &pid) || !to_u32(next_word(&line), &tgid)) {
			names->bad_lines++;
			continue;
		}
		code = set_task(names, pid, tgid, line.at, strnlen(line.at, (size_t)(line.end - line.at)));
		if (code)
			return code;
	}
	return 0;
}

int names_parse_irqs(struct names *names, const char *data, size_t bytes)
{
	struct slice text = {data, data + bytes}, line;

	while (next_line(&text, &line)) {
		uint32_t irq;
		int code;

		if (!to_u32(next_word(&line), &irq)) {
			names->bad_lines++;
			continue;
		}
		code = put(&names->irqs, irq, strndup(line.at, (size_t)(line.end - line.at)));
		if (code)
			return code;
	}
	return 0;
}

static bool to_address(struct slice word, uint64_t *address)
{
	uint64_t sum = 0;

	if (word.at == word.end || word.end - word.at > 16)
		return false;
	for (; word.at < word.end; word.at++) {
		if (!isxdigit((unsigned char)*word.at))
			return false;
		sum = sum << 4 |
			(uint64_t)(isdigit((unsigned char)*word.at) ? *word.at - '0'
								    : (*word.at | 32) - 'a' + 10);
	}
	*address = sum;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct names_symbol *left = a, *right = b;

	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

int names_parse_symbols(struct names *names, const char *data, size_t bytes)
{
	struct slice text = {data, data + bytes}, line;
	size_t capacity = 1, used = 0;
	cleanup_free struct names_symbol *symbols = NULL;
	cleanup_free char *copy = NULL;

	if (bytes > NAMES_FILE_LIMIT)
		return -EFBIG;
	for (size_t i = 0; i < bytes; i++)
		capacity += data[i] == '\n';
	symbols = calloc(capacity, sizeof(*symbols));
	copy = malloc(bytes + 1);
	if (!symbols || !copy)
		return -ENOMEM;
	memcpy(copy, data, bytes);
	copy[bytes] = '\0';
	while (next_line(&text, &line)) {
		struct slice name;
		uint64_t address;

		if (!to_address(next_word(&line), &address) || next_word(&line).end == line.end) {
			names->bad_lines++;
			continue;
		}
		/* "name\t[module]": the name alone */
		name = next_word(&line);
		for (const char *at = name.at; at < name.end; at++)
			if (*at == '\t' || !*at)
				name.end = at;
		if (name.at == name.end) {
			names->bad_lines++;
			continue;
		}
		copy[name.end - data] = '\0';
		if (address) /* a kernel that hides its addresses shows 0 */
			symbols[used++] = (struct names_symbol){address, (uint32_t)(name.at - data)};
	}
	qsort(symbols, used, sizeof(*symbols), by_address);
	free(names->symbols);
	free(names->symbol_text);
	names->symbols = take_pointer(symbols);
	names->symbol_text = take_pointer(copy);
	names->nr_symbols = used;
	return 0;
}

const struct names_task *names_task(const struct names *names, uint32_t pid)
{
	uint64_t *place = hash_map_get(&names->tasks, pid);

	return place ? (const void *)(uintptr_t)*place : NULL;
}

const char *names_irq(const struct names *names, uint32_t irq)
{
	uint64_t *place = hash_map_get(&names->irqs, irq);

	return place ? (const void *)(uintptr_t)*place : NULL;
}

const char *names_format(const struct names *names, uint32_t number)
{
	uint64_t *place = hash_map_get(&names->formats, number);

	return place ? (const void *)(uintptr_t)*place : NULL;
}

const char *names_symbol(const struct names *names, uint64_t address, uint64_t *offset)
{
	size_t low = 0, high = names->nr_symbols;

	/* the first symbol behind the address; wanted is the one before */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low ||
		address - names->symbols[low - 1].address >
			(low < names->nr_symbols ? SYMBOL_REACH : LAST_REACH))
		return NULL;
	/* of several names for one address the first in the file */
	while (low > 1 && names->symbols[low - 2].address == names->symbols[low - 1].address)
		low--;
	*offset = address - names->symbols[low - 1].address;
	return names->symbol_text + names->symbols[low - 1].name;
}

static int load_formats(struct names *names, int names_fd, struct error *error)
{
	int fd = openat(names_fd, "formats", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int code = 0;

	if (!directory) {
		code = errno == ENOENT ? 0 : error_set(error, -errno, "formats: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return code;
	}
	while (!code && (entry = readdir(directory))) {
		uint64_t number;
		char *text;

		if (text_parse_unsigned(entry->d_name, strlen(entry->d_name), UINT32_MAX, &number))
			continue;
		if (names->formats.count >= FORMATS_MAX) {
			code = error_set(error, -E2BIG, "formats: more than %d", FORMATS_MAX);
			break;
		}
		code = file_read_small(dirfd(directory), entry->d_name, FORMAT_LIMIT, &text, NULL, error);
		if (code)
			error_add(error, "formats");
		else if (put(&names->formats, number, text))
			code = error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	closedir(directory);
	return code;
}

static int load_file(struct names *names, int names_fd, const char *path,
	int (*parse)(struct names *names, const char *text, size_t bytes), struct error *error)
{
	cleanup_free char *text = NULL;
	size_t bytes;
	int code;

	if (faccessat(names_fd, path, F_OK, 0) && errno == ENOENT)
		return 0;
	code = file_read_small(names_fd, path, NAMES_FILE_LIMIT, &text, &bytes, error);
	if (code)
		return code;
	code = parse(names, text, bytes);
	return code ? error_set(error, code, "%s: %s", path, strerror(-code)) : 0;
}

int names_load(struct names *names, int machine_dir_fd, unsigned parts, struct error *error)
{
	cleanup_close int fd = openat(machine_dir_fd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(error, -errno, "names: %s", strerror(errno));
	if (parts & NAMES_TASKS)
		code = load_file(names, fd, "tasks", names_parse_tasks, error);
	if (!code && parts & NAMES_IRQS)
		code = load_file(names, fd, "irqs", names_parse_irqs, error);
	if (!code && parts & NAMES_SYMBOLS)
		code = load_file(names, fd, "symbols", names_parse_symbols, error);
	if (!code && parts & NAMES_FORMATS)
		code = load_formats(names, fd, error);
	if (code)
		error_add(error, "names");
	return code;
}
