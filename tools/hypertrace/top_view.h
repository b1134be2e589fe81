/* SPDX-License-Identifier: MIT */
/* What `hypertrace top` shows of a sample. */
#pragma once
#include "lib/base/strbuf.h"
#include "tools/hypertrace/top_sample.h"

/* A page: a line of heads, a table with a row for each guest and each vCPU, and what is not known. */
void top_view_text(const struct top_sample *sample, struct strbuf *out, bool colour);

/* One JSON object and a newline. */
void top_view_json(const struct top_sample *sample, struct strbuf *out);
