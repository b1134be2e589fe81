/* SPDX-License-Identifier: MIT */
#include "lib/writer/ctf_metadata.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/strbuf.h"
#include "lib/model/ctf_layout.h"

/* What a guest says about itself stands in quotes; what no terminal should get becomes a visible \xNN. */
static void put_quoted(struct strbuf *out, const char *text)
{
	strbuf_putc(out, '"');
	for (; text && *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			strbuf_printf(out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			strbuf_printf(out, "\\\\x%02x", c);
		else
			strbuf_putc(out, (char)c);
	}
	strbuf_putc(out, '"');
}

static void put_uuid(struct strbuf *out, const uint8_t uuid[16])
{
	strbuf_putc(out, '"');
	for (int i = 0; i < 16; i++)
		strbuf_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
	strbuf_putc(out, '"');
}

static void put_trace(struct strbuf *out, const struct ctf_metadata *metadata)
{
	strbuf_puts(out,
		CTF_METADATA_SIGNATURE "\n\n" CTF_LAYOUT_TYPES
				       "\ntrace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = ");
	put_uuid(out, metadata->uuid);
	strbuf_puts(out, ";\n" CTF_LAYOUT_PACKET_HEADER "};\n\n");
}

static void put_env(struct strbuf *out, const struct ctf_metadata *metadata)
{
	const struct {
		const char *name, *value;
	} entries[] = {
		{"hostname", metadata->hostname},
		{"machine", metadata->machine},
		{"sysname", "Linux"},
		{"kernel_release", metadata->release},
		{"kernel_version", metadata->version},
		{"channel", metadata->channel},
		{"tracer_name", "hypertrace"},
		{"tracer_version", metadata->program_version},
	};

	strbuf_puts(out, "env {\n");
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		strbuf_printf(out, "\t%s = ", entries[i].name);
		put_quoted(out, entries[i].value);
		strbuf_puts(out, ";\n");
	}
	strbuf_printf(out, "\ttext_address = \"0x%" PRIx64 "\";\n};\n\n", metadata->text_address);
}

static void put_clock(struct strbuf *out, const struct ctf_metadata *metadata)
{
	strbuf_printf(out,
		"clock {\n\tname = tsc;\n\tdescription = \"time stamp counter of the machine\";\n"
		"\tfreq = %" PRIu64 ";\n\tprecision = %" PRIu64 ";\n"
		"\toffset_s = %" PRId64 ";\n\toffset = %" PRIu64 ";\n\tabsolute = TRUE;\n};\n\n",
		metadata->clock_hz, metadata->precision_cycles, metadata->offset_s, metadata->offset_cycles);
}

/* Names get the underscore that readers take off again, so that no name is ever a word of the language. */
static void put_field(struct strbuf *out, const struct event_field *field)
{
	const char *name = field->name;

	switch (field->kind) {
	case EVENT_FIELD_UNSIGNED:
		strbuf_printf(out, "\t\tinteger { size = %u; align = 1; signed = false; } _%s;\n",
			field->bits, name);
		break;
	case EVENT_FIELD_SIGNED:
		strbuf_printf(out, "\t\tinteger { size = %u; align = 1; signed = true; } _%s;\n", field->bits,
			name);
		break;
	case EVENT_FIELD_HEX:
		strbuf_printf(out, "\t\tinteger { size = %u; align = 1; signed = false; base = 16; } _%s;\n",
			field->bits, name);
		break;
	case EVENT_FIELD_CODE:
		strbuf_printf(out, "\t\tcode%u_t _%s;\n", field->bits, name);
		break;
	case EVENT_FIELD_COMM:
		strbuf_printf(out, "\t\tchar_t _%s[16];\n", name);
		break;
	case EVENT_FIELD_TEXT:
		strbuf_printf(
			out, "\t\tuint16_t _%s_length;\n\t\tchar_t _%s[_%s_length];\n", name, name, name);
		break;
	case EVENT_FIELD_BYTES:
		strbuf_printf(
			out, "\t\tuint16_t _%s_length;\n\t\tuint8_t _%s[_%s_length];\n", name, name, name);
		break;
	}
}

static bool has_code(const struct event_schema *schema)
{
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
		const struct event_type *type = schema->types[id];

		for (unsigned i = 0; type && i < type->nr_fields; i++)
			if (type->fields[i].kind == EVENT_FIELD_CODE)
				return true;
	}
	return false;
}

static void put_event(struct strbuf *out, const struct event_type *type)
{
	strbuf_printf(out,
		"\nevent {\n\tname = \"%s\";\n\tid = %u;\n\tstream_id = 0;\n\tfields := struct {\n",
		type->name, type->id);
	for (unsigned i = 0; i < type->nr_fields; i++)
		put_field(out, &type->fields[i]);
	strbuf_puts(out, "\t};\n};\n");
}

int ctf_metadata_write(const struct ctf_metadata *metadata, int dir_fd, struct error *error)
{
	cleanup_strbuf struct strbuf out = STRBUF_EMPTY;
	int code;

	if (!metadata->clock_hz || metadata->offset_cycles >= metadata->clock_hz)
		return error_set(error, -EINVAL,
			"metadata: a clock of %" PRIu64 " Hz with %" PRIu64 " cycles of offset",
			metadata->clock_hz, metadata->offset_cycles);
	code = event_schema_check(metadata->schema, error);
	if (code)
		return error_add(error, "metadata"), code;
	put_trace(&out, metadata);
	put_env(&out, metadata);
	put_clock(&out, metadata);
	strbuf_puts(&out, CTF_LAYOUT_STREAM);
	if (has_code(metadata->schema))
		strbuf_puts(&out, "\n" CTF_LAYOUT_CODE);
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++)
		if (metadata->schema->types[id])
			put_event(&out, metadata->schema->types[id]);
	if (out.failed)
		return error_set(error, -ENOMEM, "metadata: %s", strerror(ENOMEM));
	return file_replace(dir_fd, "metadata", out.data, out.length, error);
}
