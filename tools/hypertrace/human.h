/* SPDX-License-Identifier: MIT */
/* Numbers as people read them. Used as `printf("%s", human_ns(ns).text)`. */
#pragma once
#include <stdint.h>

struct human {
	char text[32];
};

struct human human_ns(uint64_t ns);       /* "812 ns", "1.23 us", "45.6 ms", "3.21 s", "1 h 02 m" */
struct human human_seconds(uint64_t ns);  /* "12.345678", of a moment */
struct human human_count(uint64_t count); /* "1,234,567" */
struct human human_bytes(uint64_t bytes); /* "512 B", "1.5 MiB" */
struct human human_share(uint64_t part, uint64_t whole); /* "12.3 %"; "-" of nothing */
