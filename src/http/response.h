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
	RESPONSE_MAX = 8 << 20, /* 200 lots of a list are 100 KiB; a history of 10 000 events 4 MiB */
	FAULTS_MAX = 32,        /* more places than that in one body are not told apart by a person */
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
	char etag[ETAG_SIZE]; /* with its quotes; "" for none */
	int retry_after;      /* seconds; 0 for none */
	bool replayed;        /* Idempotency-Replayed: true */
	bool challenge;       /* WWW-Authenticate: Bearer */
	enum err err;         /* of a problem, for the log */
};

void response_init(struct response *resp, struct arena *arena);

/* 200 or another status with what was written to resp->body as JSON. */
int response_json(struct response *resp, int status);
int response_created(struct response *resp, const char *location_fmt, ...) PRINTF_LIKE(2, 3);
int response_no_content(struct response *resp);

/* The problem that `err` (-ERR_*) stands for, in the request's language. */
int response_problem(struct response *resp, const struct request *req, int err);
/* The same with errors[]: 422 unless `err` says otherwise. */
int response_faults(struct response *resp, const struct request *req, int err, const struct faults *faults);

void faults_add(struct faults *f, struct arena *arena, enum err err, const char *pointer_fmt, ...)
	PRINTF_LIKE(4, 5);

/* An ETag of the body as it stands: the first 128 bits of its SHA-256. True when If-None-Match names it (RFC 9110
 * section 13.1.2); the body is then dropped and the status 304. */
bool response_etag_body(struct response *resp, const struct request *req);
bool etag_matches(const char *header, const char *etag);

#endif
