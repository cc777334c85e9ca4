/*
 * Behind the API's back: PostgreSQL as the schema's owner, who may do what the service may not, and all that Redis holds.
 * A statement that fails fails the test.
 */
#ifndef TESTS_API_STORES_H
#define TESTS_API_STORES_H

#include "base/base.h"

/* Runs one statement; returns how many rows it touched. */
int sql(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The first column of the only row, as text; NULL for NULL. Lives until the stores are closed. */
const char *sql_text(const char *fmt, ...) PRINTF_LIKE(1, 2);
long sql_number(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Returns when so many statements wait for a lock. */
void wait_for_waiters(long count);

/* Every key of Redis and what it holds, as text. Lives until the stores are closed. */
const char *redis_content(void);
/* How many commands it has been given since it started, the one that asks this included. */
long redis_commands(void);

void stores_close(void);

#endif
