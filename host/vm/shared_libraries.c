/* SPDX-License-Identifier: MIT */
#include "host/vm/shared_libraries.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>

#include "host/vm/process.h"
#include "lib/base/cleanup.h"

struct walk {
	struct shared_libraries *libraries;
	const char *path;
	Elf *elf;
	size_t strings; /* section of the dynamic names */
	int (*need)(void *context, const char *guest, const char *local);
	void *context;
	struct error *error;
};

void shared_libraries_deinit(struct shared_libraries *libraries)
{
	free(libraries->known);
	libraries->known = NULL;
}

/* "\tlibc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6" */
static char *find_known(struct shared_libraries *libraries, const char *name)
{
	const char *argv[] = {"ldconfig", "-p", NULL};
	cleanup_free char *start = NULL;

	if (!libraries->known && process_run(argv, NULL, &libraries->known, NULL) < 0)
		return NULL;
	if (!libraries->known || asprintf(&start, "\t%s (libc6,x86-64", name) < 0)
		return NULL;
	for (const char *line = libraries->known; (line = strstr(line, start)); line++) {
		const char *path = strstr(line, " => ");

		if (path && path < line + strcspn(line, "\n"))
			return strndup(path + 4, strcspn(path + 4, "\n"));
	}
	return NULL;
}

/* Looks through a list "DIR:DIR" of an ELF file's DT_RUNPATH or DT_RPATH. */
static char *find_in(const struct walk *walk, const char *list, const char *name)
{
	const char *slash = strrchr(walk->path, '/');
	int origin = slash ? (int)(slash - walk->path) : 1;

	while (list && *list) {
		size_t length = strcspn(list, ":"), skip = 0;
		char *found = NULL;
		int made;

		if (strncmp(list, "$ORIGIN", 7) == 0)
			skip = 7;
		else if (strncmp(list, "${ORIGIN}", 9) == 0)
			skip = 9;
		made = skip ? asprintf(&found, "%.*s%.*s/%s", origin, slash ? walk->path : ".",
				      (int)(length - skip), list + skip, name)
			    : asprintf(&found, "%.*s/%s", (int)length, list, name);
		if (made < 0)
			return NULL;
		if (access(found, R_OK) == 0)
			return found;
		free(found);
		list += length + (list[length] == ':');
	}
	return NULL;
}

static char *find_default(const char *name)
{
	static const char *const directories[] = {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu",
		"/lib64", "/usr/lib64", "/lib", "/usr/lib"};

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		char *path;

		if (asprintf(&path, "%s/%s", directories[i], name) < 0)
			return NULL;
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* In the guest all libraries lie in /usr/lib, which every ld.so searches, with no cache and whatever the RPATH. */
static int need_library(const struct walk *walk, const char *name, const char *search)
{
	cleanup_free char *local = NULL, *guest = NULL;

	if (strchr(name, '/')) /* a path as it stands */
		return walk->need(walk->context, name, name);
	local = find_in(walk, search, name);
	if (!local)
		local = find_in(walk, getenv("LD_LIBRARY_PATH"), name);
	if (!local)
		local = find_known(walk->libraries, name);
	if (!local)
		local = find_default(name);
	if (!local) {
		error_set(walk->error, -ENOENT, "%s needs the library %s, which is nowhere to be found",
			walk->path, name);
		return error_hint(
			walk->error, "set LD_LIBRARY_PATH to where it is, or link the program statically");
	}
	if (asprintf(&guest, "/usr/lib/%s", name) < 0)
		return error_set(walk->error, -ENOMEM, "out of memory");
	return walk->need(walk->context, guest, local);
}

static int broken(const struct walk *walk)
{
	return error_set(walk->error, -EINVAL, "%s: broken ELF file: %s", walk->path, elf_errmsg(-1));
}

/* The section header of the dynamic section says which strings its entries name. */
static Elf_Data *dynamic_entries(struct walk *walk)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(walk->elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNAMIC)
			continue;
		walk->strings = header.sh_link;
		return elf_getdata(section, NULL);
	}
	return NULL;
}

static const char *search_path(const struct walk *walk, Elf_Data *data)
{
	GElf_Dyn entry;

	for (int i = 0; gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++)
		if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH)
			return elf_strptr(walk->elf, walk->strings, entry.d_un.d_val);
	return NULL;
}

static int walk_needed(struct walk *walk)
{
	Elf_Data *data = dynamic_entries(walk);
	const char *search = data ? search_path(walk, data) : NULL;
	GElf_Dyn entry;
	int result = 0;

	for (int i = 0; data && !result && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		const char *name;

		if (entry.d_tag != DT_NEEDED)
			continue;
		name = elf_strptr(walk->elf, walk->strings, entry.d_un.d_val);
		result = name ? need_library(walk, name, search) : broken(walk);
	}
	return result;
}

static int walk_interpreter(struct walk *walk)
{
	size_t count, size;
	const char *bytes = elf_rawfile(walk->elf, &size);
	GElf_Phdr header;

	if (!bytes || elf_getphdrnum(walk->elf, &count) < 0)
		return broken(walk);
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(walk->elf, (int)i, &header))
			return broken(walk);
		if (header.p_type != PT_INTERP)
			continue;
		if (header.p_offset >= size || header.p_filesz > size - header.p_offset ||
			!memchr(bytes + header.p_offset, '\0', header.p_filesz) ||
			bytes[header.p_offset] != '/')
			return error_set(
				walk->error, -EINVAL, "%s: broken ELF file: interpreter", walk->path);
		return walk->need(walk->context, bytes + header.p_offset, bytes + header.p_offset);
	}
	return 0;
}

int shared_libraries_walk(struct shared_libraries *libraries, const char *path,
	int (*need)(void *context, const char *guest, const char *local), void *context, struct error *error)
{
	struct walk walk = {
		.libraries = libraries, .path = path, .need = need, .context = context, .error = error};
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	GElf_Ehdr header;
	int result = 0;

	if (fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	elf_version(EV_CURRENT);
	walk.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	/* only programs and libraries: a kernel module or an object file needs nothing */
	if (walk.elf && elf_kind(walk.elf) == ELF_K_ELF && gelf_getehdr(walk.elf, &header) &&
		header.e_machine == EM_X86_64 && (header.e_type == ET_EXEC || header.e_type == ET_DYN)) {
		result = walk_interpreter(&walk);
		if (!result)
			result = walk_needed(&walk);
	}
	elf_end(walk.elf);
	return result;
}
