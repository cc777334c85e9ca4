/* PostgreSQL as the owner, Redis as it is. */
#include "stores.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "session/redis.h"

enum { CONTENT_MAX = 8 << 20 };

static PGconn *connection;
static struct redis *redis;
static struct arena arena; /* of everything handed out */
static bool has_arena;

static struct arena *memory(void)
{
	if (!has_arena)
		ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	has_arena = true;
	return &arena;
}

void stores_close(void)
{
	PQfinish(connection);
	connection = NULL;
	redis_free(redis);
	redis = NULL;
	if (has_arena)
		arena_release(&arena);
	has_arena = false;
}

/* --- PostgreSQL --- */

static PGresult *execute(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

static PGresult *execute(const char *fmt, va_list args)
{
	char *statement;

	if (!connection)
		connection = PQconnectdb(getenv("AGROBRIDGE_OWNER_DATABASE_URL"));
	ck_assert_int_ge(vasprintf(&statement, fmt, args), 0);
	PGresult *result = PQexec(connection, statement);
	ExecStatusType status = PQresultStatus(result);
	ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", statement,
		PQerrorMessage(connection));
	free(statement);
	return result;
}

int sql(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	PGresult *result = execute(fmt, args);
	va_end(args);
	int rows = (int)strtol(PQcmdTuples(result), NULL, 10);
	PQclear(result);
	return rows;
}

static const char *only_value(PGresult *result)
{
	const char *text = NULL;

	ck_assert_int_eq(PQntuples(result), 1);
	if (!PQgetisnull(result, 0, 0))
		text = arena_copy(memory(), PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
	PQclear(result);
	return text;
}

const char *sql_text(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	PGresult *result = execute(fmt, args);
	va_end(args);
	return only_value(result);
}

long sql_number(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	PGresult *result = execute(fmt, args);
	va_end(args);
	const char *text = only_value(result);
	ck_assert_ptr_nonnull(text);
	return strtol(text, NULL, 10);
}

void wait_for_waiters(long count)
{
	for (int i = 0; i < 1000; i++) {
		if (sql_number("SELECT count(*) FROM pg_locks WHERE NOT granted") >= count)
			return;
		usleep(10000);
	}
	ck_abort_msg("%ld requests do not wait for a lock", count);
}

/* --- Redis --- */

static struct deadline soon(void)
{
	return deadline_in(10 * US_PER_SECOND);
}

static struct redis_value ask(const char *command, const char *key)
{
	struct redis_value value;

	redis_command(redis, command, key);
	ck_assert_msg(redis_send(redis, soon()) == 0, "%s", redis_why(redis));
	ck_assert_msg(redis_reply(redis, memory(), soon(), &value) == 0, "%s", redis_why(redis));
	return value;
}

static void redis_open(void)
{
	const struct redis_options options = {
		.url = getenv("AGROBRIDGE_REDIS_URL"),
		.user = "",
		.password = "",
		.ca_file = "",
		.operation_us = 10 * US_PER_SECOND,
	};
	const char *why;

	if (!redis)
		ck_assert_msg(redis_new(&options, &redis, &why) == 0, "%s", why);
}

const char *redis_content(void)
{
	struct buf content;

	redis_open();
	buf_init(&content, memory(), CONTENT_MAX);
	struct redis_value keys = ask("KEYS %s", "*");
	for (size_t i = 0; i < keys.count; i++) {
		struct redis_value value = ask("GET %s", keys.elements[i].text);
		ck_assert_int_ne(value.type, REDIS_ERROR); /* another type than text: look into it here */
		buf_printf(&content, "%s %s\n", keys.elements[i].text, value.text ? value.text : "");
	}
	return content.data ? content.data : "";
}

/* It counts one once it is done: what is being asked is not in its own answer. */
long redis_commands(void)
{
	static const char name[] = "total_commands_processed:";

	redis_open();
	struct redis_value info = ask("INFO %s", "stats");
	const char *at = info.text ? strstr(info.text, name) : NULL;
	ck_assert_ptr_nonnull(at);
	return strtol(at + sizeof name - 1, NULL, 10) + 1;
}
