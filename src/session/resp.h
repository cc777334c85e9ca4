/*
 * RESP, Redis' protocol: commands to bytes, bytes to values, by hiredis (0.14 or 1.x; its sockets are not used). The only
 * file that includes <hiredis.h> is resp.c.
 */
#ifndef SESSION_RESP_H
#define SESSION_RESP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/base.h"
#include "session/redis.h"

enum {
	RESP_COMMANDS_MAX = 1 << 20, /* bytes of one send; a session is some hundred */
	RESP_REPLY_MAX = 1 << 20,    /* bytes of one reply, and what one read may add */
	/* Values in all arrays of one reply: 65536 of 48 bytes are 3 MiB of the arena. */
	RESP_VALUES_MAX = 1 << 16,
	RESP_DEPTH_MAX = 7,
	RESP_ERROR_SIZE = 128,
};

/* Commands one after another, ready to be sent. Starts all zero. */
struct resp_commands {
	char *bytes;
	size_t length, size;
	int count;
	bool broken; /* one was not a format, too long or found no memory: do not send */
};

void resp_append(struct resp_commands *c, const char *fmt, va_list args);
void resp_clear(struct resp_commands *c);   /* keeps its memory */
void resp_release(struct resp_commands *c); /* wiped: a command may hold a password */

struct resp_reader;

struct resp_reader *resp_reader_new(void); /* NULL: no memory */
void resp_reader_free(struct resp_reader *r);

/* 0, or -ERR_UNAVAILABLE: no memory. */
MUST_CHECK int resp_feed(struct resp_reader *r, const char *bytes, size_t n);
bool resp_is_empty(const struct resp_reader *r); /* nothing was fed that has not been taken */

/*
 * The next value, copied into `arena`. Without an arena only its type is told, and an error's text (its first 127 bytes,
 * valid until the next call). -ERR_TRY_AGAIN: it is not there whole. -ERR_UNAVAILABLE: what was fed is not RESP or
 * passes a limit above; after that, and after a jump out of it (arena->exhausted), the reader is good for
 * resp_reader_free() only.
 */
MUST_CHECK int resp_take(struct resp_reader *r, struct arena *arena, struct redis_value *ret_value);

#endif
