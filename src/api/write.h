/*
 * A write as a handler sees it: store/write.h with who asks and under which Idempotency-Key filled in.
 *
 *   write_begin(ctx);
 *   … reads to be locked …
 *   TRY(write_check(ctx));
 *   … decide, append changes, build the answer …
 *   return write_commit(ctx, CHANGES, response_created(ctx->resp, …));
 */
#ifndef API_WRITE_H
#define API_WRITE_H

#include "ctx.h"

/* The Idempotency-Key of a POST that creates, quoted (draft-ietf-httpapi-idempotency-key-header) or bare. NULL without one.
 * -ERR_BAD_IDEMPOTENCY_KEY: not 1-255 visible ASCII characters, or with a comma (two headers joined). */
MUST_CHECK int write_key(const struct request *req, struct arena *arena, const char **ret_key);

/* Step of the request's way: prepares ctx->writer for a route of CLASS_WRITE. */
MUST_CHECK int write_prepare(struct ctx *ctx);

void write_begin(struct ctx *ctx);
/* First round trip. Session and policy are looked at again, in the transaction. -ERR_REPLAYED: ctx->resp holds the stored
 * answer. */
MUST_CHECK int write_check(struct ctx *ctx);
/* Second round trip: `changes` statements were appended; the answer in ctx->resp is stored with them. Returns `status`. */
MUST_CHECK int write_commit(struct ctx *ctx, int changes, int status);

/* The usual end of a POST that creates: 201 with Location `prefix` + id. */
MUST_CHECK int write_created(struct ctx *ctx, int changes, const char *prefix, struct uuid id);

#endif
