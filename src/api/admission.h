/*
 * Whether a request is still worth serving, and how long it may take.
 */
#ifndef API_ADMISSION_H
#define API_ADMISSION_H

#include "ctx.h"

/* How long the request waited before it was read; 0 where the clock stepped (below 0 or above 60 s) or nothing is known. */
int64_t admission_queued(const struct request *req, int64_t now);

/* Sets ctx->deadline from the route's class, time in the queue counted. -ERR_OVERLOADED: it waited longer than
 * its class is worth waiting for, AGROBRIDGE_QUEUE_TIMEOUT_MS for a write and less for what is shed before it.
 * -ERR_UNAVAILABLE: it takes a password, and this worker is not one of the few that hash: nginx has sent it to the wrong group. */
MUST_CHECK int admission_check(struct ctx *ctx);

#endif
