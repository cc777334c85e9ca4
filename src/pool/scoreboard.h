/*
 * The scoreboard: who does what, in memory shared by master and workers, one writer a slot.
 *
 * It is a file in SOCKET_DIR (0640), mapped by all, so that `agrobridge status` and the container's health check read it
 * without asking any process: it answers when every worker is stuck. It lives as long as the pool.
 */
#ifndef POOL_SCOREBOARD_H
#define POOL_SCOREBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "pool/pool.h"

/* What a worker says about itself. Each call is a few stores into its slot; `slot` may be NULL (tests). */
void slot_begin(struct slot *slot, int64_t queue_us); /* a request was read; it had waited this long before */
void slot_route(struct slot *slot, const char *route); /* "GET /v1/lots/{id}" */
void slot_stage(struct slot *slot, const char *stage); /* "session", "handler", "commit": a literal */
void slot_query(struct slot *slot, const char *query); /* name of the statement being waited for: a literal */
void slot_end(struct slot *slot, int status, int64_t postgres_us, int64_t redis_us);
void slot_shed(struct slot *slot); /* refused unserved: too old, or its client had left */

#endif
