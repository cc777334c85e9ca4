/*
 * Answers by their shape, as the row of the route table names it.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "ctx.h"

/* The UUID of the path's nth parameter; -ERR_NOT_FOUND for what is none and for the nil one: nothing has that id. */
MUST_CHECK int answer_id(const struct ctx *ctx, int n, struct uuid *ret_id);

/* Writes the struct at `from` as the route's shape into the body. */
void answer_body(struct ctx *ctx, const void *from);
/* The same as a text of its own, for the audit log; and in another shape, for a route that gives none. */
const char *answer_text(struct ctx *ctx, const void *from);
const char *answer_text_as(struct ctx *ctx, const struct shape *shape, const void *from);

/* 200 with the body. */
int answer_one(struct ctx *ctx, const void *from);
/* 200 with ETag "VERSION", or 304 when the client has that one. */
int answer_version(struct ctx *ctx, const void *from, int64_t version);

/* The body as it was written, of the type in the route's row. Whoever keeps it asks each time whether it is still the same,
 * so that a new release shows at once: 200, or 304. */
int answer_file(struct ctx *ctx);

#endif
