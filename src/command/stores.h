/*
 * Connections as the subcommands use them: one, made now, with words for whoever sits at the terminal.
 */
#ifndef COMMAND_STORES_H
#define COMMAND_STORES_H

#include "conf/conf.h"
#include "session/redis.h"
#include "store/db.h"

enum { COMMAND_CONNECT_MS = 5000 };

/* PostgreSQL by the application's URL, or the owner's; stores_new_database() does not connect yet. Says on standard error what
 * is wrong; 0 or -1. */
MUST_CHECK int stores_new_database(
	const struct conf *conf, bool owner, int required_schema, struct db **ret_db);
MUST_CHECK int stores_open_database(
	const struct conf *conf, bool owner, int required_schema, struct db **ret_db);
MUST_CHECK int stores_open_redis(const struct conf *conf, struct redis **ret_redis);

/* Whether both addresses can be understood, without connecting. */
MUST_CHECK int stores_check_urls(const struct conf *conf);

#endif
