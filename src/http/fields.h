/*
 * Fields as data: a table says what an input may hold, a walker reads it from a JSON object or from the query into
 * a struct and notes every fault with its pointer, not only the first.
 *
 *   struct lot_input { struct uuid product_id; const char *code; ... };
 *   static const struct field lot_fields[] = {
 *           FIELD(struct lot_input, product_id, UUID, REQUIRED),
 *           FIELD(struct lot_input, code, TEXT, REQUIRED, .max = 20, .check = gs1_lot_code),
 *           END_OF_FIELDS,
 *   };
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"
#include "http/json.h"
#include "http/request.h"

/* The C type each reads into, and what an absent OPTIONAL one leaves there. */
enum field_type {
	FIELD_TEXT =
		1, /* const char *, NULL       max and min count characters (default 1-200); no control characters
	                   but, with .multiline, newline and tab; kept byte for byte */
	FIELD_DECIMAL, /* const char *, NULL       decimal string or number, exact: "12.50" stays "12.50", 1e3 becomes
	                   "1000"; .digits before and .scale after the point, .low and .high inclusive bounds as text,
	                   .positive */
	FIELD_INTEGER, /* int64_t, .preset         .low_integer, .high_integer */
	FIELD_BOOLEAN, /* bool, false */
	FIELD_UUID,    /* struct uuid, nil */
	FIELD_DATE,    /* int32_t days, NO_DATE    .not_future */
	FIELD_TIME, /* int64_t wall us, NO_TIME .not_future (five minutes of grace for clocks that are fast) */
	FIELD_CHOICE, /* int, -1                  index into .choices, NULL at its end */
};

#define NO_DATE INT32_MIN
#define NO_TIME INT64_MIN

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	bool required, positive, not_future, multiline;
	int min, max;
	int digits, scale;
	const char *low, *high;
	int64_t preset, low_integer, high_integer;
	const char *const *choices;
	enum err (*check)(const char *text); /* a further rule on a TEXT: ERR_NONE or what is wrong */
	const char *doc;                     /* one line for the OpenAPI document */
};

#define REQUIRED true
#define OPTIONAL false
#define FIELD(container, member, kind, need, ...)                                                            \
	FIELD_NAMED(container, member, #member, kind, need, __VA_ARGS__)
/* The same where the public name is not the member's. */
#define FIELD_NAMED(container, member, public_name, kind, need, ...)                                         \
	{                                                                                                    \
		.name = (public_name), .type = FIELD_##kind, .offset = offsetof(container, member),          \
		.required = (need), __VA_ARGS__                                                              \
	}
#define END_OF_FIELDS                                                                                        \
	{                                                                                                    \
		.name = NULL                                                                                 \
	}

/* What an endpoint takes: its fields, the size of the struct they make, and where they stand. */
struct input {
	const struct field *fields;
	size_t size;
	bool in_query; /* else a JSON object in the body */
};

/*
 * Reads the request's body or query into a new struct. Faults found are added to `faults`.
 * -ERR_UNSUPPORTED_TYPE: the body's type is not application/json or it is encoded. -ERR_BAD_JSON; -ERR_INVALID
 * with faults (body: pointer "/name"; query: "?name" with -ERR_BAD_QUERY). A null counts as absent.
 */
MUST_CHECK int fields_read(const struct request *req, const struct input *input, struct arena *arena,
	struct faults *faults, void **ret_struct);

/* Shared by every list. */
struct page_query {
	int64_t limit;
	const char *cursor;
};
#define PAGE_FIELDS(container)                                                                               \
	FIELD_NAMED(container, page.limit, "limit", INTEGER, OPTIONAL, .preset = 50, .low_integer = 1,       \
		.high_integer = 200),                                                                        \
		FIELD_NAMED(container, page.cursor, "cursor", TEXT, OPTIONAL, .max = 200)

/* GS1 rules (General Specifications): check digit mod 10 over 8, 12, 13 or 14 digits; 13 for a GLN; AI (10) lot codes
 * of 1-20 characters of set 82. */
enum err gs1_gtin(const char *text);
enum err gs1_gln(const char *text);
enum err gs1_lot_code(const char *text);
/* GTIN-8/12/13 padded left to the 14 digits everything is stored and compared in. */
void gs1_gtin14(const char *gtin, char ret_gtin14[15]);

#endif
