/*
 * Names to addresses with a deadline. getaddrinfo() has none, so a look-up runs in a thread of the C library
 * (getaddrinfo_a()) and is left behind when its time is up; the next call for the same name takes its result.
 *
 * Only after the last fork of a process: the thread does not follow its result into a child. It blocks every signal
 * by itself, so it disturbs no handler.
 */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include <stdbool.h>

#include "base/base.h"
#include "base/clock.h"

enum { ADDRESS_TEXT_SIZE = 46 }; /* INET6_ADDRSTRLEN */

/* One name being looked up. Starts all zero; belongs to one connection. */
struct resolver {
	struct resolver_job *job; /* a look-up that is still running; NULL for none */
	unsigned turn, count;     /* of the name's addresses: whose turn it is, and how many there were */
};

/* The address of `host` whose turn it is, the first to begin with, in getaddrinfo's order (RFC 6724), as text
 * ("10.0.0.7", "::1"); an address is returned as it is. 0, or -ERR_UNAVAILABLE: at the deadline (r->job then is not
 * NULL) or when there is none. */
MUST_CHECK int resolve(
	struct resolver *r, const char *host, struct deadline d, char ret_address[ADDRESS_TEXT_SIZE]);

/* Nobody answers at the address that resolve() gave: the next call gives the one after it (localhost is ::1 and then
 * 127.0.0.1). False, and the first has its turn again, when that was the last. */
bool resolver_next(struct resolver *r);

/* Forgets what was looked up. One that is still running is left to the C library and never freed: it writes there. */
void resolver_release(struct resolver *r);

#endif
