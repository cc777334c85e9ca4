/* Migrations: one after another under an advisory lock that lasts as long as the connection. */
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "store/schema.h"
#include "store/store.h"

/* Whoever migrates just now may take long: only the caller's deadline ends that wait. 280369450818 is "AGROB" in ASCII: any
 * number that no other user of this database takes. After it, a step that cannot get its table lock in two seconds gives up
 * instead of queueing every request behind it. */
static const char prepare[] =
	"SET statement_timeout = 0; SET lock_timeout = 0;"
	" SELECT pg_advisory_lock(280369450818);"
	" SET lock_timeout = '2s';"
	" CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY, name text NOT NULL,"
	" applied_at timestamptz NOT NULL DEFAULT now())";

int migrate_newest(void)
{
	return migrations[migration_count - 1].number;
}

static int applied(struct db *db, struct deadline d, int64_t *ret_number)
{
	struct rows *rows;

	db_start(db, NULL, d);
	DB_SEND(db, SCHEMA_VERSION);
	TRY(db_flush(db));
	TRY(db_result(db, &rows));
	*ret_number = db_row(rows) ? db_read_int(rows) : 0;
	return 0;
}

static int apply(struct db *db, struct deadline d, const struct migration *m, const char **ret_why)
{
	char *text;

	if (asprintf(&text,
		    "BEGIN;\n%s;\nINSERT INTO schema_migration (number, name) VALUES (%d, '%s');\nCOMMIT",
		    m->sql, m->number, m->name) < 0)
		return -ERR_UNAVAILABLE;
	int err = db_execute(db, text, d, ret_why);
	free(text);
	return err;
}

int migrate_run(struct db *db, struct deadline d, migrate_progress *progress, const char **ret_why)
{
	char name[128];
	int64_t done;

	TRY(db_execute(db, prepare, d, ret_why));
	*ret_why = "could not read schema_migration";
	TRY(applied(db, d, &done));
	for (size_t i = 0; i < migration_count; i++) {
		if (migrations[i].number <= done)
			continue;
		TRY(apply(db, d, &migrations[i], ret_why));
		snprintf(name, sizeof name, "%03d_%s", migrations[i].number, migrations[i].name);
		progress(name);
	}
	return 0;
}
