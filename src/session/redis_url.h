/*
 * Where Redis is, as one URL: redis://[user[:password]@]host[:port][/db], rediss:// for TLS, unix:/path?db=0.
 * (redis: and rediss: as IANA has registered them, without the query.)
 */
#ifndef SESSION_REDIS_URL_H
#define SESSION_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

enum { REDIS_PORT = 6379, REDIS_DB_MAX = 65535 };

/* Parts point into `text`, decoded; "" where the URL has none. */
struct redis_url {
	char *text;
	size_t size;
	bool tls;
	const char *path; /* of the socket; else host and port */
	const char *host; /* a name or an address without brackets */
	int port;
	const char *user, *password;
	int db;
};

/* 0, or -ERR_INVALID with what is wrong, in words that hold nothing of the URL itself. */
MUST_CHECK int redis_url_parse(const char *text, struct redis_url *ret_url, const char **ret_why);
void redis_url_release(struct redis_url *u); /* wipes it too: it may hold the password */

#endif
