/*
 * A write as a handler sees it: store/write.h with who asks and under which Idempotency-Key filled in.
 *
 *   write_begin(ctx);
 *   … reads to be locked …
 *   TRY(write_check(ctx));
 *   … decide, append changes, build the answer …
 *   return write_created(ctx, CHANGES, &thing, "/v1/things/", thing.id);
 *
 * Each write leaves a row in the audit log, in its transaction: who and what is known here, ctx->writer's object_id, before and
 * reason are the handler's to set where the ends below do not, and what came of it is the answer's body.
 */
#ifndef API_WRITE_H
#define API_WRITE_H

#include "ctx.h"

/* The Idempotency-Key of a POST that creates, quoted (draft-ietf-httpapi-idempotency-key-header) or bare. NULL without one.
 * -ERR_BAD_IDEMPOTENCY_KEY: not 1-255 visible ASCII characters, or with a comma (two headers joined). */
MUST_CHECK int write_key(const struct request *req, struct arena *arena, const char **ret_key);

/* Step of the request's way: prepares ctx->writer for a route of CLASS_WRITE. -ERR_PRECONDITION_REQUIRED: a PATCH without
 * If-Match. */
MUST_CHECK int write_prepare(struct ctx *ctx);

void write_begin(struct ctx *ctx);
/* First round trip. Session and policy are looked at again, in the transaction. -ERR_REPLAYED: ctx->resp holds the stored
 * answer. */
MUST_CHECK int write_check(struct ctx *ctx);
/* Second round trip: `changes` statements were appended; the answer in ctx->resp is stored with them. Returns `status`. */
MUST_CHECK int write_commit(struct ctx *ctx, int changes, int status);

/* After the thing was read and locked: -ERR_PRECONDITION_FAILED when If-Match names another version of it. */
MUST_CHECK int write_match(struct ctx *ctx, int64_t version);

/* The usual end of a POST that creates: 201 with the struct at `from` in the route's shape and Location `prefix` + id. */
MUST_CHECK int write_created(
	struct ctx *ctx, int changes, const void *from, const char *prefix, struct uuid id);
/* The usual end of a PATCH: 200 with the struct as it is now, and its new ETag. */
MUST_CHECK int write_updated(struct ctx *ctx, int changes, const void *from, struct uuid id, int64_t version);

#endif
