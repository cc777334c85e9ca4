/*
 * Redis: exchanges on the connection, and how they end. The way to it is redis_connect.c's, bytes are channel.c's, the
 * protocol resp.c's, patience after failures breaker.c's.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "session/redis_internal.h"

enum { READ_SIZE = 16 << 10 }; /* an exchange of some sessions and counters in one read */

int redis_failed(struct redis *r, const char *why)
{
	snprintf(r->why, sizeof r->why, "%s", why);
	return -ERR_UNAVAILABLE;
}

int redis_channel_result(struct redis *r, int err)
{
	return err == -ERR_UNAVAILABLE ? redis_failed(r, r->channel.why) : err;
}

void redis_drop(struct redis *r)
{
	channel_close(&r->channel);
	resp_reader_free(r->reader);
	r->reader = NULL;
	r->state = REDIS_CLOSED;
	r->attempt_began = 0;
	r->unsent_length = 0;
	r->owed = r->forgotten = 0;
}

/* Drops the connection and counts a failure. */
int redis_give_up(struct redis *r)
{
	redis_drop(r);
	breaker_failed(&r->breaker);
	return -ERR_UNAVAILABLE;
}

/* False: the deadline came before the socket. */
bool redis_await_socket(struct redis *r, struct deadline d)
{
	int64_t from = clock_now();
	int events = deadline_poll(r->channel.fd, r->channel.wants, d);

	r->waited += clock_now() - from;
	return events > 0;
}

/* Errors that say what state the server is in, not what is wrong with the command. */
static bool is_server_state(const struct redis_value *v)
{
	static const char *const codes[] = { "READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "MOVED",
		"CLUSTERDOWN" };
	size_t n = v->type == REDIS_ERROR ? strcspn(v->text, " ") : 0;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (n == strlen(codes[i]) && memcmp(v->text, codes[i], n) == 0)
			return true;
	return false;
}

/* An error's code alone: its text may repeat the command, and with it a password. */
int redis_refused(struct redis *r, const char *what, const struct redis_value *v)
{
	const char *text = v->type == REDIS_ERROR ? v->text : "something unexpected";

	snprintf(r->why, sizeof r->why, "redis answered %s with %.*s", what, (int)strcspn(text, " "), text);
	return -ERR_UNAVAILABLE;
}

/* Each of these goes as far as it can without waiting: 0, -ERR_TRY_AGAIN, -ERR_UNAVAILABLE with r->why. */

int redis_flush(struct redis *r)
{
	while (r->unsent_length) {
		size_t n;
		int err = channel_write(&r->channel, r->unsent, r->unsent_length, &n);
		if (err)
			return redis_channel_result(r, err);
		r->unsent += n;
		r->unsent_length -= n;
	}
	return 0;
}

int redis_take(struct redis *r, struct arena *arena, struct redis_value *ret_value)
{
	char bytes[READ_SIZE];
	size_t n;
	int err;

	while ((err = resp_take(r->reader, arena, ret_value)) == -ERR_TRY_AGAIN) {
		err = channel_read(&r->channel, bytes, sizeof bytes, &n);
		if (err)
			return redis_channel_result(r, err);
		err = resp_feed(r->reader, bytes, n);
		if (err)
			return redis_failed(r, "out of memory");
	}
	if (err)
		return redis_failed(r, "a reply is malformed or too large");
	r->owed--;
	if (r->forgotten)
		r->forgotten--;
	return is_server_state(ret_value) ? redis_refused(r, "a command", ret_value) : 0;
}

/* How an exchange ended that was not answered: the caller's hurry is no failure of Redis. */
static int break_off(struct redis *r, int err)
{
	if (err == -ERR_TRY_AGAIN)
		redis_failed(r, "no answer in time");
	if (err == -ERR_TRY_AGAIN && deadline_left(r->limit)) {
		redis_drop(r);
		return -ERR_UNAVAILABLE;
	}
	return redis_give_up(r);
}

void redis_command(struct redis *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	resp_append(&r->commands, fmt, args);
	va_end(args);
}

static int send_commands(struct redis *r, struct deadline d)
{
	int err = redis_establish(r, d);

	if (err)
		return err;
	r->unsent = r->commands.bytes;
	r->unsent_length = r->commands.length;
	r->owed += r->commands.count;
	do
		err = redis_flush(r);
	while (err == -ERR_TRY_AGAIN && redis_await_socket(r, d));
	return err ? break_off(r, err) : 0;
}

int redis_send(struct redis *r, struct deadline d)
{
	int err;

	r->limit = deadline_in(r->operation_us);
	if (r->commands.broken)
		err = redis_failed(r, "a command could not be formatted");
	else
		err = send_commands(r, deadline_earlier(d, r->limit));
	resp_clear(&r->commands);
	return err;
}

static int take_in_time(
	struct redis *r, struct arena *arena, struct deadline d, struct redis_value *ret_value)
{
	int err;

	do
		err = redis_take(r, arena, ret_value);
	while (err == -ERR_TRY_AGAIN && redis_await_socket(r, d));
	if (err)
		return break_off(r, err);
	breaker_succeeded(&r->breaker);
	return 0;
}

int redis_reply(struct redis *r, struct arena *arena, struct deadline d, struct redis_value *ret_value)
{
	struct redis_value v;
	int err = 0;

	d = deadline_earlier(d, r->limit);
	if (r->state != REDIS_UP || r->owed == r->forgotten)
		return -ERR_UNAVAILABLE;
	while (!err && r->forgotten)
		err = take_in_time(r, NULL, d, &v);
	if (!err)
		err = take_in_time(r, arena, d, &v);
	if (!err)
		*ret_value = v;
	return err;
}

void redis_forget(struct redis *r, int n)
{
	r->forgotten = MIN(r->forgotten + n, r->owed);
}

void redis_reset(struct redis *r)
{
	resp_clear(&r->commands);
	if (r->state == REDIS_UP && r->owed > r->forgotten)
		redis_drop(r);
}

bool redis_is_up(const struct redis *r)
{
	return r->state == REDIS_UP;
}

const char *redis_why(const struct redis *r)
{
	return r->why;
}

int64_t redis_waited(struct redis *r)
{
	int64_t waited = r->waited;

	r->waited = 0;
	return waited;
}
