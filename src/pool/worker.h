/*
 * One worker process: from fork() to exit(). It accepts on its group's listener and hands each connection to the service.
 */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include <stdint.h>
#include <sys/types.h>

#include "pool/listen.h"
#include "pool/pool.h"
#include "pool/scoreboard.h"

/* What the master shares with all its workers. */
struct pool_fds {
	int signals; /* the master's signalfd */
	int notify;  /* eventfd: a worker writes when it is ready or asks to be replaced */
	struct listener listener[GROUP_COUNT];
};

struct worker {
	enum group group;
	const struct pool_service *service;
	struct pool_fds *fds;
	struct slot *slot;
	pid_t master;
	int64_t max_requests; /* asks to be replaced after these; 0: never */
};

/* In the child, with the master's signals still blocked. SIGTERM makes it leave as its group's `closing` says; it reads
 * no other signal. Exits 0 when told to go, 1 when it could not start. */
NORETURN void worker_run(const struct worker *w);

#endif
