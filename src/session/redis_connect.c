/*
 * Redis: the way to a connection, as a list of steps, each of which the next call can go on with.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "base/err.h"
#include "session/redis_internal.h"

/* An attempt to connect that takes longer is given up and begun afresh, at the name's next address. */
#define ATTEMPT_US US_PER_SECOND
/* While Redis is thought to be away, a request waits this long for the probe: less than the 2 ms it may lose then. */
#define PROBE_US US_PER_MS

static int begin_greeting(struct redis *r)
{
	resp_reader_free(r->reader);
	r->reader = resp_reader_new();
	if (!r->reader)
		return redis_failed(r, "out of memory");
	r->unsent = r->greeting.bytes;
	r->unsent_length = r->greeting.length;
	r->owed = r->greeting.count;
	r->state = REDIS_GREETING;
	return 0;
}

/* The next address of the name, if there is one that was not tried. */
static int connect_elsewhere(struct redis *r)
{
	redis_failed(r, r->channel.why);
	if (*r->url.path || !resolver_next(&r->resolver))
		return -ERR_UNAVAILABLE;
	channel_close(&r->channel);
	r->state = REDIS_CLOSED;
	return 0;
}

static int step_open(struct redis *r, struct deadline d)
{
	char address[ADDRESS_TEXT_SIZE];
	int64_t now = clock_now();
	int err;

	if (!r->attempt_began)
		r->attempt_began = now;
	if (*r->url.path) {
		err = channel_open_unix(&r->channel, r->url.path);
	} else {
		err = resolve(&r->resolver, r->url.host, d, address);
		r->waited += clock_now() - now;
		if (err) {
			redis_failed(r, "the server's name could not be resolved");
			return r->resolver.job ? -ERR_TRY_AGAIN : err;
		}
		err = channel_open_tcp(&r->channel, address, r->url.port);
	}
	if (err)
		return connect_elsewhere(r);
	r->state = REDIS_CONNECTING;
	return 0;
}

static int step_connect(struct redis *r, struct deadline d)
{
	int err = channel_finish(&r->channel);

	(void)d;
	if (err == -ERR_UNAVAILABLE)
		return connect_elsewhere(r);
	if (err)
		return err;
	if (!r->trust)
		return begin_greeting(r);
	err = channel_secure(&r->channel, r->trust, r->url.host);
	if (err)
		return redis_channel_result(r, err);
	r->state = REDIS_SECURING;
	return 0;
}

static int step_secure(struct redis *r, struct deadline d)
{
	int err = channel_handshake(&r->channel);

	(void)d;
	return err ? redis_channel_result(r, err) : begin_greeting(r);
}

/* AUTH and SELECT must succeed. PING, the last, must be answered: also by an error, since a user may be forbidden it. */
static int step_greet(struct redis *r, struct deadline d)
{
	struct redis_value v;
	int err = redis_flush(r);

	(void)d;
	while (!err && r->owed) {
		err = redis_take(r, NULL, &v);
		if (!err && v.type != REDIS_STRING && (r->owed || v.type != REDIS_ERROR))
			return redis_refused(r, "the greeting", &v);
	}
	if (err)
		return err;
	r->attempt_began = 0;
	r->state = REDIS_UP;
	return 0;
}

static int connect_on(struct redis *r, struct deadline d)
{
	static int (*const steps[])(struct redis *, struct deadline) = {
		[REDIS_CLOSED] = step_open,
		[REDIS_CONNECTING] = step_connect,
		[REDIS_SECURING] = step_secure,
		[REDIS_GREETING] = step_greet,
	};
	int err = 0;

	while (!err && r->state != REDIS_UP)
		err = steps[r->state](r, d);
	return err;
}

/* A kept connection: alive, and with nothing on it but replies that are owed? */
static bool is_usable(struct redis *r)
{
	struct redis_value v;
	char byte;
	size_t n;

	while (r->forgotten) {
		int err = redis_take(r, NULL, &v);
		if (err)
			return err == -ERR_TRY_AGAIN;
	}
	return r->owed ||
	       (resp_is_empty(r->reader) && channel_read(&r->channel, &byte, 1, &n) == -ERR_TRY_AGAIN);
}

int redis_establish(struct redis *r, struct deadline d)
{
	bool expecting = r->owed > r->forgotten;
	int err;

	if (breaker_refuses(&r->breaker))
		return -ERR_UNAVAILABLE;
	if (r->state == REDIS_UP) {
		if (is_usable(r))
			return 0;
		if (expecting) /* a new connection would answer the wrong question */
			return redis_give_up(r);
		redis_drop(r);
	}
	if (breaker_is_open(&r->breaker))
		d = deadline_earlier(d, deadline_in(PROBE_US));
	do
		err = connect_on(r, d);
	while (err == -ERR_TRY_AGAIN && redis_await_socket(r, d));
	if (!err)
		return 0;
	if (err == -ERR_TRY_AGAIN && clock_now() - r->attempt_began < ATTEMPT_US) {
		if (!deadline_left(r->limit))
			breaker_failed(&r->breaker);
		return redis_failed(r, "connecting takes longer than this request may");
	}
	if (err == -ERR_TRY_AGAIN) {
		redis_failed(r, "connecting takes too long");
		resolver_next(&r->resolver);
	}
	return redis_give_up(r);
}

int redis_connect(struct redis *r, struct deadline d)
{
	r->limit = deadline_in(r->operation_us);
	return redis_establish(r, d);
}

static void greeting_add(struct redis *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	resp_append(&r->greeting, fmt, args);
	va_end(args);
}

static void make_greeting(struct redis *r, const struct redis_options *options)
{
	const char *user = *r->url.user ? r->url.user : options->user;
	const char *password = *r->url.password ? r->url.password : options->password;

	if (*user)
		greeting_add(r, "AUTH %s %s", user, password);
	else if (*password)
		greeting_add(r, "AUTH %s", password);
	if (r->url.db)
		greeting_add(r, "SELECT %d", r->url.db);
	greeting_add(r, "PING");
}

int redis_new(const struct redis_options *options, struct redis **ret_redis, const char **ret_why)
{
	struct redis *r = calloc(1, sizeof *r);

	*ret_why = "out of memory";
	if (!r)
		return -ERR_INVALID;
	channel_init(&r->channel);
	r->operation_us = options->operation_us;
	if (redis_url_parse(options->url, &r->url, ret_why))
		goto out;
	if (r->url.tls && tls_trust_new(options->ca_file, &r->trust)) {
		*ret_why = "the file of certificates cannot be read";
		goto out;
	}
	make_greeting(r, options);
	if (r->greeting.broken) {
		*ret_why = "out of memory";
		goto out;
	}
	*ret_why = "";
	*ret_redis = r;
	return 0;
out:
	redis_free(r);
	return -ERR_INVALID;
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	redis_drop(r);
	resolver_release(&r->resolver);
	tls_trust_free(r->trust);
	resp_release(&r->greeting);
	resp_release(&r->commands);
	redis_url_release(&r->url);
	free(r);
}
