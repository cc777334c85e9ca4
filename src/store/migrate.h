/*
 * Migrations: the numbered steps of src/store/schema, compiled in, applied in order, each in a transaction of its own, by one
 * process at a time (advisory lock). They are written to be safe beside the version before: expand first, contract later.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/db.h"

int migrate_newest(void); /* number of the last migration this program has */

/* Told of each step as it is done: "001_first". */
typedef void migrate_progress(const char *name);

/* Brings the database up to migrate_newest(). Waits up to `d` for another process that migrates. Steps already applied by a
 * newer program are left alone. -ERR_UNAVAILABLE or -ERR_INTERNAL with *ret_why saying what to do. */
MUST_CHECK int migrate_run(
	struct db *db, struct deadline d, migrate_progress *progress, const char **ret_why);

#endif
