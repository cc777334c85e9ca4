/*
 * What the tests of session/redis.h share: one client, one arena, and how a test speaks to them.
 */
#ifndef TESTS_STORE_REDIS_CLIENT_H
#define TESTS_STORE_REDIS_CLIENT_H

#include "session/redis.h"

extern struct arena arena;
extern struct redis *redis;
extern struct redis_value value; /* the last reply */

enum { PATIENT_MS = 5000 }; /* an operation's limit where time is not what is tested */

void client_open(
	const char *url, const char *user, const char *password, const char *ca_file, int operation_ms);
void client_close(void);

int connect_now(void);
/* One command, sent and answered: what redis_send() or redis_reply() returned. */
int ask(const char *command);
int reply(void); /* the next reply */
/* The answer to a command must be this. */
void expect_text(const char *command, const char *text);
void expect_integer(const char *command, int64_t number);
/* Asks until it is answered, for at most ten seconds: after an outage the breaker decides when. */
void ask_until_answered(const char *command);

#endif
