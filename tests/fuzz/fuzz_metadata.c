/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/reader/ctf_metadata_parse.h"
#include "tests/unit/trace_maker.h"

const char fuzz_name[] = "metadata";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static char *text;
	char *path = index ? NULL : maker_directory();
	size_t bytes = 0;
	int fd;

	if (index)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY);
	maker_metadata(fd, "vm");
	if (file_read_small(fd, "metadata", 1 << 20, &text, &bytes, NULL))
		abort();
	close(fd);
	maker_remove(path);
	*data = (const uint8_t *)text;
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctf_description description;
	struct error error = {0};

	if (ctf_metadata_parse(&description, (const char *)data, size, &error)) {
		if (!error.code || !error.text[0])
			abort(); /* every failure says why */
		return 0;
	}
	event_schema_destroy(description.schema);
	return 0;
}
