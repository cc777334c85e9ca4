/*
 * The bytes of the scoreboard's file, shared by scoreboard.c (writes) and view.c (reads). Nobody else includes this.
 *
 * Everything that changes after the start is atomic and relaxed: figures need to be whole, not simultaneous. The two
 * exceptions are a worker's state, published after what the master reads upon it, and `samples`, published after a sample.
 */
#ifndef POOL_LAYOUT_H
#define POOL_LAYOUT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "pool/pool.h"
#include "pool/scoreboard.h"
#include "pool/tally.h"

#define LAYOUT_MAGIC "AGROPOOL"
enum {
	LAYOUT_VERSION = 2, /* another layout with the same sizes is another version */
	TEXT_WORDS = 9,     /* 71 characters: a request id has at most 64, the longest route 46 */
	/* A sample every 5 s, the last minute kept: 12 steps, and one more that is being overwritten. */
	SAMPLE_COUNT = 14,
	SLOTS_MAX = 1024,
};
#define SAMPLE_EVERY_US (5 * US_PER_SECOND)

typedef _Atomic uint64_t shared_u64;
typedef _Atomic int64_t shared_i64;
typedef _Atomic uint32_t shared_u32;

/* Short text in whole words, so that it is read and written without a data race; a reader may see half of the next
 * text, never a run past the end. */
typedef shared_u64 shared_text[TEXT_WORDS];

enum slot_state { SLOT_STARTING, SLOT_IDLE, SLOT_BUSY };

struct slot {
	uint64_t offset; /* of this slot in the file: the way back to the board */
	uint32_t group;

	/* Written by the master. */
	shared_u32 pid; /* 0: empty */
	shared_u32 leaving, stopped;
	shared_i64 opened_at;
	shared_u64 requests_before; /* counted by its earlier workers */

	/* Written by the worker; a line of cache away from what the master writes. */
	alignas(64) shared_u32 state;
	shared_u32 retire; /* 0, or 1 + enum restart */
	shared_i64 busy_since, begun_at, queued_us;
	shared_i64 deadline; /* of the request; 0: it has none yet */
	shared_i64 cpu_seen; /* processor time already counted */
	shared_text route, stage, query, request_id;
	shared_u64 tally[TALLY_COUNT];
};

struct sample {
	shared_i64 at;
	shared_u64 tally[TALLY_COUNT];
};

struct board_group {
	int32_t configured, first_slot, slots, backlog;
	int64_t budget_us;
	uint64_t listener;
	shared_u32 closing;
	shared_i64 empty_at; /* when the queue was last seen empty */
	shared_u64 restarts[RESTART_COUNT];
	struct sample sample[SAMPLE_COUNT];
};

struct scoreboard {
	char magic[8];
	uint32_t version, board_size, slot_size, slots;
	uint64_t size;
	int32_t master;
	uint64_t master_start; /* field 22 of /proc/PID/stat: tells a reused pid apart */
	int64_t started_at, late_us;
	uint64_t inode; /* of the file itself */
	char dir[108], build_version[32], build_revision[64];
	shared_u32 draining;
	shared_u32 samples; /* taken so far; the newest is at (samples - 1) % SAMPLE_COUNT */
	struct board_group group[GROUP_COUNT];
	struct slot slot[];
};

#define load(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define store(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* One writer: a plain load and store, no locked instruction. Below 0 adds nothing. */
static inline void counter_add(shared_u64 *counter, int64_t value)
{
	store(*counter, load(*counter) + (uint64_t)MAX(value, 0));
}

#endif
