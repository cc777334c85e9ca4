/* Health: what this task knows about itself. Never a look at PostgreSQL or Redis: an outage of a shared store must not get
 * healthy tasks killed. */
#include "api/handlers.h"
#include "api/metrics.h"
#include "api/status.h"
#include "http/json.h"
#include "pool/view.h"

static int health_answer(struct ctx *ctx, bool good, const char *word)
{
	struct json_writer w;
	struct pool_view pool;

	ctx->resp->cache_control = "no-store";
	if (!good)
		return -ERR_UNAVAILABLE;
	view_pool(ctx->scoreboard, &pool);
	json_begin(&w, &ctx->resp->body);
	json_open(&w, '{');
	json_put_string(&w, "status", word);
	json_put_string(&w, "version", pool.version);
	json_put_string(&w, "revision", pool.revision);
	json_close(&w, '}');
	return response_json(ctx->resp, 200);
}

int health_live(struct ctx *ctx)
{
	return health_answer(ctx, pool_is_alive(ctx->scoreboard), "alive");
}

int health_ready(struct ctx *ctx)
{
	return health_answer(ctx, pool_is_ready(ctx->scoreboard), "ready");
}

int health_status(struct ctx *ctx)
{
	ctx->resp->cache_control = "no-store";
	status_write(&ctx->resp->body, ctx->conf, ctx->scoreboard);
	return response_json(ctx->resp, 200);
}

int health_metrics(struct ctx *ctx)
{
	ctx->resp->cache_control = "no-store";
	metrics_write(&ctx->resp->body, ctx->conf, ctx->scoreboard);
	response_json(ctx->resp, 200);
	ctx->resp->content_type = METRICS_CONTENT_TYPE;
	return ctx->resp->status;
}
