/*
 * The strict scanner: is this text JSON (RFC 8259), and does it keep our own rules? No tree and no recursion, so that
 * a text of nothing but brackets costs no stack. json_parse() is its only caller.
 */
#ifndef HTTP_JSON_SCAN_H
#define HTTP_JSON_SCAN_H

#include <stddef.h>

#include "base/arena.h"
#include "base/base.h"
#include "http/response.h"

/* What the scanner hands to the tree builder. */
struct json_scan {
	/* The text with each number replaced by 0 and spaces: the builder need not, and cannot, make doubles of them. */
	char *text;
	/* The numbers as they were written, in their order, each NUL-terminated. */
	char *numbers;
};

/* `text` as json_parse() takes it; the errors and faults are those of json_parse(). */
MUST_CHECK int json_scan(
	struct arena *arena, const char *text, size_t n, struct faults *faults, struct json_scan *ret_scan);

#endif
