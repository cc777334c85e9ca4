/*
 * The scoreboard: who does what, in memory shared by master and workers, one writer a slot.
 *
 * It is a file in SOCKET_DIR (0640), mapped by all, so that `agrobridge status` and the container's health check read it
 * without asking any process: it answers when every worker is stuck. It lives as long as the pool.
 *
 * What a slot has counted stays in it when its worker dies and the next one counts on: a group's totals are the sum of
 * its slots and never fall. The master decides nothing about other processes from what stands here, only about the very
 * worker that owns the slot: a worker gone wild can spoil the figures and get itself replaced, no more.
 */
#ifndef POOL_SCOREBOARD_H
#define POOL_SCOREBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "pool/pool.h"

/* Why a worker was replaced. */
enum restart {
	RESTART_CRASH,        /* a signal, or an exit code other than 0 */
	RESTART_OOM,          /* SIGKILL, and the cgroup counted an OOM kill */
	RESTART_DEADLINE,     /* stuck past its deadline, killed by the master */
	RESTART_MAX_REQUESTS, /* has served its share */
	RESTART_MEMORY,       /* has grown too large */
	RESTART_MAX_AGE,      /* has lived long enough */
	RESTART_RELOAD,       /* SIGHUP */
	RESTART_UNKNOWN,      /* killed by somebody else, or it left unasked */
	RESTART_COUNT
};

const char *restart_name(enum restart reason); /* "max_requests" */

/* --- what a worker says about itself: each call is a few stores; `slot` may be NULL (tests) --- */

void slot_begin(struct slot *slot, int64_t queue_us); /* a request was read; it had waited this long before */
/* Until when it has to be answered (monotonic us). Forgotten with the next connection. */
void slot_deadline(struct slot *slot, int64_t at);
void slot_request_id(struct slot *slot, const char *id);
void slot_route(struct slot *slot, const char *route); /* "GET /v1/lots/{id}" */
void slot_stage(struct slot *slot, const char *stage); /* "session", "handler", "commit": a literal */
void slot_query(struct slot *slot, const char *query); /* name of the statement being waited for: a literal */
void slot_end(struct slot *slot, int status, int64_t postgres_us, int64_t redis_us);
/* The request is over, refused unserved: too old, or its client had left. It is not among the requests, nor its times. */
void slot_shed(struct slot *slot);

/* The same for the worker's loop (worker.c). */
void slot_ready(struct slot *slot);                           /* started; idle */
void slot_accepted(struct slot *slot);                        /* busy from now on */
void slot_idle(struct slot *slot);                            /* that connection is dealt with */
void slot_ask_retire(struct slot *slot, enum restart reason); /* wants to be replaced; serves on until told */

/* Whether a worker of `group`, on the same board, is at a request. */
bool slot_group_busy(const struct slot *slot, enum group group);

/* --- the master's side --- */

struct scoreboard;

struct scoreboard_plan {
	const char *dir, *version, *revision;
	int64_t late_us; /* a worker is stuck when it is past its request's deadline by this */
	struct {
		int configured, slots; /* slots: room for a successor beside the workers */
		int64_t budget_us;     /* the longest a request of this group may take */
		uint64_t listener;     /* its socket's inode, for the queue's depth */
		int backlog;
	} group[GROUP_COUNT];
};

/* Makes the file anew, space reserved, and maps it. 0 or -errno. */
MUST_CHECK int scoreboard_create(const struct scoreboard_plan *plan, struct scoreboard **ret_board);
/* Unmaps, and removes the file unless a later pool has put its own there. */
void scoreboard_destroy(struct scoreboard *board);

struct slot *scoreboard_slot(struct scoreboard *board, enum group group, int index);
void slot_open(struct slot *slot);           /* a worker is about to be forked into it */
void slot_owner(struct slot *slot, int pid); /* who it is */
void slot_close(struct slot *slot);          /* nobody any more */
void slot_leaving(struct slot *slot);        /* told to finish and exit */
void slot_stopped(struct slot *slot, bool stopped);
bool slot_is_ready(const struct slot *slot);
int64_t slot_busy_since(const struct slot *slot); /* monotonic us; 0: not busy */
/* When its request is due: its own deadline, but not before it became busy and at most `longest_us` after; that, while it
 * has told none. 0: not busy. */
int64_t slot_due(const struct slot *slot, int64_t longest_us);
bool slot_wants_retirement(const struct slot *slot, enum restart *ret_reason);

/* How a group's workers take SIGTERM. */
enum closing {
	CLOSING_NO,    /* finish the current request, exit: a successor is there */
	CLOSING_DRAIN, /* serve until the queue is empty, exit */
	CLOSING_HASTE, /* finish the current request, exit: what is queued is given up */
};
void scoreboard_closing(struct scoreboard *board, enum group group, enum closing how);
enum closing slot_closing(const struct slot *slot); /* of the group the slot is in */
void scoreboard_draining(struct scoreboard *board);
void scoreboard_restart(struct scoreboard *board, enum group group, enum restart reason);
/* Once a second: notes empty queues, and every few seconds what the groups have counted, for rates (view.h). */
void scoreboard_sample(struct scoreboard *board, int64_t now);

/* --- other processes --- */

/* The scoreboard of the pool that lives in `dir`, read-only. -ENOENT: no pool; -ESRCH: its master is dead;
 * -EINVAL: not a scoreboard of this build. */
MUST_CHECK int scoreboard_open_read(const char *dir, struct scoreboard **ret_board);
void scoreboard_close(struct scoreboard *board);
/* The board that a worker's slot stands on; not to be closed. */
const struct scoreboard *slot_scoreboard(const struct slot *slot);

#endif
