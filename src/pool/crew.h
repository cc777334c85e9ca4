/*
 * One group's workers as the master sees them: forked, watched, replaced, told to leave. The rule is a count, not a plan:
 *
 *   fewer working than configured          -> fork one (when its slot's backoff and the group's rate allow)
 *   as many, and one wants to be replaced  -> fork its successor, if the spare slot is free
 *   one more than configured is ready      -> tell the oldest that wants to be replaced to leave
 *
 * So a successor is ready before its predecessor goes, and whatever dies in between changes nothing about the rule.
 */
#ifndef POOL_CREW_H
#define POOL_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/pool.h"
#include "pool/scoreboard.h"
#include "pool/worker.h"

enum {
	CREW_SPARE_SLOTS =
		1, /* the successor's: it is free again when the predecessor has gone, so one at a time */
};

struct crew_options {
	enum group group;
	int configured;
	int64_t budget_us;    /* the longest a request of the group may take */
	int64_t late_us;      /* past its deadline by this, a worker is stuck and asked for its stack */
	int64_t hard_us;      /* killed this long after that */
	int64_t max_requests; /* after which a worker is replaced, give or take 10 %; 0: never */
	int64_t max_age_us;   /* likewise */
	int64_t max_private;  /* bytes of its own beyond which a worker is replaced; 0: never */
	const struct pool_service *service;
	struct pool_fds *fds;
	struct scoreboard *board;
};

enum member_phase { MEMBER_NONE, MEMBER_STARTING, MEMBER_READY, MEMBER_LEAVING };

/* What the master knows of a slot's worker, in memory that no worker can write to. */
struct member {
	enum member_phase phase;
	pid_t pid;
	enum restart reason; /* why it leaves */
	unsigned generation;
	unsigned failures;                      /* deaths before ready, in a row */
	int64_t forked_at, told_at, stopped_at; /* us; 0: not */
	int64_t aborted_at;                     /* it was sent SIGABRT; SIGKILL follows at kill_at */
	int64_t kill_at;
	int64_t asked_for;  /* its stack: since when it had been busy with that request, */
	int64_t asked_at;   /* and when it was */
	int64_t retire_at;  /* it is old then; INT64_MAX: never */
	bool heavy;         /* when it was last weighed */
	int64_t not_before; /* the slot stays empty until */
};

struct crew {
	struct crew_options options;
	struct member *member;
	int slots;
	unsigned generation; /* workers of an older one are replaced */
	bool ready_once;     /* some worker has been ready */
	bool hopeless;       /* none ever was, and one slot has tried often enough */
	bool closed;         /* draining: nobody is forked any more */
	unsigned fork_failures;
	int64_t fork_after, fork_credit;
	int64_t weigh_at; /* the next worker */
	int weigh_next;   /* its slot */
};

MUST_CHECK int crew_init(struct crew *c, const struct crew_options *options); /* 0 or -ENOMEM */
void crew_release(struct crew *c);

/* Does what is due. Returns when it has to be called again at the latest (monotonic us); sooner after a child's death or
 * a notification changes something. */
int64_t crew_step(struct crew *c, int64_t now);

/* News of a child from waitpid(); false: not one of these. `oom`: the kernel has counted an OOM kill. */
bool crew_child(struct crew *c, pid_t pid, int status, bool oom);

void crew_roll(struct crew *c);                    /* replace everybody, one after another */
void crew_drain(struct crew *c, enum closing how); /* no new connections; leave when the queue is empty */
void crew_kill(struct crew *c);                    /* at once */
int crew_size(const struct crew *c);               /* processes that live */

#endif
