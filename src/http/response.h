/*
 * One answer, built in the request's arena, and the problems of RFC 9457.
 * The functions that build one return its status, so that a handler ends with `return response_…()`.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/request.h"

enum {
	RESPONSE_MAX = 20 << 20, /* a list of 200 lots is 100 KiB, the longest trace 17 MiB */
	FAULTS_MAX = 32,         /* more places than that in one body are not told apart by a person */
	ETAG_SIZE = 48,
};

/* One place in a body or query that breaks a rule: JSON pointer (RFC 6901) and what is wrong there. */
struct fault {
	const char *pointer;
	enum err err;
};

struct faults {
	struct fault at[FAULTS_MAX];
	size_t count;
};

struct response {
	struct arena *arena;
	int status;
	const char *content_type; /* NULL: no body */
	struct buf body;
	const char *location, *allow, *cache_control;
	const char *
		content_policy; /* Content-Security-Policy of a page; NULL: nginx's own, which lets nothing in */
	char etag[ETAG_SIZE]; /* with its quotes; "" for none */
	int retry_after;      /* seconds; 0 for none */
	const char *rate_limit, *rate_limit_policy;
	const char *vary, *allow_origin; /* http/cors.h */
	bool preflight;                  /* `allow` is also for the browser's question */
	bool replayed;                   /* Idempotency-Replayed: true */
	bool challenge;                  /* WWW-Authenticate: Bearer */
	enum err err;                    /* of a problem, for the log */
};

void response_init(struct response *resp, struct arena *arena);

/* 200 or another status with what was written to resp->body as JSON; -ERR_INTERNAL when that passed RESPONSE_MAX. */
int response_json(struct response *resp, int status);
/* 201 likewise, with the new resource's Location. */
int response_created(struct response *resp, const char *location_fmt, ...) PRINTF_LIKE(2, 3);
/* 204; what was written is dropped. */
int response_no_content(struct response *resp);

/*
 * The problem that `err` (-ERR_*) stands for, in the request's language; `req` may be NULL (English, no request id). An
 * err that never reaches a client as such is answered 500. What was written before is dropped with its Location, ETag
 * and Cache-Control (now no-store); allow stays. 401 sets challenge; 503 and 429 set retry_after to 1-3 s at random
 * where it is 0.
 */
int response_problem(struct response *resp, const struct request *req, int err);
/* The same with errors[], where there are faults: 422 invalid when `err` is 0. */
int response_faults(struct response *resp, const struct request *req, int err, const struct faults *faults);

/* The FAULTS_MAX + 1st and later ones are left out. */
void faults_add(struct faults *f, struct arena *arena, enum err err, const char *pointer_fmt, ...)
	PRINTF_LIKE(4, 5);

/* Sets the ETag of the body as it stands: the first 128 bits of its SHA-256. True when this is a GET or HEAD whose
 * If-None-Match names it (RFC 9110 section 13.1.2); the body is then dropped and the status 304. */
bool response_etag_body(struct response *resp, const struct request *req);
/* The ETag of something with a version: "7". */
void response_etag_version(struct response *resp, int64_t version);
/* Whether If-Match or If-None-Match (NULL: not sent) is "*" or names `etag`. The comparison is weak for both: nginx marks
 * the tag of an answer that it compresses as W/, and the client who sends that back has seen the same content. */
bool etag_matches(const char *header, const char *etag);

#endif
