/* Health: what this task knows about itself. Never a look at PostgreSQL or Redis: an outage of a shared store must not get
 * healthy tasks killed. */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/metrics.h"
#include "api/status.h"
#include "pool/view.h"

struct health {
	const char *status, *version, *revision;
};

static const struct member members[] = {
	MEMBER(struct health, status, TEXT, ALWAYS, .example = "ready"),
	MEMBER(struct health, version, TEXT, ALWAYS, .example = "0.1.0"),
	MEMBER(struct health, revision, TEXT, ALWAYS, .example = "4aebf8b"),
	END_OF_MEMBERS,
};
const struct shape health_shape = { "Health", members, sizeof(struct health) };

static int health_answer(struct ctx *ctx, bool good, const char *word)
{
	struct pool_view pool;

	ctx->resp->cache_control = "no-store";
	if (!good)
		return -ERR_UNAVAILABLE;
	view_pool(ctx->scoreboard, &pool);
	const struct health health = { word, pool.version, pool.revision };
	return answer_one(ctx, &health);
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
	int status = response_json(ctx->resp, 200);
	ctx->resp->content_type = ctx->route->output.type;
	return status;
}
