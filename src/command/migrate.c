/* agrobridge migrate */
#include "store/migrate.h"

#include <stdio.h>

#include "base/clock.h"
#include "command/command.h"
#include "command/stores.h"
#include "store/login_role.h"

enum { MIGRATE_MINUTES = 30 }; /* an index over a large table takes that long */

static void say(const char *name)
{
	printf("applied %s\n", name);
	fflush(stdout);
}

/* The service's role, where the configuration names it: a task that migrates needs no other way into the database. */
static int ensure_login(const struct conf *conf, struct db *owner)
{
	static const char *const done_words[] = {
		[LOGIN_ROLE_WORKS] = "can log in",
		[LOGIN_ROLE_MADE] = "was made",
		[LOGIN_ROLE_PASSWORD] = "has its new password",
	};
	enum login_role done;
	struct db *service;
	const char *why;

	if (!*conf->database_url)
		return 0;
	if (stores_new_database(conf, false, 0, &service))
		return -1;
	int err = login_role_ensure(owner, service, deadline_in(COMMAND_CONNECT_MS * US_PER_MS), &done, &why);
	if (err)
		fprintf(stderr, "agrobridge: the service could not log in as %s: %s\n",
			login_role_name(service), why);
	else
		printf("%s %s\n", login_role_name(service), done_words[done]);
	db_free(service);
	return err;
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
	if (!err)
		err = ensure_login(conf, db);
	db_free(db);
	return err ? 1 : 0;
}
