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
#include "base/clock.h"
#include "base/err.h"
#include "http/gs1.h"
#include "http/json.h"
#include "http/request.h"

/*
 * The C type each reads into, what an absent OPTIONAL one leaves there, and the rules that its row may set.
 *
 * TEXT     const char *, NULL    .min and .max count characters (1 and 200 where unset); no control characters (C0, DEL,
 *                                C1) but, with .multiline, newline and tab; kept byte for byte; a REQUIRED one is more
 *                                than white space; .check is a further rule
 * DECIMAL  const char *, NULL    decimal string or number, exact (http/decimal.h): "12.50" stays "12.50", 1e3 becomes
 *                                "1000"; .digits before and .scale after the point (both unset: 11 and 3, what
 *                                NUMERIC(14,3) holds), .low and .high inclusive bounds as text, .positive: above 0
 * INTEGER  int64_t, .preset      digits, with a minus perhaps; .low_integer and .high_integer inclusive (both 0: none)
 * FLAG     int, -1               true as 1, false as 0; absent is neither: a PATCH leaves it as it is
 * UUID     struct uuid, nil      hexadecimal digits of either case, not all of them 0
 * DATE     int32_t days, NO_DATE .not_future by the UTC date, with the same grace as TIME
 * TIME     int64_t us, NO_TIME   wall time; .not_future, with FUTURE_GRACE_US for clocks that are fast
 * CHOICE   int, -1               index into .choices, NULL at its end
 */
enum field_type {
	FIELD_TEXT = 1,
	FIELD_DECIMAL,
	FIELD_INTEGER,
	FIELD_FLAG,
	FIELD_UUID,
	FIELD_DATE,
	FIELD_TIME,
	FIELD_CHOICE,
};

/* What holds where a row sets no rule of its own. */
enum { FIELD_TEXT_MIN = 1, FIELD_TEXT_MAX = 200, FIELD_DECIMAL_DIGITS = 11, FIELD_DECIMAL_SCALE = 3 };

#define FUTURE_GRACE_US (5 * 60 * US_PER_SECOND)
#define NO_DATE         INT32_MIN
#define NO_TIME         INT64_MIN

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	bool required, positive, not_future, multiline;
	bool password; /* a TEXT that is hashed, and kept nowhere as it came */
	int min, max;
	int digits, scale;
	const char *low, *high;
	int64_t preset, low_integer, high_integer;
	const char *const *choices;
	enum err (*check)(const char *text); /* a further rule on a TEXT: ERR_NONE or what is wrong */
	const char *doc;                     /* one line for the OpenAPI document */
	const char *example;                 /* for the same, as text */
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
	bool partial;  /* a PATCH: nothing is REQUIRED, what is absent stays as it is */
};

/* Whether a field of it is a password: who takes one, hashes. */
bool input_takes_password(const struct input *input);

/*
 * Reads the request's body or query into a new struct, *ret_struct, written only when all is well.
 * -ERR_UNSUPPORTED_TYPE: the body's type is not application/json or it is encoded. -ERR_BAD_JSON: it is not JSON, or
 * nothing. -ERR_INVALID, and -ERR_BAD_QUERY for a query: every fault found is added to `faults`, with pointer "/name"
 * ("" for a body that is no object) or, in a query, "?name". A null counts as absent.
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
		.high_integer = 200, .doc = "most items of a page", .example = "50"),                        \
		FIELD_NAMED(container, page.cursor, "cursor", TEXT, OPTIONAL, .max = 200,                    \
			.doc = "next_cursor of the page before", .example = "AZqzxH1SfBqfHjtvCl0sQQ")

#endif
