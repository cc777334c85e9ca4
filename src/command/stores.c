/* Connections as the subcommands use them. */
#include "command/stores.h"

#include <stdio.h>

#include "base/clock.h"

static const char *database_password(void *self)
{
	const struct conf *conf = self;

	return conf->database_password;
}

int stores_new_database(const struct conf *conf, bool owner, int required_schema, struct db **ret_db)
{
	const struct db_options options = {
		.url = owner ? conf->owner_database_url : conf->database_url,
		.password = owner ? NULL : database_password,
		.ca_file = conf->database_ca,
		.statement_timeout_ms = COMMAND_CONNECT_MS,
		.required_schema = required_schema,
		.self = (void *)conf,
	};
	const char *why;

	if (db_new(&options, ret_db, &why) == 0)
		return 0;
	fprintf(stderr, "agrobridge: could not use AGROBRIDGE_%sDATABASE_URL: %s\n", owner ? "OWNER_" : "",
		why);
	return -1;
}

static int new_redis(const struct conf *conf, struct redis **ret_redis)
{
	const struct redis_options options = {
		.url = conf->redis_url,
		.user = conf->redis_user,
		.password = conf->redis_password,
		.ca_file = conf->redis_ca,
		.operation_us = COMMAND_CONNECT_MS * US_PER_MS,
	};
	const char *why;

	if (redis_new(&options, ret_redis, &why) == 0)
		return 0;
	fprintf(stderr, "agrobridge: could not use AGROBRIDGE_REDIS_URL: %s\n", why);
	return -1;
}

int stores_open_database(const struct conf *conf, bool owner, int required_schema, struct db **ret_db)
{
	struct db *db;
	const char *why;

	if (stores_new_database(conf, owner, required_schema, &db))
		return -1;
	if (db_connect(db, deadline_in(COMMAND_CONNECT_MS * US_PER_MS), &why)) {
		fprintf(stderr, "agrobridge: could not reach PostgreSQL: %s\n", why);
		db_free(db);
		return -1;
	}
	*ret_db = db;
	return 0;
}

int stores_open_redis(const struct conf *conf, struct redis **ret_redis)
{
	struct redis *redis;

	if (new_redis(conf, &redis))
		return -1;
	if (redis_connect(redis, deadline_in(COMMAND_CONNECT_MS * US_PER_MS))) {
		fprintf(stderr, "agrobridge: could not reach Redis: %s\n", redis_why(redis));
		redis_free(redis);
		return -1;
	}
	*ret_redis = redis;
	return 0;
}

int stores_check_urls(const struct conf *conf)
{
	struct db *db = NULL;
	struct redis *redis = NULL;
	int bad = stores_new_database(conf, false, 0, &db);

	bad |= new_redis(conf, &redis);
	db_free(db);
	redis_free(redis);
	return bad ? -1 : 0;
}
