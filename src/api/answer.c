/* From a struct to an answer, by the shape in the route's row. */
#include "api/answer.h"

#include <stdio.h>

#include "http/json.h"

int answer_id(const struct ctx *ctx, int n, struct uuid *ret_id)
{
	struct uuid id;

	if (uuid_parse(ctx->params[n], &id) || uuid_is_nil(id))
		return -ERR_NOT_FOUND;
	*ret_id = id;
	return 0;
}

static void write_to(struct buf *b, const struct shape *shape, const void *from)
{
	struct json_writer w;

	json_begin(&w, b);
	shape_write(&w, shape, from);
}

void answer_body(struct ctx *ctx, const void *from)
{
	write_to(&ctx->resp->body, ctx->route->output.shape, from);
}

const char *answer_text(struct ctx *ctx, const void *from)
{
	return answer_text_as(ctx, ctx->route->output.shape, from);
}

const char *answer_text_as(struct ctx *ctx, const struct shape *shape, const void *from)
{
	struct buf text;

	buf_init(&text, ctx->arena, RESPONSE_MAX);
	write_to(&text, shape, from);
	return text.data;
}

int answer_one(struct ctx *ctx, const void *from)
{
	answer_body(ctx, from);
	return response_json(ctx->resp, ctx->route->output.status);
}

int answer_version(struct ctx *ctx, const void *from, int64_t version)
{
	response_etag_version(ctx->resp, version);
	if (etag_matches(ctx->req->if_none_match, ctx->resp->etag))
		return ctx->resp->status = 304;
	return answer_one(ctx, from);
}

int answer_file(struct ctx *ctx)
{
	struct response *resp = ctx->resp;

	if (resp->body.full)
		return -ERR_INTERNAL;
	resp->status = ctx->route->output.status;
	resp->content_type = ctx->route->output.type;
	resp->cache_control = "no-cache";
	response_etag_body(resp, ctx->req);
	return resp->status;
}
