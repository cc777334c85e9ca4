/*
 * Names to addresses with a deadline. getaddrinfo() has none, so a look-up runs in a thread of the C library
 * (getaddrinfo_a()) and is left behind when its time is up; the next call for the same name takes its result.
 */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include "base/base.h"
#include "base/clock.h"

enum { ADDRESS_TEXT_SIZE = 46 }; /* INET6_ADDRSTRLEN */

/* One name being looked up. Starts all zero; belongs to one connection. */
struct resolver {
	struct resolver_job *job;
};

/* The first address of `host` as text ("10.0.0.7", "::1"); an address is returned as it is. 0, or -ERR_UNAVAILABLE at
 * the deadline or when there is none. */
MUST_CHECK int resolve(
	struct resolver *r, const char *host, struct deadline d, char ret_address[ADDRESS_TEXT_SIZE]);

#endif
