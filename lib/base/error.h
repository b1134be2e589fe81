/* SPDX-License-Identifier: MIT */
/*
 * An error with its chain of causes and a hint.
 *
 * Library functions neither print nor exit. They return 0 (or a count) on success and a negative errno on
 * failure, and describe the failure in the `struct error` the caller passed (NULL: the caller does not care).
 * The innermost layer calls error_set(); each layer above may add what it was doing with error_add(), and
 * anyone who knows a remedy sets error_hint() (the first hint wins: it knows most).
 *
 * Shown as
 *     hypertrace: cannot record: region /dev/shm/vm1: header: version 7, this program reads 1
 *     hint: build hypertrace.ko of the same version
 */
#pragma once
#include <stdarg.h>

#define ERROR_TEXT_BYTES 1024
#define ERROR_HINT_BYTES 512

struct error {
	int code;                    /* negative errno, 0: no error */
	char text[ERROR_TEXT_BYTES]; /* outermost cause first, joined by ": " */
	char hint[ERROR_HINT_BYTES]; /* what the user can do, or "" */
};

/* Sets code and text (replacing what was there). Returns code, so that callers can `return error_set(...)`. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of the existing text. Returns the existing code; -EIO if error is NULL, never success. */
int error_add(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the hint unless one is set already. Returns as error_add() does. */
int error_hint(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
