/*
 * Shapes as data: what an answer holds. One table serves the writer, which turns a struct into JSON, and the OpenAPI document,
 * which tells clients what to expect; what goes out and what is promised cannot differ.
 *
 *   static const struct member product_members[] = {
 *           MEMBER(struct product, id, UUID, ALWAYS),
 *           MEMBER(struct product, variety, TEXT, NULLABLE, .example = "Hass"),
 *           END_OF_MEMBERS,
 *   };
 *   const struct shape product_shape = { "Product", product_members, sizeof(struct product) };
 */
#ifndef HTTP_SHAPE_H
#define HTTP_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/json.h"

/*
 * The C type each is written from; what is said of it as NULL is written null and allowed to a NULLABLE member only.
 *
 * TEXT     const char *, NULL
 * DECIMAL  const char *, NULL    exact, as a JSON string
 * INTEGER  int64_t
 * BOOLEAN  bool
 * UUID     struct uuid, nil
 * DATE     int32_t days, INT32_MIN
 * TIME     int64_t wall us, INT64_MIN
 * DIGEST   uint8_t[32]           as 64 hexadecimal digits
 * JSON     const char *, NULL    text that is JSON already
 * OBJECT   const void *, NULL    of .shape
 * WITHIN   a struct in its place of .shape
 * ARRAY    const void *          of .shape, as many as the int64_t at .count says
 */
enum member_type {
	MEMBER_TEXT = 1,
	MEMBER_DECIMAL,
	MEMBER_INTEGER,
	MEMBER_BOOLEAN,
	MEMBER_UUID,
	MEMBER_DATE,
	MEMBER_TIME,
	MEMBER_DIGEST,
	MEMBER_JSON,
	MEMBER_OBJECT,
	MEMBER_WITHIN,
	MEMBER_ARRAY,
};

struct shape;

struct member {
	const char *name;
	enum member_type type;
	size_t offset;
	bool nullable;
	const struct shape *shape;
	size_t count;
	const char *const *choices; /* of a TEXT, NULL at its end; any text where unset */
	const char *doc;            /* one line */
	const char *example;        /* of a TEXT, DECIMAL or INTEGER; the others have one of their own */
};

struct shape {
	const char *name; /* in the document: "Product" */
	const struct member *members;
	size_t size; /* of the struct: elements of an array follow each other */
};

#define ALWAYS   false
#define NULLABLE true
#define MEMBER(container, member, kind, may_be_null, ...)                                                    \
	MEMBER_NAMED(container, member, #member, kind, may_be_null, __VA_ARGS__)
/* The same where the public name is not the member's. */
#define MEMBER_NAMED(container, member, public_name, kind, may_be_null, ...)                                 \
	{                                                                                                    \
		.name = (public_name), .type = MEMBER_##kind, .offset = offsetof(container, member),         \
		.nullable = (may_be_null), __VA_ARGS__                                                       \
	}
#define END_OF_MEMBERS                                                                                       \
	{                                                                                                    \
		.name = NULL                                                                                 \
	}

/* Writes the struct at `from` as one object. */
void shape_write(struct json_writer *w, const struct shape *shape, const void *from);

#endif
