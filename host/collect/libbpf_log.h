/* SPDX-License-Identifier: MIT */
/* What libbpf would print on stderr, of this thread, kept for an error's text. */
#pragma once
#include "lib/base/error.h"

/* Between these two, libbpf is silent, and its warnings (the verifier's log among them) are kept. */
void libbpf_log_begin(void);
void libbpf_log_end(void);

/*
 * Says what failed, why as far as it is known, and what helps: -EPERM, -ENOTSUP (no BTF) and the like, or with the last
 * lines that libbpf or the verifier said. Returns `code`.
 */
int libbpf_log_error(int code, const char *what, struct error *error);
