/* SPDX-License-Identifier: MIT */
#include "lib/reader/ctf_metadata_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/model/ctf_layout.h"
#include "lib/reader/tsdl_lexer.h"

struct parser {
	struct tsdl_lexer lexer;
	struct tsdl_token token; /* the next one */
	struct error *error;
	int code; /* the first error's; nothing is parsed after it */
};

static void step(struct parser *parser)
{
	parser->token = tsdl_next(&parser->lexer);
}

/* The token as a message may show it. */
static const char *shown(const struct tsdl_token *token, char out[80])
{
	char escaped[4 * 16];
	size_t length = token->length > 16 ? 16 : token->length;

	if (token->kind == TSDL_END)
		return "the end of the file";
	if (!length)
		return "a string or comment that does not end";
	snprintf(out, 80, "\"%.*s\"", (int)text_escape(escaped, token->at, length), escaped);
	return out;
}

static void unexpected(struct parser *parser, const char *wanted)
{
	char out[80];

	if (!parser->code)
		parser->code = error_set(parser->error, -EINVAL, "line %u: %s where %s was expected",
			parser->token.line, shown(&parser->token, out), wanted);
}

static void expect(struct parser *parser, const char *text)
{
	char wanted[80];

	if (parser->code)
		return;
	if (tsdl_is(&parser->token, text)) {
		step(parser);
		return;
	}
	snprintf(wanted, sizeof(wanted), "\"%s\"", text);
	unexpected(parser, wanted);
}

/* All the tokens of a piece of TSDL. */
static void expect_text(struct parser *parser, const char *text)
{
	struct tsdl_lexer lexer = {text, text + strlen(text), 1};

	for (struct tsdl_token want = tsdl_next(&lexer); want.kind != TSDL_END && !parser->code;
		want = tsdl_next(&lexer)) {
		char word[80];

		snprintf(word, sizeof(word), "%.*s", (int)want.length, want.at);
		expect(parser, word);
	}
}

static uint64_t get_number(struct parser *parser, uint64_t max)
{
	uint64_t value = 0;

	if (parser->code)
		return 0;
	if (parser->token.kind != TSDL_NUMBER ||
		text_parse_unsigned(parser->token.at, parser->token.length, max, &value))
		unexpected(parser, "a number in its range");
	else
		step(parser);
	return value;
}

static void get_string(struct parser *parser, char *out, size_t room)
{
	out[0] = '\0';
	if (parser->code)
		return;
	if (parser->token.kind != TSDL_STRING) {
		unexpected(parser, "a text in quotes");
		return;
	}
	tsdl_string(&parser->token, out, room);
	step(parser);
}

/* A name with the underscore that keeps it apart from keywords; returned without. */
static void get_name(struct parser *parser, char out[EVENT_NAME_BYTES])
{
	const struct tsdl_token *token = &parser->token;

	out[0] = '\0';
	if (parser->code)
		return;
	if (token->kind != TSDL_WORD || token->at[0] != '_' || token->length < 2 ||
		token->length > EVENT_NAME_BYTES) {
		unexpected(parser, "the name of a field");
		return;
	}
	memcpy(out, token->at + 1, token->length - 1);
	out[token->length - 1] = '\0';
	step(parser);
}

static void parse_uuid(struct parser *parser, uint8_t uuid[16])
{
	unsigned line = parser->token.line;
	char text[37];
	int at = 0;

	get_string(parser, text, sizeof(text));
	for (int i = 0; i < 16 && !parser->code; i++) {
		unsigned value;

		at += text[at] == '-';
		if (strspn(text + at, "0123456789abcdef") < 2 || sscanf(text + at, "%2x", &value) != 1) {
			parser->code = error_set(parser->error, -EINVAL, "line %u: not a UUID", line);
			return;
		}
		uuid[i] = (uint8_t)value;
		at += 2;
	}
}

static void parse_trace(struct parser *parser, struct ctf_description *description)
{
	expect_text(parser, CTF_LAYOUT_TYPES "trace { major = 1; minor = 8; uuid =");
	parse_uuid(parser, description->uuid);
	expect_text(parser, ";" CTF_LAYOUT_PACKET_HEADER "};");
}

static uint64_t get_address(struct parser *parser, const char *text, unsigned line)
{
	char *end;
	const uint64_t address = strtoull(text, &end, 16);

	if (!parser->code && (strncmp(text, "0x", 2) || end == text + 2 || *end))
		parser->code = error_set(parser->error, -EINVAL, "line %u: not an address", line);
	return address;
}

static void parse_env(struct parser *parser, struct trace_machine_info *env)
{
	const struct {
		const char *name;
		char *out;
		size_t room;
	} known[] = {
		{"hostname", env->hostname, sizeof(env->hostname)},
		{"machine", env->name, sizeof(env->name)},
		{"kernel_release", env->release, sizeof(env->release)},
		{"kernel_version", env->version, sizeof(env->version)},
		{"channel", env->channel, sizeof(env->channel)},
	};

	env->text_address = 0;
	expect_text(parser, "env {");
	while (!parser->code && parser->token.kind == TSDL_WORD) {
		struct tsdl_token name = parser->token;
		char value[256];

		step(parser);
		expect(parser, "=");
		get_string(parser, value, sizeof(value));
		expect(parser, ";");
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (tsdl_is(&name, known[i].name))
				snprintf(known[i].out, known[i].room, "%s", value);
		if (tsdl_is(&name, "text_address"))
			env->text_address = get_address(parser, value, name.line);
	}
	expect_text(parser, "};");
}

static void parse_clock(struct parser *parser, struct ctf_description *description)
{
	unsigned line = parser->token.line;
	char text[256];
	bool negative;

	expect_text(parser, "clock { name = tsc; description =");
	get_string(parser, text, sizeof(text));
	expect_text(parser, "; freq =");
	description->clock_hz = get_number(parser, UINT64_MAX);
	expect_text(parser, "; precision =");
	description->precision_cycles = get_number(parser, UINT64_MAX);
	expect_text(parser, "; offset_s =");
	negative = !parser->code && tsdl_is(&parser->token, "-");
	if (negative)
		step(parser);
	description->offset_s = (int64_t)get_number(parser, INT64_MAX);
	if (negative)
		description->offset_s = -description->offset_s;
	expect_text(parser, "; offset =");
	description->offset_cycles = get_number(parser, UINT64_MAX);
	expect_text(parser, "; absolute = TRUE; };");
	if (!parser->code && (!description->clock_hz || description->offset_cycles >= description->clock_hz))
		parser->code = error_set(
			parser->error, -EINVAL, "line %u: a clock with an impossible rate or offset", line);
}

/* Says where the schema refused something; to the caller it is all bad metadata. */
static void refused(struct parser *parser, int code, unsigned line)
{
	parser->code = code == -ENOMEM ? code : -EINVAL;
	error_add(parser->error, "line %u", line);
	if (parser->error)
		parser->error->code = parser->code;
}

static void add_field(struct parser *parser, struct event_type *type, const char *name,
	enum event_field_kind kind, unsigned bits, unsigned line)
{
	int code;

	if (parser->code)
		return;
	code = event_type_add_field(type, name, kind, bits, parser->error);
	if (code)
		refused(parser, code, line);
}

static void parse_integer(struct parser *parser, struct event_type *type, unsigned line)
{
	enum event_field_kind kind = EVENT_FIELD_UNSIGNED;
	char name[EVENT_NAME_BYTES];
	unsigned bits;

	expect_text(parser, "integer { size =");
	bits = (unsigned)get_number(parser, 64);
	expect_text(parser, "; align = 1; signed =");
	if (!parser->code && tsdl_is(&parser->token, "true")) {
		kind = EVENT_FIELD_SIGNED;
		step(parser);
	} else {
		expect(parser, "false");
	}
	expect(parser, ";");
	if (!parser->code && kind == EVENT_FIELD_UNSIGNED && tsdl_is(&parser->token, "base")) {
		kind = EVENT_FIELD_HEX;
		expect_text(parser, "base = 16;");
	}
	expect(parser, "}");
	get_name(parser, name);
	expect(parser, ";");
	/* before there was code32_t */
	if (kind == EVENT_FIELD_HEX && bits == 32 && !strncmp(type->name, "func_", 5) &&
		!strcmp(name, "function"))
		kind = EVENT_FIELD_CODE;
	add_field(parser, type, name, kind, bits, line);
}

/* "uint16_t _x_length; char_t _x[_x_length];" */
static void parse_sequence(struct parser *parser, struct event_type *type, unsigned line)
{
	char length_name[EVENT_NAME_BYTES], name[EVENT_NAME_BYTES], wanted[EVENT_NAME_BYTES + 16];
	bool text;

	expect(parser, "uint16_t");
	get_name(parser, length_name);
	expect(parser, ";");
	text = !parser->code && tsdl_is(&parser->token, "char_t");
	expect(parser, text ? "char_t" : "uint8_t");
	get_name(parser, name);
	snprintf(wanted, sizeof(wanted), "_%s_length", name);
	if (!parser->code && strcmp(length_name, wanted + 1))
		parser->code = error_set(parser->error, -EINVAL,
			"line %u: the length of field %s is called %s", line, name, length_name);
	expect(parser, "[");
	expect(parser, wanted);
	expect_text(parser, "];");
	add_field(parser, type, name, text ? EVENT_FIELD_TEXT : EVENT_FIELD_BYTES, 0, line);
}

static void parse_comm(struct parser *parser, struct event_type *type, unsigned line)
{
	char name[EVENT_NAME_BYTES];

	expect(parser, "char_t");
	get_name(parser, name);
	expect_text(parser, "[16];");
	add_field(parser, type, name, EVENT_FIELD_COMM, 0, line);
}

/* "code24_t _x;" */
static void parse_code(struct parser *parser, struct event_type *type, unsigned line)
{
	const unsigned bits = tsdl_is(&parser->token, "code24_t") ? 24 : 32;
	char name[EVENT_NAME_BYTES];

	step(parser);
	get_name(parser, name);
	expect(parser, ";");
	add_field(parser, type, name, EVENT_FIELD_CODE, bits, line);
}

static void parse_event(struct parser *parser, struct event_schema *schema)
{
	unsigned line = parser->token.line;
	struct event_type *type = NULL;
	char name[EVENT_NAME_BYTES];
	uint32_t id;

	expect_text(parser, "event { name =");
	get_string(parser, name, sizeof(name));
	expect_text(parser, "; id =");
	id = (uint32_t)get_number(parser, EVENT_TYPES_MAX - 1);
	expect_text(parser, "; stream_id = 0; fields := struct {");
	if (!parser->code) {
		int code = event_schema_add_type(schema, id, name, &type, parser->error);

		if (code)
			refused(parser, code, line);
	}
	while (!parser->code && !tsdl_is(&parser->token, "}")) {
		line = parser->token.line;
		if (tsdl_is(&parser->token, "integer"))
			parse_integer(parser, type, line);
		else if (tsdl_is(&parser->token, "char_t"))
			parse_comm(parser, type, line);
		else if (tsdl_is(&parser->token, "code24_t") || tsdl_is(&parser->token, "code32_t"))
			parse_code(parser, type, line);
		else if (tsdl_is(&parser->token, "uint16_t"))
			parse_sequence(parser, type, line);
		else
			unexpected(parser, "a field");
	}
	expect_text(parser, "}; };");
}

int ctf_metadata_parse(
	struct ctf_description *description, const char *text, size_t bytes, struct error *error)
{
	static const char signature[] = CTF_METADATA_SIGNATURE;
	struct parser parser = {.lexer = {text, text + bytes, 1}, .error = error};

	*description = (struct ctf_description){0};
	if (bytes < sizeof(signature) - 1 || memcmp(text, signature, sizeof(signature) - 1)) {
		error_set(error, -ENOTSUP, "not the metadata of a hypertrace trace");
		error_hint(error, "babeltrace2 reads the traces of other programs");
		return -ENOTSUP;
	}
	description->schema = event_schema_create();
	if (!description->schema)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	step(&parser);
	parse_trace(&parser, description);
	parse_env(&parser, &description->env);
	parse_clock(&parser, description);
	expect_text(&parser, CTF_LAYOUT_STREAM);
	if (!parser.code && tsdl_is(&parser.token, "typealias"))
		expect_text(&parser, CTF_LAYOUT_CODE);
	while (!parser.code && parser.token.kind != TSDL_END)
		parse_event(&parser, description->schema);
	if (!parser.code)
		parser.code = event_schema_check(description->schema, error);
	event_schema_locate(description->schema, description->env.text_address);
	if (parser.code) {
		error_hint(error, "it is damaged, or of another program, whose traces babeltrace2 reads");
		event_schema_destroy(description->schema);
		description->schema = NULL;
	}
	return parser.code;
}
