/* SPDX-License-Identifier: MIT */
/* What the JSON of `vcpu`, `exits`, `latency` and `clocks` has in common. New references. */
#pragma once
#include <jansson.h>
#include "lib/base/histogram.h"
#include "tools/hypertrace/joint_feed.h"
#include "tools/hypertrace/json_put.h"

/* The document: start, duration, machines, what was lost and what is damaged. */
json_t *joint_json_head(const struct joint_feed *feed);

/* { host, vm, machine?, vcpu, tid } */
json_t *joint_json_vcpu(const struct joint_feed *feed, uint32_t number);

/* { count, total_ns, min_ns, mean_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns } */
json_t *joint_json_histogram(const struct histogram *histogram);

/* ns since the trace's start */
uint64_t joint_json_since(const struct joint_feed *feed, uint64_t at_ns);
