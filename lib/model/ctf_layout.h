/* SPDX-License-Identifier: MIT */
/*
 * What never differs between our traces: the layout of packets and record headers, as TSDL text (CTF 1.8,
 * https://diamon.org/ctf/, sections 5 to 7) and as C. The writer writes the text, the reader insists on it.
 */
#pragma once
#include <stdint.h>

#define CTF_MAGIC              0xc1fc1fc1u
#define CTF_METADATA_SIGNATURE "/* CTF 1.8 */"

/* On disk in front of every packet's records. */
struct ctf_packet_header {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id;       /* 0 */
	uint64_t timestamp_begin; /* guest TSC */
	uint64_t timestamp_end;
	uint64_t content_size;     /* bits, from the header on */
	uint64_t packet_size;      /* bits; CTF_PADDING_BYTES of zeros or more follow the records */
	uint64_t packet_seq_num;   /* counts this file's packets, from 0 */
	uint64_t events_discarded; /* lost so far in this stream, all causes */
	uint32_t cpu_id;
	uint32_t current_pid; /* the task running at timestamp_begin */
	uint32_t events;      /* records in this packet */
	uint32_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct ctf_packet_header) == 88, "as the text below says");

#define CTF_PADDING_BYTES 8 /* so that 8-byte loads are safe wherever a field begins */

/* clang-format off */
#define CTF_LAYOUT_TYPES \
	"typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n" \
	"typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n" \
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n" \
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n" \
	"typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := char_t;\n"

#define CTF_LAYOUT_PACKET_HEADER \
	"\tbyte_order = le;\n" \
	"\tpacket.header := struct {\n" \
	"\t\tuint32_t magic;\n" \
	"\t\tuint8_t uuid[16];\n" \
	"\t\tuint32_t stream_id;\n" \
	"\t};\n"

/* align = 1 (bit): an alignment of 8 would move the whole struct `extended` to the next byte */
#define CTF_LAYOUT_STREAM \
	"typealias integer { size = 27; align = 1; signed = false; map = clock.tsc.value; } := tsc27_t;\n" \
	"typealias integer { size = 64; align = 1; signed = false; map = clock.tsc.value; } := tsc64_t;\n" \
	"\n" \
	"stream {\n" \
	"\tid = 0;\n" \
	"\tpacket.context := struct {\n" \
	"\t\ttsc64_t timestamp_begin;\n" \
	"\t\ttsc64_t timestamp_end;\n" \
	"\t\tuint64_t content_size;\n" \
	"\t\tuint64_t packet_size;\n" \
	"\t\tuint64_t packet_seq_num;\n" \
	"\t\tuint64_t events_discarded;\n" \
	"\t\tuint32_t cpu_id;\n" \
	"\t\tuint32_t current_pid;\n" \
	"\t\tuint32_t events;\n" \
	"\t\tuint32_t reserved;\n" \
	"\t};\n" \
	"\tevent.header := struct {\n" \
	"\t\tenum : integer { size = 5; align = 1; signed = false; } { compact = 0 ... 30, extended = 31 } id;\n" \
	"\t\tvariant <id> {\n" \
	"\t\t\tstruct {\n" \
	"\t\t\t\ttsc27_t timestamp;\n" \
	"\t\t\t} compact;\n" \
	"\t\t\tstruct {\n" \
	"\t\t\t\tinteger { size = 27; align = 1; signed = false; } id;\n" \
	"\t\t\t\ttsc64_t timestamp;\n" \
	"\t\t\t} extended;\n" \
	"\t\t} v;\n" \
	"\t} align(8);\n" \
	"};\n"

/* Only where events have such fields; env says what 24 bits count from. */
#define CTF_LAYOUT_CODE \
	"typealias integer { size = 24; align = 1; signed = false; base = 16; } := code24_t;\n" \
	"typealias integer { size = 32; align = 1; signed = false; base = 16; } := code32_t;\n"
/* clang-format on */
