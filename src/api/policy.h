/*
 * Who may use a route: the policy column of the route table, and the step that enforces it.
 */
#ifndef API_POLICY_H
#define API_POLICY_H

#include "ctx.h"

#define ROLE_BIT(role) (1u << (role))

/* Words of the policy column. A row names at least one: there is no default. */
enum policy {
	ADMIN = ROLE_BIT(ROLE_ADMIN),
	PRODUCER = ROLE_BIT(ROLE_PRODUCER),
	PACKER = ROLE_BIT(ROLE_PACKER),
	EXPORTER = ROLE_BIT(ROLE_EXPORTER),
	CERTIFIER = ROLE_BIT(ROLE_CERTIFIER),
	BUYER = ROLE_BIT(ROLE_BUYER),
	CHAIN = PRODUCER | PACKER | EXPORTER | CERTIFIER | BUYER, /* everybody who handles lots */
	MEMBER = CHAIN | ADMIN,                                   /* anybody logged in */
	ANYONE = 1u << ROLE_COUNT,                                /* no session needed, none looked at */
	APPROVED = 1u << (ROLE_COUNT + 1),      /* a producer's organization must be approved besides */
	PASSWORD_DUE = 1u << (ROLE_COUNT + 2),  /* also for those who must first change their password */
	COUNTED_LATER = 1u << (ROLE_COUNT + 3), /* of ANYONE: its handler counts it, while PostgreSQL looks */
};

/* Counts the request against its limit, health excepted, opens the session where the route asks for one and holds its role
 * against the policy: -ERR_UNAUTHENTICATED, -ERR_FORBIDDEN, -ERR_PASSWORD_DUE, -ERR_NOT_APPROVED, -ERR_TOO_MANY_REQUESTS,
 * -ERR_UNAVAILABLE. Sets ctx->session and ctx->quota. A request that is run again is not counted again. */
MUST_CHECK int policy_check(struct ctx *ctx);

/* The count of a route that is COUNTED_LATER, in two halves: what is sent to PostgreSQL between them costs no wait. */
void policy_count_send(struct ctx *ctx);
MUST_CHECK int policy_count_take(struct ctx *ctx);

/* Says what is left of the limit, if the request was counted: RateLimit-Policy and RateLimit as in
 * draft-ietf-httpapi-ratelimit-headers-11 (May 2026), one policy, "default". `t`, the time within which there will be no more
 * than the `r` that are left, is the wait for the next one, so that a refusal says it again as Retry-After. */
void policy_tell_quota(struct ctx *ctx);

/* The second half alone: a write asks it again of the session as its own transaction sees it. */
MUST_CHECK int policy_admits(const struct route *route, const struct session *session);

struct viewer policy_viewer(const struct session *session);

#endif
