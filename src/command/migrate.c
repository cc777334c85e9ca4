/* agrobridge migrate */
#include "store/migrate.h"

#include <stdio.h>

#include "base/clock.h"
#include "command/command.h"
#include "command/stores.h"

enum { MIGRATE_MINUTES = 30 }; /* an index over a large table takes that long */

static void say(const char *name)
{
	printf("applied %s\n", name);
	fflush(stdout);
}

int command_migrate(struct conf *conf, int argc, char **argv)
{
	struct db *db;
	const char *why;

	(void)argv;
	if (argc != 1)
		return COMMAND_WRONG_USAGE;
	if (!*conf->owner_database_url) {
		fprintf(stderr, "agrobridge: set AGROBRIDGE_OWNER_DATABASE_URL: migrations run as the "
				"schema's owner\n");
		return 1;
	}
	if (stores_open_database(conf, true, 0, &db))
		return 1;
	int err = migrate_run(db, deadline_in(MIGRATE_MINUTES * 60 * US_PER_SECOND), say, &why);
	if (err)
		fprintf(stderr, "agrobridge: could not migrate: %s\n", why);
	else
		printf("the schema is at %d\n", migrate_newest());
	db_free(db);
	return err ? 1 : 0;
}
