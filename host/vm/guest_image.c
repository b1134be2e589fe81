/* SPDX-License-Identifier: MIT */
#include "host/vm/guest_image.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#include "host/vm/cpio_writer.h"
#include "host/vm/process.h"
#include "host/vm/shared_libraries.h"
#include "lib/base/cleanup.h"

#define CONFIG "/etc/hypertrace/"

struct builder {
	const struct guest_image *image;
	struct cpio_writer cpio;
	struct shared_libraries libraries;
	struct error *error;
};

static int add_program(void *context, const char *guest, const char *local)
{
	struct builder *builder = context;
	int result;

	if (cpio_writer_has(&builder->cpio, guest))
		return 0;
	result = cpio_writer_file(&builder->cpio, guest, local, builder->error);
	if (result < 0)
		return result;
	return shared_libraries_walk(&builder->libraries, local, add_program, builder, builder->error);
}

/*
 * `path` as seen from the guest's root directory, which is where its command runs: "./a//b", "/a/x/../b" and
 * "../a/b" become "/a/b". To be freed.
 */
static char *guest_path(const char *path)
{
	char *result = malloc(strlen(path) + 2);
	size_t used = 0;

	if (!result)
		return NULL;
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && memcmp(path, "..", 2) == 0) {
			while (used && result[--used] != '/')
				continue;
		} else if (length && !(length == 1 && *path == '.')) {
			result[used++] = '/';
			memcpy(result + used, path, length);
			used += length;
		}
		path += length + (path[length] == '/');
	}
	if (!used)
		result[used++] = '/';
	result[used] = '\0';
	return result;
}

static int add_link(struct builder *builder, const char *guest, const char *local)
{
	char target[4096];
	ssize_t length = readlink(local, target, sizeof(target) - 1);

	if (length < 0)
		return error_set(builder->error, -errno, "%s: %s", local, strerror(errno));
	target[length] = '\0';
	return cpio_writer_link(&builder->cpio, guest, target, builder->error);
}

static int add_entry(struct builder *builder, const char *guest, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		return cpio_writer_directory(&builder->cpio, guest, builder->error);
	case FTS_F:
		return add_program(builder, guest, entry->fts_path);
	case FTS_SL:
	case FTS_SLNONE:
		/* what was named itself is followed; links inside a directory stay links */
		return entry->fts_level == 0 ? add_program(builder, guest, entry->fts_path)
					     : add_link(builder, guest, entry->fts_path);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return error_set(builder->error, -entry->fts_errno, "%s: %s", entry->fts_path,
			strerror(entry->fts_errno));
	default: /* a directory on the way back; a device, socket or pipe, which no guest could use */
		return 0;
	}
}

/* A file, or a directory with all that is in it. */
static int add_tree(struct builder *builder, const char *guest, const char *local)
{
	char *const roots[] = {(char *)local, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int result = 0;

	while (walk && !result && (entry = fts_read(walk))) {
		cleanup_free char *name = NULL;
		const char *below = entry->fts_path + strlen(local);

		if (asprintf(&name, "%s%s%s", guest, *below && *below != '/' ? "/" : "", below) < 0)
			result = error_set(builder->error, -ENOMEM, "out of memory");
		else
			result = add_entry(builder, name, entry);
	}
	if (walk)
		fts_close(walk);
	return result;
}

/* "LOCAL" or "LOCAL:GUEST", split at the last colon unless all of it names a file. */
static int add_user_file(struct builder *builder, const char *word)
{
	const char *colon = access(word, F_OK) == 0 ? NULL : strrchr(word, ':');
	cleanup_free char *local = colon ? strndup(word, (size_t)(colon - word)) : strdup(word);
	cleanup_free char *wanted = NULL, *guest = NULL;

	if (!local)
		return error_set(builder->error, -ENOMEM, "out of memory");
	if (colon && colon[1] != '/')
		return error_set(
			builder->error, -EINVAL, "file %s: the guest's path must start with '/'", word);
	if (access(local, R_OK) < 0)
		return error_set(builder->error, -errno, "file %s: %s", local, strerror(errno));
	if (colon && colon[strlen(colon) - 1] == '/') { /* into that directory */
		const char *slash = strrchr(local, '/');

		if (asprintf(&wanted, "%s%s", colon + 1, slash ? slash + 1 : local) < 0)
			return error_set(builder->error, -ENOMEM, "out of memory");
	}
	guest = guest_path(wanted ? wanted : colon ? colon + 1 : local);
	if (!guest)
		return error_set(builder->error, -ENOMEM, "out of memory");
	return add_tree(builder, guest, local);
}

static int add_command_file(struct builder *builder)
{
	const char *word = builder->image->command[0];
	cleanup_free char *guest = NULL;
	struct stat status;

	if (!strchr(word, '/') || stat(word, &status) < 0 || !S_ISREG(status.st_mode))
		return 0;
	guest = guest_path(word);
	if (!guest)
		return error_set(builder->error, -ENOMEM, "out of memory");
	return add_program(builder, guest, word);
}

static int add_busybox(struct builder *builder)
{
	static const char busybox[] = "/bin/busybox";
	const char *argv[] = {busybox, "--list-full", NULL};
	cleanup_free char *list = NULL;
	char *state = NULL;
	int result;

	if (access(busybox, X_OK) < 0) {
		error_set(builder->error, -ENOENT, "no %s to put into the guest", busybox);
		return error_hint(builder->error, "install the Debian package busybox-static");
	}
	result = add_program(builder, busybox, busybox);
	if (!result)
		result = process_run(argv, NULL, &list, builder->error);
	if (result)
		return result < 0 ? result
				  : error_set(builder->error, -EIO, "%s --list-full failed", busybox);
	for (char *name = strtok_r(list, "\n", &state); name && !result;
		name = strtok_r(NULL, "\n", &state)) {
		cleanup_free char *guest = NULL;

		if (asprintf(&guest, "/%s", name) < 0)
			return error_set(builder->error, -ENOMEM, "out of memory");
		result = cpio_writer_link(&builder->cpio, guest, busybox, builder->error);
	}
	return result;
}

static int add_init(struct builder *builder)
{
	const char *init =
		access(HYPERTRACE_INIT_BUILT, X_OK) == 0 ? HYPERTRACE_INIT_BUILT : HYPERTRACE_INIT_INSTALLED;
	static const char *const directories[] = {
		"/dev", "/proc", "/sys", "/tmp", "/run", "/root", "/mnt", "/etc"};
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(directories) / sizeof(directories[0]); i++)
		result = cpio_writer_directory(&builder->cpio, directories[i], builder->error);
	if (result)
		return result;
	if (access(init, X_OK) < 0) {
		error_set(builder->error, -ENOENT, "the guest's init is missing: %s", init);
		return error_hint(builder->error, "build or install hypertrace again");
	}
	return cpio_writer_file(&builder->cpio, "/init", init, builder->error);
}

static int add_module(struct builder *builder)
{
	static const char guest[] = "/lib/modules/hypertrace.ko";
	const struct guest_image *image = builder->image;
	cleanup_free char *line = NULL;
	int length;

	if (!image->module)
		return 0;
	length = asprintf(&line, "%s %s\n", guest, image->module_parameters);
	if (length < 0)
		return error_set(builder->error, -ENOMEM, "out of memory");
	if (cpio_writer_text(&builder->cpio, CONFIG "modules", line, (size_t)length, builder->error) < 0)
		return builder->error->code;
	return cpio_writer_file(&builder->cpio, guest, image->module, builder->error);
}

static int add_stdio(struct builder *builder)
{
	static const char *const stdins[] = {
		[GUEST_STDIN_NONE] = "/dev/null",
		[GUEST_STDIN_TERMINAL] = "/dev/ttyS0",
		[GUEST_STDIN_STREAM] = "/dev/ttyS0",
		[GUEST_STDIN_FILE] = CONFIG "stdin",
	};
	const struct guest_image *image = builder->image;
	char line[256];
	int length = snprintf(line, sizeof(line), "%s /dev/ttyS0 %s\n", stdins[image->stdin_kind],
		image->separate_stderr ? "/dev/ttyS3" : "/dev/ttyS0");
	int result = cpio_writer_text(&builder->cpio, CONFIG "stdio", line, (size_t)length, builder->error);

	if (!result && image->stdin_kind == GUEST_STDIN_FILE)
		result = cpio_writer_descriptor(
			&builder->cpio, CONFIG "stdin", image->stdin_fd, 0600, builder->error);
	if (!result && image->stdin_kind == GUEST_STDIN_TERMINAL)
		result = cpio_writer_text(&builder->cpio, CONFIG "terminal", "", 0, builder->error);
	return result;
}

static int add_environment(struct builder *builder)
{
	const char *terminal = getenv("TERM");
	char text[128];
	int length = snprintf(text, sizeof(text), "TERM=%.100s", terminal ? terminal : "dumb");

	return cpio_writer_text(
		&builder->cpio, CONFIG "environment", text, (size_t)length + 1, builder->error);
}

static int add_command(struct builder *builder)
{
	const char *const *command = builder->image->command;
	cleanup_free char *words = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&words, &length);

	if (!stream)
		return error_set(builder->error, -ENOMEM, "out of memory");
	for (; *command; command++)
		fwrite(*command, 1, strlen(*command) + 1, stream);
	if (fclose(stream) == EOF)
		return error_set(builder->error, -ENOMEM, "out of memory");
	return cpio_writer_text(&builder->cpio, CONFIG "command", words, length, builder->error);
}

/* What is added first stays: our own configuration, then what the user gave, and only then what busybox would be. */
static int add_all(struct builder *builder)
{
	int (*const parts[])(struct builder *) = {
		add_init, add_module, add_stdio, add_environment, add_command};
	const struct guest_image *image = builder->image;
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(parts) / sizeof(parts[0]); i++)
		result = parts[i](builder);
	for (size_t i = 0; !result && i < image->file_count; i++)
		result = add_user_file(builder, image->files[i]);
	if (!result)
		result = add_command_file(builder);
	return result ? result : add_busybox(builder);
}

int guest_image_write(const struct guest_image *image, const char *path, struct error *error)
{
	struct builder builder = {.image = image, .error = error};
	int result = cpio_writer_init(&builder.cpio, path, error);

	if (result < 0)
		return result;
	result = add_all(&builder);
	if (!result)
		result = cpio_writer_finish(&builder.cpio, error);
	shared_libraries_deinit(&builder.libraries);
	cpio_writer_deinit(&builder.cpio);
	return result;
}
