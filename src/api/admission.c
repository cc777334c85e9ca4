/* Whether a request is still worth serving. */
#include "api/admission.h"

int64_t admission_queued(const struct request *req, int64_t now)
{
	int64_t age = now - req->queue_start;

	return req->queue_start && age > 0 && age <= 60 * US_PER_SECOND ? age : 0;
}

static int64_t budget_ms(const struct conf *conf, enum route_class class)
{
	switch (class) {
	case CLASS_WRITE:
		return conf->write_timeout_ms;
	case CLASS_EXPORT:
		return conf->export_timeout_ms;
	default:
		return conf->read_timeout_ms;
	}
}

int admission_check(struct ctx *ctx)
{
	ctx->deadline = deadline_in(budget_ms(ctx->conf, ctx->route->class) * US_PER_MS - ctx->queued);
	if (ctx->route->class != CLASS_HEALTH && ctx->queued > ctx->conf->queue_timeout_ms * US_PER_MS)
		return -ERR_OVERLOADED;
	return 0;
}
