/*
 * Reading the scoreboard: what a group and a worker look like at this moment, and whether the pool is alive and ready.
 * Works on one's own mapping as well as on scoreboard_open_read()'s; asks no other process, waits for nothing.
 */
#ifndef POOL_VIEW_H
#define POOL_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/queue.h"
#include "pool/scoreboard.h"
#include "pool/tally.h"

enum { VIEW_TEXT_SIZE = 72 };

struct pool_view {
	const char *version, *revision; /* of the build that runs; they live as long as the board */
	int pid;
	int64_t uptime_us;
	bool draining;
};

struct group_view {
	int configured, slots;
	int workers, starting, idle, busy, draining, stuck; /* workers is the sum of the others */
	struct queue queue;
	int64_t queue_age_us; /* the oldest waiting request has waited at most this long */
	struct tally total;   /* since the start */
	struct tally recent;  /* of the last minute; of all time when nothing was served in it */
	int64_t rps_milli;    /* requests per 1000 seconds, over the last 10 seconds */
	uint64_t restarts[RESTART_COUNT];
};

enum worker_state { WORKER_STARTING, WORKER_IDLE, WORKER_BUSY, WORKER_DRAINING, WORKER_STUCK };

const char *worker_state_name(enum worker_state state);

struct worker_view {
	int pid;
	enum worker_state state; /* stuck: well past its request's deadline, or stopped by a signal */
	int64_t age_us, in_us;   /* in_us: how long it has been at this request; 0: at none */
	int64_t late_us;         /* how long it has been past its request's deadline; 0: it is not */
	uint64_t requests;       /* by this worker, not its predecessors */
	/* "" when idle, and until the request has come so far. */
	char route[VIEW_TEXT_SIZE], stage[VIEW_TEXT_SIZE], query[VIEW_TEXT_SIZE], request_id[VIEW_TEXT_SIZE];
};

void view_pool(const struct scoreboard *board, struct pool_view *ret_view);
void view_group(const struct scoreboard *board, enum group group, struct group_view *ret_view);
/* The worker in slot `index` (0 to slots - 1); false: nobody is. */
bool view_worker(const struct scoreboard *board, enum group group, int index, struct worker_view *ret_view);

/* The worker in that slot; false: nobody is. Safe in a signal handler. */
bool view_slot(const struct slot *slot, struct worker_view *ret_view);

/* What a worker is doing, in words for the log: "1502 ms in GET /v1/lots, stage handler, query LOT_LIST, request ab12".
 * Returns `to`; SLOT_TEXT_SIZE bytes hold any. */
enum { SLOT_TEXT_SIZE = 64 + 4 * VIEW_TEXT_SIZE };
const char *slot_text(const struct slot *slot, char *to, size_t size);

/* The master lives and not every main worker is stuck: /livez. */
bool pool_is_alive(const struct scoreboard *board);
/* Alive, at least one main worker idle or busy, and nobody has told it to drain: neither SIGTERM nor the file
 * SOCKET_DIR/draining, which nginx's entrypoint makes. /readyz, `status --ready`. */
bool pool_is_ready(const struct scoreboard *board);

#endif
