/* agrobridge check */
#include <stdio.h>

#include "command/command.h"
#include "command/stores.h"
#include "http/cors.h"
#include "store/migrate.h"

int check_origins(const struct conf *conf)
{
	const char *fault = cors_fault(conf->cors_origins);

	if (fault)
		fprintf(stderr, "agrobridge: could not use AGROBRIDGE_CORS_ORIGINS: %s\n", fault);
	return fault ? -1 : 0;
}

int command_check(struct conf *conf, int argc, char **argv)
{
	struct redis *redis = NULL;
	struct db *db = NULL;

	(void)argv;
	if (argc != 1)
		return COMMAND_WRONG_USAGE;
	conf_print_values(conf, stdout);
	fflush(stdout);
	int database = stores_open_database(conf, false, migrate_newest(), &db);
	int cache = stores_open_redis(conf, &redis);
	printf("PostgreSQL: %s\nRedis: %s\n", database ? "not usable" : "ok", cache ? "not usable" : "ok");
	int origins = check_origins(conf);
	db_free(db);
	redis_free(redis);
	return database || cache || origins ? 1 : 0;
}
