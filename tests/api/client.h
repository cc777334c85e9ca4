/*
 * An HTTP client for tests, over libcurl. What is sent is what the test wrote: path, headers and body go out as they stand.
 * What came back is a reply, which lives until its client is freed. A failure to get any answer at all fails the test, and so
 * does an answer that the service's own document does not promise (contract.h).
 */
#ifndef TESTS_API_CLIENT_H
#define TESTS_API_CLIENT_H

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

enum { CALL_HEADERS_MAX = 6 };

/* One request. */
struct call {
	const char *method;                    /* NULL: GET, or POST where there is a body */
	const char *path;                      /* the request's target, raw */
	const char *token;                     /* sent as Authorization: Bearer */
	const char *body;                      /* sent as application/json; NULL for none */
	size_t length;                         /* of the body; 0: it is a string */
	const char *key;                       /* Idempotency-Key */
	const char *language;                  /* Accept-Language */
	const char *headers[CALL_HEADERS_MAX]; /* "Name: value" more; one of the same name replaces ours */
	const char *from;                      /* the client's address, 127.0.0.1 where NULL */
	bool ops;                              /* to the operators' port */
};

struct reply {
	int status;
	const char *headers;      /* as received */
	const char *header_lines; /* the same as strings, one after another, an empty one last */
	const char *body;         /* NUL-terminated */
	size_t length;
	cJSON *json; /* NULL where the body is no JSON */
};

/* A client is one connection; a thread has its own. */
struct client *client_new(void);
void client_free(struct client *c); /* with all its replies; takes NULL */
const struct reply *client_call(struct client *c, const struct call *call);
/* Text that lives as long as the client. */
char *client_text(struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Each call from a connection of its own, all at the same moment; replies in the order of the calls. What the service
 * refused unserved because its queue was too long (code "overloaded") is sent again. */
void client_call_at_once(
	struct client *c, const struct call *calls, size_t count, const struct reply **ret_replies);

/* One call from a connection of its own, under way while the test goes on; `call` must live until its end. */
struct runner *client_begin(struct client *c, const struct call *call);
const struct reply *client_end(struct runner *r);

/* The value of a header, or NULL. */
const char *reply_header(const struct reply *r, const char *name);
/* What a JSON pointer (RFC 6901, names without '~') leads to, or NULL. */
const cJSON *reply_at(const struct reply *r, const char *pointer);
const char *reply_text(const struct reply *r, const char *pointer); /* a string there, or NULL */

#endif
