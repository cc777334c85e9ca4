/* Who may use a route. */
#include "api/policy.h"

#include <string.h>
#include <strings.h>

#include "session/session.h"

int policy_admits(const struct route *route, const struct session *session)
{
	if (session->role >= ROLE_COUNT || !(route->policy & ROLE_BIT(session->role)))
		return -ERR_FORBIDDEN;
	if (session->password_due && !(route->policy & PASSWORD_DUE))
		return -ERR_PASSWORD_DUE;
	if ((route->policy & APPROVED) && session->role == ROLE_PRODUCER && !session->approved)
		return -ERR_NOT_APPROVED;
	return 0;
}

struct viewer policy_viewer(const struct session *session)
{
	return (struct viewer){ session->organization_id, session->role == ROLE_ADMIN };
}

void policy_tell_quota(struct ctx *ctx)
{
	const struct quota *q = &ctx->quota;

	if (!q->limit)
		return;
	ctx->resp->rate_limit_policy =
		arena_printf(ctx->arena, "\"default\";q=%lld;w=60", (long long)q->limit);
	ctx->resp->rate_limit = arena_printf(
		ctx->arena, "\"default\";r=%lld;t=%d", (long long)q->remaining, quota_seconds(q->wait_us));
}

/* "Bearer TOKEN" (RFC 6750 section 2.1); the scheme in any case, one space or more (RFC 9110 section 11). */
static const char *bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
		return "";
	const char *token = authorization + sizeof scheme - 1;
	return token + strspn(token, " ");
}

/* Once a request, however often it is run. */
static struct rate rate_of_request(const struct ctx *ctx)
{
	int64_t limit = ctx->quota.limit ? 0 : ctx->conf->rate_api_per_minute;

	return (struct rate){ limit, 60 * US_PER_SECOND };
}

void policy_count_send(struct ctx *ctx)
{
	limit_address_send(&ctx->limiter, ctx->req->remote_addr, rate_of_request(ctx), ctx->deadline);
}

int policy_count_take(struct ctx *ctx)
{
	return limit_address_take(
		&ctx->limiter, ctx->req->remote_addr, rate_of_request(ctx), ctx->deadline, &ctx->quota);
}

static int count_for_address(struct ctx *ctx)
{
	policy_count_send(ctx);
	return policy_count_take(ctx);
}

/* A request without a session: 401, unless its address has had too many of anything. */
static int refuse_nobody(struct ctx *ctx)
{
	TRY(count_for_address(ctx));
	return -ERR_UNAUTHENTICATED;
}

int policy_check(struct ctx *ctx)
{
	const struct session_stores stores = {
		.limiter = &ctx->limiter,
		.db = ctx->db,
		.deadline = ctx->deadline,
		.now = ctx->now,
		.address = ctx->req->remote_addr,
		.rate = rate_of_request(ctx),
	};

	if (ctx->route->class == CLASS_HEALTH || ctx->route->policy & COUNTED_LATER)
		return 0;
	ctx_stage(ctx, "session");
	if (ctx->route->policy & ANYONE)
		return count_for_address(ctx);
	if (token_hash(bearer(ctx->req->authorization), ctx->access_hash))
		return refuse_nobody(ctx);
	TRY(session_open(&stores, ctx->access_hash, &ctx->session, &ctx->quota));
	ctx->has_session = true;
	int err = policy_admits(ctx->route, &ctx->session);
	if (err != -ERR_NOT_APPROVED && err != -ERR_PASSWORD_DUE)
		return err;
	/* What may have changed since the copy was made is not refused by it. */
	TRY(session_open_again(&stores, ctx->access_hash, &ctx->session));
	return policy_admits(ctx->route, &ctx->session);
}
