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

/* "Bearer TOKEN" (RFC 6750 section 2.1); the scheme in any case, one space or more (RFC 9110 section 11). */
static const char *bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
		return "";
	const char *token = authorization + sizeof scheme - 1;
	return token + strspn(token, " ");
}

int policy_check(struct ctx *ctx)
{
	const struct session_stores stores = {
		.redis = ctx->redis,
		.db = ctx->db,
		.arena = ctx->arena,
		.deadline = ctx->deadline,
		.now = ctx->now,
		.rate_per_minute = ctx->conf->rate_api_per_minute,
	};

	if (ctx->route->policy & ANYONE)
		return 0;
	ctx_stage(ctx, "session");
	TRY(token_hash(bearer(ctx->req->authorization), ctx->access_hash));
	TRY(session_open(&stores, ctx->access_hash, &ctx->session));
	ctx->has_session = true;
	int err = policy_admits(ctx->route, &ctx->session);
	if (err != -ERR_NOT_APPROVED && err != -ERR_PASSWORD_DUE)
		return err;
	/* What may have changed since the copy was made is not refused by it. */
	TRY(session_open_again(&stores, ctx->access_hash, &ctx->session));
	return policy_admits(ctx->route, &ctx->session);
}
