/* SPDX-License-Identifier: MIT */
#include "host/vmm/vmm_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX       4096
#define VALUE_BYTES     4096
#define LIBVIRT_DOMAINS "/lib/libvirt/qemu/domain-"

struct words {
	const char *items[WORDS_MAX]; /* each NUL-terminated */
	size_t count;
};

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static void split(struct words *words, const char *line, size_t bytes)
{
	words->count = 0;
	for (const char *at = line; at < line + bytes && words->count < WORDS_MAX; at += strlen(at) + 1)
		words->items[words->count++] = at;
}

/* The option that word i is, without its dashes; NULL: it is none. QEMU takes both -name and --name. */
static const char *option_at(const struct words *words, size_t i)
{
	const char *word = words->items[i];

	if (word[0] != '-' || !word[1])
		return NULL;
	return word + (word[1] == '-' ? 2 : 1);
}

/*
 * Is word i the option `name` with a value, behind a '=' or in the next word? Then the value is in `value`, cut where it
 * is longer than that.
 */
static bool option_value(const struct words *words, size_t i, const char *name, char value[VALUE_BYTES])
{
	const char *option = option_at(words, i);
	const size_t length = strlen(name);

	if (!option || strncmp(option, name, length) || (option[length] && option[length] != '='))
		return false;
	if (!option[length] && i + 1 >= words->count)
		return false;
	copy(value, VALUE_BYTES, option[length] ? option + length + 1 : words->items[i + 1]);
	return true;
}

/*
 * The value of `key` in "first,key=value,key2=value2": a comma within a value is doubled. NULL as key: the part before
 * the first comma, if it has no '='.
 */
static bool suboption(const char *options, const char *key, char *value, size_t size)
{
	for (const char *at = options; *at;) {
		size_t used = 0, length = strcspn(at, ",=");
		const bool found = key
			? strlen(key) == length && !memcmp(at, key, length) && at[length] == '='
			: at[length] != '=';

		at += at[length] == '=' ? length + 1 : 0;
		for (; *at && (*at != ',' || at[1] == ','); at++) {
			if (used + 1 < size)
				value[used++] = *at;
			at += *at == ',';
		}
		value[used] = '\0';
		if (found || !key)
			return found;
		at += *at == ',';
	}
	return false;
}

/* "512", "2G", "1024m": a bare number counts in `unit` bytes. 0: no size, or one beyond sense. */
static uint64_t parse_size(const char *text, uint64_t unit)
{
	static const char suffixes[] = "kmgt";
	unsigned long long number;
	const char *suffix;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		return 0;
	suffix = *end ? strchr(suffixes, *end | 0x20) : NULL;
	if (suffix)
		unit = UINT64_C(1) << (10 * (suffix - suffixes + 1));
	return number > (UINT64_C(1) << 52) / unit ? 0 : number * unit;
}

static void parse_memory(struct vmm_command *command, const char *value)
{
	char size[64];

	if (suboption(value, "size", size, sizeof(size)) || suboption(value, NULL, size, sizeof(size)))
		command->memory_bytes = parse_size(size, UINT64_C(1) << 20);
}

static void parse_cpus(struct vmm_command *command, const char *value)
{
	char count[64];
	uint64_t number;

	if (!suboption(value, "cpus", count, sizeof(count)) &&
		!suboption(value, "boot", count, sizeof(count)) &&
		!suboption(value, NULL, count, sizeof(count)))
		return;
	number = parse_size(count, 1);
	if (number && number <= 65536)
		command->nr_cpus = (uint32_t)number;
}

static void parse_accel(struct vmm_command *command, const char *name)
{
	if (!strncmp(name, "kvm", 3))
		command->accel = VMM_ACCEL_KVM;
	else if (!strncmp(name, "tcg", 3))
		command->accel = VMM_ACCEL_TCG;
}

/* "max,+svm", "EPYC,svm=off", "host,-vmx": the last word on it counts. */
static void parse_cpu(struct vmm_command *command, const char *value)
{
	if (!strncmp(value, "host", 4) && (!value[4] || value[4] == ','))
		command->nested = VMM_NESTED_AS_HOST;
	for (const char *at = strchr(value, ','); at; at = strchr(at, ',')) {
		const bool minus = *++at == '-', sign = minus || *at == '+';
		const char *feature = at + sign, *end = feature + 3;

		if (strncmp(feature, "svm", 3) && strncmp(feature, "vmx", 3))
			continue;
		if (sign && (!*end || *end == ','))
			command->nested = minus ? VMM_NESTED_NO : VMM_NESTED_YES;
		else if (*end == '=')
			command->nested = strncmp(end + 1, "off", 3) ? VMM_NESTED_YES : VMM_NESTED_NO;
	}
}

static void add_socket(struct vmm_command *command, const char *path)
{
	/* abstract ones, and those that no connect() could reach */
	if (!*path || *path == '@' || strlen(path) >= VMM_SOCKET_BYTES ||
		command->nr_sockets == VMM_SOCKETS_MAX)
		return;
	strcpy(command->sockets[command->nr_sockets++], path);
}

/* "unix:PATH,server=on,wait=off" */
static void parse_qmp(struct vmm_command *command, const char *value)
{
	char path[VALUE_BYTES];

	if (!strncmp(value, "unix:", 5) && suboption(value + 5, NULL, path, sizeof(path)))
		add_socket(command, path);
}

/* libvirt hands its monitor over as a descriptor; the socket lies in the domain's directory, named in other words. */
static void add_libvirt_socket(struct vmm_command *command, const struct words *words)
{
	char value[VALUE_BYTES], path[VALUE_BYTES + 16];

	for (size_t i = 0; i < words->count; i++) {
		char *directory, *start;

		copy(value, sizeof(value), words->items[i]);
		directory = strstr(value, LIBVIRT_DOMAINS);
		if (!directory)
			continue;
		for (start = directory; start > value && start[-1] != '='; start--)
			;
		directory += strlen(LIBVIRT_DOMAINS);
		directory[strcspn(directory, "/")] = '\0';
		snprintf(path, sizeof(path), "%s/monitor.sock", start);
		add_socket(command, path);
		command->is_libvirt = true;
		return;
	}
}

/* -mon chardev=ID,mode=control: the socket of that character device. */
static void parse_mon(struct vmm_command *command, const struct words *words, const char *value)
{
	char id[256], mode[16], found[256], device[VALUE_BYTES], path[VALUE_BYTES];

	if (!suboption(value, "mode", mode, sizeof(mode)) || strcmp(mode, "control") ||
		(!suboption(value, "chardev", id, sizeof(id)) && !suboption(value, NULL, id, sizeof(id))))
		return;
	for (size_t i = 0; i < words->count; i++) {
		if (!option_value(words, i, "chardev", device) ||
			!suboption(device, "id", found, sizeof(found)) || strcmp(found, id))
			continue;
		if (suboption(device, "path", path, sizeof(path)))
			add_socket(command, path);
		else if (suboption(device, "fd", path, sizeof(path)))
			add_libvirt_socket(command, words);
	}
}

/* A region of reserved RAM, or of an ivshmem device that was there from the start. */
static void parse_object(struct vmm_command *command, const char *value)
{
	char type[64], id[64], path[VMM_PATH_BYTES];

	if (suboption(value, NULL, type, sizeof(type)) && !strcmp(type, "memory-backend-file") &&
		suboption(value, "id", id, sizeof(id)) && !strncmp(id, "hypertrace", 10) &&
		suboption(value, "mem-path", path, sizeof(path)) && strlen(path) + 1 < sizeof(path))
		copy(command->region, sizeof(command->region), path);
}

static void parse_qemu(struct vmm_command *command, const struct words *words, size_t i)
{
	const char *option = option_at(words, i);
	char value[VALUE_BYTES];

	if (option && !strcmp(option, "enable-kvm"))
		command->accel = VMM_ACCEL_KVM;
	if (option_value(words, i, "name", value)) {
		if (!suboption(value, "guest", command->name, sizeof(command->name)) &&
			!suboption(value, NULL, command->name, sizeof(command->name)))
			command->name[0] = '\0';
	} else if (option_value(words, i, "uuid", value)) {
		copy(command->uuid, sizeof(command->uuid), value);
	} else if (option_value(words, i, "m", value)) {
		parse_memory(command, value);
	} else if (option_value(words, i, "smp", value)) {
		parse_cpus(command, value);
	} else if (option_value(words, i, "accel", value)) {
		parse_accel(command, value);
	} else if (option_value(words, i, "machine", value) || option_value(words, i, "M", value)) {
		char accel[64];

		if (suboption(value, "accel", accel, sizeof(accel)))
			parse_accel(command, accel);
	} else if (option_value(words, i, "cpu", value)) {
		parse_cpu(command, value);
	} else if (option_value(words, i, "qmp", value) || option_value(words, i, "qmp-pretty", value)) {
		parse_qmp(command, value);
	} else if (option_value(words, i, "object", value)) {
		parse_object(command, value);
	} else if (option_value(words, i, "mon", value)) {
		parse_mon(command, words, value);
	}
}

static void parse_other(struct vmm_command *command, const struct words *words, size_t i)
{
	char value[VALUE_BYTES];

	if (option_value(words, i, "id", value) || option_value(words, i, "name", value))
		copy(command->name, sizeof(command->name), value);
	else if (option_value(words, i, "cpus", value))
		parse_cpus(command, value);
	else if (option_value(words, i, "memory", value) || option_value(words, i, "mem", value))
		parse_memory(command, value);
}

void vmm_command_parse(struct vmm_command *command, const char *line, size_t bytes)
{
	struct words words;
	const char *slash;

	*command = (struct vmm_command){0};
	split(&words, line, bytes);
	if (!words.count)
		return;
	slash = strrchr(words.items[0], '/');
	copy(command->program, sizeof(command->program), slash ? slash + 1 : words.items[0]);
	command->is_qemu = !strncmp(command->program, "qemu-system-", 12) ||
		!strcmp(command->program, "qemu-kvm") || !strcmp(command->program, "kvm");
	for (size_t i = 1; i < words.count; i++)
		(command->is_qemu ? parse_qemu : parse_other)(command, &words, i);
}
