/*
 * JSON in and out. In: a strict scanner (RFC 8259, valid UTF-8) decides what is JSON, then cJSON builds the tree, in
 * the arena; numbers keep their text, so that no quantity passes through a double. Out: a writer into a buf.
 * The only file that includes <cJSON.h> is json.c; json_scan.c is the scanner, json_write.c the writer.
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "http/response.h"

enum {
	JSON_DEPTH_MAX = 32,
	JSON_MEMBERS_MAX = 256, /* of an object: names are compared pairwise, 256 * 255 / 2 = 33 000 looks */
	JSON_NAME_MAX = 256,    /* bytes of a name */
	/* Values of all kinds in one text. Each is a node of 64 bytes and at worst two small pieces beside it: 2^18 * 96 =
	 * 24 MiB of the arena, where 1 MiB of "[0,0,…]" would have twice as many. */
	JSON_VALUES_MAX = 1 << 18,
	/* The longest pointer to a fault: at each level a slash and a name in which every byte is escaped. */
	JSON_POINTER_MAX = JSON_DEPTH_MAX * (1 + 2 * JSON_NAME_MAX),
};

struct json; /* a node of a parsed text; lives in the arena it was parsed into */

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/*
 * Parses `n` bytes (NUL-terminated one further; NUL bytes inside are not JSON). Any value may be the root.
 * -ERR_BAD_JSON: not RFC 8259, or not UTF-8.
 * -ERR_INVALID: JSON, but one of our rules is broken - deeper than JSON_DEPTH_MAX (too_deep), \u0000 (nul_character), a
 * lone surrogate escape (bad_character), a key twice in one object (duplicate_field), more members than
 * JSON_MEMBERS_MAX, more values than JSON_VALUES_MAX or a name longer than JSON_NAME_MAX (too_long). Each place is added
 * to `faults` with its pointer, in which a longer name is cut. What lies too deep is only checked for being JSON.
 * -ERR_INTERNAL: cJSON does not take what RFC 8259 allows (a defect of ours, not of the text).
 */
MUST_CHECK int json_parse(
	struct arena *arena, const char *text, size_t n, struct faults *faults, const struct json **ret_root);

enum json_type json_type(const struct json *node);
const char *json_text(const struct json *node); /* a string's characters, a number's own digits; else NULL */
const char *json_key(const struct json *node);  /* name within its object; NULL elsewhere */
const struct json *json_first(const struct json *node); /* of an array or object; NULL when empty */
const struct json *json_next(const struct json *node);
const struct json *json_get(const struct json *object, const char *key); /* exact, or NULL */

#define json_for_each(child, node)                                                                           \
	for (const struct json *child = json_first(node); child; child = json_next(child))

/* Appends "/name" to a JSON pointer, with ~ and / escaped (RFC 6901 section 3). */
void json_pointer_add(struct buf *pointer, const char *name, size_t n);

/* Writing. A writer puts the commas; names and strings are escaped as RFC 8259 section 7 demands and no more. */
struct json_writer {
	struct buf *out;
	bool comma;
};

void json_begin(struct json_writer *w, struct buf *out);
void json_open(struct json_writer *w, char bracket);  /* '{' or '[' */
void json_close(struct json_writer *w, char bracket); /* '}' or ']' */
void json_name(struct json_writer *w, const char *name);
void json_string(struct json_writer *w, const char *text); /* valid UTF-8; NULL writes null */
void json_integer(struct json_writer *w, int64_t value);
void json_boolean(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
void json_raw(struct json_writer *w, const char *text, size_t n); /* a whole value, already JSON */
void json_uuid(struct json_writer *w, struct uuid id);            /* nil writes null */
void json_time(struct json_writer *w, int64_t wall);              /* RFC 3339; INT64_MIN writes null */
void json_date(struct json_writer *w, int32_t days);              /* INT32_MIN writes null */

/* "name":value in one call, inside an object; json_put_open() only begins one, '{' or '['. */
void json_put_open(struct json_writer *w, const char *name, char bracket);
void json_put_raw(
	struct json_writer *w, const char *name, const char *value); /* a whole value, already JSON */
void json_put_string(struct json_writer *w, const char *name, const char *text);
void json_put_integer(struct json_writer *w, const char *name, int64_t value);
/* A number with three decimals, not below 0: microseconds as milliseconds. */
void json_put_thousandths(struct json_writer *w, const char *name, int64_t thousandths);
void json_put_boolean(struct json_writer *w, const char *name, bool value);
void json_put_uuid(struct json_writer *w, const char *name, struct uuid id);
void json_put_time(struct json_writer *w, const char *name, int64_t wall);

#endif
