/* Whether a request is still worth serving. */
#include "api/admission.h"

#include <stddef.h>

int64_t admission_queued(const struct request *req, int64_t now)
{
	int64_t age = now - req->queue_start;

	return req->queue_start && age > 0 && age <= 60 * US_PER_SECOND ? age : 0;
}

/*
 * What each class of work may take, and how long it may have waited: a share, in quarters, of AGROBRIDGE_QUEUE_TIMEOUT_MS. When
 * the queue grows, what can be asked for again later goes first, and what somebody in a field has just seen goes last.
 */
static const struct class_limits {
	size_t budget; /* the setting, in struct conf */
	int quarters;  /* 0: never refused for its age */
} limits[] = {
	[CLASS_HEALTH] = { offsetof(struct conf, read_timeout_ms), 0 },
	[CLASS_EXPORT] = { offsetof(struct conf, export_timeout_ms), 1 },
	[CLASS_LIST] = { offsetof(struct conf, read_timeout_ms), 2 },
	[CLASS_READ] = { offsetof(struct conf, read_timeout_ms), 3 },
	[CLASS_WRITE] = { offsetof(struct conf, write_timeout_ms), 4 },
};

int admission_check(struct ctx *ctx)
{
	const struct class_limits *l = &limits[ctx->route->class];
	int64_t budget_ms = *(const int64_t *)((const char *)ctx->conf + l->budget);

	if (ctx->route->input && input_takes_password(ctx->route->input) && ctx->group != GROUP_LOGIN)
		return -ERR_UNAVAILABLE;
	ctx->deadline = deadline_in(budget_ms * US_PER_MS - ctx->queued);
	if (l->quarters && ctx->queued > ctx->conf->queue_timeout_ms * US_PER_MS * l->quarters / 4)
		return -ERR_OVERLOADED;
	return 0;
}
