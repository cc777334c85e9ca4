/*
 * One request, as text from nginx and then checked. All of it lives in the request's arena.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"

enum http_method {
	HTTP_GET,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_HEAD, /* served as GET without body */
	HTTP_OPTIONS,
	HTTP_OTHER,
};

enum {
	REQUEST_SEGMENTS_MAX = 8, /* the longest route has six */
	REQUEST_QUERY_MAX = 32,
	REQUEST_BODY_MAX = 1 << 20,
	REQUEST_ID_MAX = 64,
};

struct request_pair {
	const char *name, *value;
};

struct request {
	/* What fcgi.c sets, NULL where the client sent nothing. */
	const char *method_text, *target; /* "GET", "/v1/lots?limit=5": raw, never normalised */
	const char *remote_addr;
	const char *request_id; /* nginx's: the client's when well-formed, else made */
	const char *authorization, *content_type, *content_encoding;
	const char *accept_language, *if_match, *if_none_match, *idempotency_key;
	const char *origin, *asks_method; /* a browser: from which site, what it would send */
	int64_t queue_start;              /* wall us when nginx handed it over, 0 if unknown */
	const char *body;                 /* NUL-terminated, may hold NUL bytes */
	size_t body_length;
	bool from_ops; /* arrived on the operators' port */

	/* What request_parse() makes of it. */
	enum http_method method;
	const char *path; /* raw, without query and fragment */
	const char
		*segments[REQUEST_SEGMENTS_MAX]; /* "/v1/lots/a%20b" -> "v1", "lots", "a b": decoded once */
	size_t segment_count;
	bool segment_escaped[REQUEST_SEGMENTS_MAX];   /* it held a percent-escape */
	struct request_pair query[REQUEST_QUERY_MAX]; /* decoded once, '+' is a space */
	size_t query_count;
	enum language language;
};

/*
 * Splits the target (RFC 3986 section 3) and decodes each segment and query pair once. Method and language are there
 * whatever it returns, so that a problem can be told.
 * -ERR_BAD_PATH: not starting with '/', empty or dot segments (a final slash makes an empty one; "/" alone has none),
 * a bad escape, %00, invalid UTF-8, raw control characters, spaces or non-ASCII bytes. More segments than
 * REQUEST_SEGMENTS_MAX: -ERR_NOT_FOUND, no route is that long. -ERR_BAD_QUERY: a bad escape, %00, invalid UTF-8 or more
 * pairs than REQUEST_QUERY_MAX; a name without '=' has the value "", nothing between two '&' is skipped.
 */
MUST_CHECK int request_parse(struct request *r, struct arena *arena);

/* Accept-Language (RFC 9110 section 12.5.4): whichever of en and es, regions included, weighs more, the first of equals;
 * English when neither is named, also by "*", or the header is malformed. */
enum language request_language(const char *accept_language);

#endif
