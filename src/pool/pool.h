/*
 * The pool: a master that forks, watches, replaces and drains, and groups of workers that each serve one connection at a
 * time. It knows processes and sockets; what a connection carries is the service's business.
 *
 * Order of a start: listeners (by the master) -> scoreboard -> workers -> each worker's service.start() -> ready.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "conf/conf.h"

enum group { GROUP_MAIN, GROUP_LOGIN, GROUP_OPS, GROUP_COUNT };

const char *group_name(enum group group); /* "main", "login", "ops"; the socket is NAME.sock */

struct scoreboard;
struct slot; /* this worker's place on the scoreboard (pool/scoreboard.h) */

/* What start() below may spend on stores that do not answer. One that takes longer than this and AGROBRIDGE_HARD_TIMEOUT_MS
 * hangs, and is killed. */
enum { POOL_START_MS = 10000 };

/* What a pool serves. Called in workers only, one call at a time, with every signal blocked. */
struct pool_service {
	/* After fork, before the first connection: connect, warm up. Failing to reach the stores is not a failure. Non-zero:
	 * this worker cannot work, exit. */
	int (*start)(void *self, enum group group, struct slot *slot);
	/* One accepted connection, close-on-exec, blocking. The service owns and closes it. */
	void (*serve)(void *self, int fd);
	void (*stop)(void *self);
	/* The one call made in the master: SIGHUP came, read again what may change (conf_reload_secrets()); the workers
	 * forked from now on inherit it. NULL: nothing to read. */
	void (*reload)(void *self);
	/* Called in the master once a minute: write down how it goes. Must not wait. NULL: nothing. */
	void (*report)(void *self, const struct scoreboard *board);
	void *self;
};

/* Runs until told to stop. Returns the process's exit status: 0 after a drain, 1 if it could not start (socket in use, no
 * worker ever ready, …), said in the log. */
int pool_run(const struct conf *conf, const struct pool_service *service);

#endif
