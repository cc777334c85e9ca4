/*
 * Which pages of other sites may read our answers in a browser (Fetch standard, section 3.2; origins as RFC 6454 section 6.2
 * writes them). Tokens travel in a header that a page must know, never in cookies, so that credentials are never allowed.
 *
 * The setting is a list of exact origins. There is no "*": whoever may call is known, and a page that anybody serves has no
 * business with tokens. An origin that is not listed gets the same answer without these headers.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "base/base.h"
#include "http/request.h"
#include "http/response.h"

/* What a page may send beyond what every page may, and read of an answer. */
#define CORS_SENT                                                                                            \
	"Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "           \
	"X-Request-Id"
#define CORS_READ                                                                                            \
	"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
enum { CORS_KEPT_SECONDS = 7200 }; /* how long a browser asks no more; the longest that Chromium takes */

/* NULL, or what is wrong with the setting: "scheme://host" or "scheme://host:port" each, as browsers write them (lower case,
 * no default port, no path), separated by commas without blanks. "" is none. */
const char *cors_fault(const char *origins);

/* What the finished answer says of it: nothing without a list or to the operators' port. Vary is there for every origin and
 * for none, because a shared cache may keep any of these answers. */
void cors_answer(const char *origins, const struct request *req, struct response *resp);

#endif
