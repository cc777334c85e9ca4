/* The client of the tests of session/redis.h. */
#include "redis_client.h"

#include <check.h>
#include <time.h>

struct arena arena;
struct redis *redis;
struct redis_value value;

static struct deadline soon(void)
{
	return deadline_in(10 * US_PER_SECOND);
}

void client_open(
	const char *url, const char *user, const char *password, const char *ca_file, int operation_ms)
{
	struct redis_options options = { .url = url,
		.user = user,
		.password = password,
		.ca_file = ca_file,
		.operation_us = operation_ms * US_PER_MS };
	const char *why;

	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	ck_assert_msg(redis_new(&options, &redis, &why) == 0, "%s: %s", url, why);
}

void client_close(void)
{
	redis_free(redis); /* NULL where a test opened none */
	redis = NULL;
	arena_release(&arena);
}

int connect_now(void)
{
	return redis_connect(redis, soon());
}

int reply(void)
{
	return redis_reply(redis, &arena, soon(), &value);
}

int ask(const char *command)
{
	redis_command(redis, command);
	int err = redis_send(redis, soon());

	return err ? err : reply();
}

void expect_text(const char *command, const char *text)
{
	ck_assert_msg(ask(command) == 0, "%s: %s", command, redis_why(redis));
	ck_assert_int_eq(value.type, REDIS_STRING);
	ck_assert_str_eq(value.text, text);
}

void expect_integer(const char *command, int64_t number)
{
	ck_assert_msg(ask(command) == 0, "%s: %s", command, redis_why(redis));
	ck_assert_int_eq(value.type, REDIS_INTEGER);
	ck_assert_int_eq(value.integer, number);
}

void ask_until_answered(const char *command)
{
	struct deadline d = soon();

	while (ask(command)) {
		ck_assert_msg(deadline_left(d), "no answer: %s", redis_why(redis));
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL); /* between two of a user's requests */
	}
}
