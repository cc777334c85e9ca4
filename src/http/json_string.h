/*
 * A JSON string as it stands in a text (RFC 8259 section 7): finding its end, and what its escapes mean.
 */
#ifndef HTTP_JSON_STRING_H
#define HTTP_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

/* Between its quotes, known to be well-formed. */
struct json_string {
	const char *text, *end;
	bool escaped;        /* it has a backslash */
	bool nul;            /* it has \u0000 */
	bool lone_surrogate; /* it has half of a pair, by an escape */
};

/* *at is at the opening quote; moves past the closing one. The text must end in NUL. False: malformed, or not UTF-8;
 * *at is then where it stopped. */
MUST_CHECK bool json_string_scan(const char **at, struct json_string *ret_string);

/* The characters it stands for, as many whole ones as fit `size` bytes (no NUL is added); *ret_cut says that some did
 * not. What cannot be text (U+0000, half a pair) becomes U+FFFD. Returns the bytes written. */
size_t json_string_unescape(const struct json_string *string, char *to, size_t size, bool *ret_cut);

#endif
