/* A write as a handler sees it. */
#include "api/write.h"

#include <string.h>

#include "api/answer.h"
#include "api/policy.h"
#include "crypto/password.h"

int write_key(const struct request *req, struct arena *arena, const char **ret_key)
{
	const char *key = req->idempotency_key;

	if (!key) {
		*ret_key = NULL;
		return 0;
	}
	size_t n = strlen(key);
	if (n >= 2 && key[0] == '"' && key[n - 1] == '"') {
		key++;
		n -= 2;
	}
	if (n < 1 || n > 255)
		return -ERR_BAD_IDEMPOTENCY_KEY;
	for (size_t i = 0; i < n; i++)
		if (key[i] <= ' ' || key[i] > '~' || key[i] == ',' || key[i] == '"')
			return -ERR_BAD_IDEMPOTENCY_KEY;
	*ret_key = arena_copy(arena, key, n);
	return 0;
}

/* What a key stands for: the same method, path and body. It is kept, so that a password in the body must not be quicker to guess
 * by it than by its own hash. */
static int fingerprint(const struct ctx *ctx, struct writer *w)
{
	const struct request *req = ctx->req;
	struct buf b;

	buf_init(&b, ctx->arena, REQUEST_BODY_MAX + 16384);
	buf_printf(&b, "%s %s\n", req->method_text, req->path);
	buf_add(&b, req->body, req->body_length);
	sha256(b.data, b.len, w->fingerprint);
	if (ctx->route->input && input_takes_password(ctx->route->input))
		return password_fingerprint(b.data, b.len, w->user_id.b, sizeof w->user_id.b, w->fingerprint);
	return 0;
}

int write_prepare(struct ctx *ctx)
{
	struct writer *w = &ctx->writer;

	ctx_stage(ctx, "handler");
	if (ctx->route->class != CLASS_WRITE || !ctx->has_session)
		return 0;
	if (ctx->route->method == HTTP_PATCH && !ctx->req->if_match)
		return -ERR_PRECONDITION_REQUIRED;
	*w = (struct writer){
		.user_id = ctx->session.user_id,
		.now = ctx->now,
		.organization_id = ctx->session.organization_id,
		.request_id = ctx->req->request_id,
		.action = arena_printf(ctx->arena, "%s %s", ctx->req->method_text, ctx->route->path),
	};
	memcpy(w->access_hash, ctx->access_hash, sizeof w->access_hash);
	if (ctx->route->method == HTTP_POST)
		TRY(write_key(ctx->req, ctx->arena, &w->key));
	return w->key ? fingerprint(ctx, w) : 0;
}

void write_begin(struct ctx *ctx)
{
	store_write_begin(ctx->db, &ctx->writer);
}

int write_check(struct ctx *ctx)
{
	struct answer stored;

	ctx_stage(ctx, "check");
	int err = store_write_check(ctx->db, &ctx->writer, &ctx->session, &stored);
	if (err && err != -ERR_REPLAYED && err != -ERR_KEY_REUSED)
		return err;
	/* First: whoever may not ask this any more learns nothing of what was answered before. */
	TRY(policy_admits(ctx->route, &ctx->session));
	if (err == -ERR_REPLAYED) {
		buf_add_text(&ctx->resp->body, stored.body);
		response_json(ctx->resp, stored.status);
		ctx->resp->location = stored.location;
		ctx->resp->replayed = true;
	}
	return err;
}

int write_match(struct ctx *ctx, int64_t version)
{
	response_etag_version(ctx->resp, version);
	return etag_matches(ctx->req->if_match, ctx->resp->etag) ? 0 : -ERR_PRECONDITION_FAILED;
}

int write_created(struct ctx *ctx, int changes, const void *from, const char *prefix, struct uuid id)
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(id, text);
	ctx->writer.object_id = id;
	answer_body(ctx, from);
	return write_commit(ctx, changes, response_created(ctx->resp, "%s%s", prefix, text));
}

int write_updated(struct ctx *ctx, int changes, const void *from, struct uuid id, int64_t version)
{
	ctx->writer.object_id = id;
	answer_body(ctx, from);
	response_etag_version(ctx->resp, version);
	return write_commit(ctx, changes, response_json(ctx->resp, 200));
}

int write_commit(struct ctx *ctx, int changes, int status)
{
	const struct answer answer = {
		.status = status,
		.location = ctx->resp->location,
		.body = ctx->resp->body.len ? ctx->resp->body.data : "",
	};

	if (status < 0)
		return status;
	ctx_stage(ctx, "commit");
	TRY(store_write_commit(ctx->db, &ctx->writer, &answer, changes));
	return status;
}
