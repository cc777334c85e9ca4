/* agrobridge maintain */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "command/command.h"
#include "command/stores.h"
#include "store/migrate.h"
#include "store/prune.h"

enum {
	BATCH = 1000,
	BATCH_MS = 3000, /* 1000 rows by an index take some 10 ms */
	ARENA = 64 << 10,
};

/* A batch, and a pause as long as it took: half of the database's time at most. Returns 0 when nothing is left. */
static int prune_all(struct db *db, struct arena *arena, enum prune what)
{
	int64_t total = 0, count, began;

	do {
		began = clock_now();
		db_start(db, arena, deadline_in(BATCH_MS * US_PER_MS));
		int err = store_prune(db, what, clock_wall(), BATCH, &count);
		db_finish(db);
		arena_reset(arena);
		if (err)
			return err;
		total += count;
		usleep((useconds_t)MIN(clock_now() - began, BATCH_MS * US_PER_MS));
	} while (count == BATCH);
	printf("pruned %lld %s\n", (long long)total, prune_name(what));
	fflush(stdout);
	return 0;
}

static int maintain(struct db *db, struct arena *arena)
{
	bool mine = false;
	int err;

	db_start(db, arena, deadline_in(BATCH_MS * US_PER_MS));
	err = store_prune_lock(db, &mine);
	if (!err && !mine) {
		printf("another maintain is at it\n");
		return 0;
	}
	for (int what = 0; what < PRUNE_COUNT && !err; what++)
		err = prune_all(db, arena, (enum prune)what);
	if (err)
		fprintf(stderr, "agrobridge: could not prune: %s\n",
			*db_why(db) ? db_why(db) : err_info(err)->code);
	return err;
}

int command_maintain(struct conf *conf, int argc, char **argv)
{
	struct db *db;
	struct arena arena;

	(void)argv;
	if (argc != 1)
		return COMMAND_WRONG_USAGE;
	if (stores_open_database(conf, false, migrate_newest(), &db))
		return 1;
	int err = arena_init(&arena, ARENA);
	if (!err) {
		err = maintain(db, &arena);
		arena_release(&arena);
	}
	db_free(db);
	return err ? 1 : 0;
}
