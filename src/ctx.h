/*
 * Everything one request has at hand. Made once a worker; what belongs to the request is set anew for each.
 */
#ifndef CTX_H
#define CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "http/request.h"
#include "http/response.h"
#include "http/router.h"
#include "pool/pool.h"
#include "pool/scoreboard.h"
#include "session/limits.h"
#include "store/session.h"
#include "store/write.h"

enum { CTX_STAGES_MAX = 8 }; /* the longest way, a login's, has five */

struct ctx_stage {
	const char *name;
	int64_t entered; /* monotonic us */
};

struct ctx {
	/* The worker's. */
	enum group group;
	struct conf *conf;
	struct arena *arena;
	struct db *db;       /* NULL in the ops group, which touches no store */
	struct redis *redis; /* NULL likewise */
	struct limiter limiter;
	struct slot *slot;
	const struct scoreboard *scoreboard;

	/* The request's. */
	struct request *req;
	struct response *resp;
	const struct route *route;
	const char *params[ROUTE_PARAMS_MAX];
	int64_t now;              /* wall us, one for everything a request writes */
	struct deadline deadline; /* of the whole request, time in the queue included */
	int64_t queued;           /* us it waited before it was read */
	struct session session;   /* of those that have one */
	bool has_session;
	uint8_t access_hash[SHA256_SIZE];
	struct quota quota;   /* of whom this request was counted for */
	struct writer writer; /* of a route that writes */
	void *input;
	struct faults faults;
	struct ctx_stage stages[CTX_STAGES_MAX]; /* where its time went */
	int stage_count;
};

/* The request enters a stage of its way; `name` is a literal. Shown by the scoreboard, and timed for the slow-request log. */
void ctx_stage(struct ctx *ctx, const char *name);

/* "read 0.1 ms, session 0.4 ms, handler 0.2 ms, commit 812.0 ms": the stages passed so far, the last one until now. */
const char *ctx_stages_text(const struct ctx *ctx);

#endif
