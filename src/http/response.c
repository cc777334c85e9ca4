/* One answer, and the problems of RFC 9457. */
#include "http/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "http/json.h"
#include "http/status.h"

enum { ETAG_BYTES = 16 };
_Static_assert(HEX_SIZE(ETAG_BYTES) + 2 <= ETAG_SIZE, "an ETag fits between its quotes");

static void drop_body(struct response *resp)
{
	resp->content_type = NULL;
	buf_init(&resp->body, resp->arena, RESPONSE_MAX);
}

void response_init(struct response *resp, struct arena *arena)
{
	*resp = (struct response){ .arena = arena };
	drop_body(resp);
}

int response_json(struct response *resp, int status)
{
	if (resp->body.full)
		return -ERR_INTERNAL;
	resp->content_type = "application/json";
	return resp->status = status;
}

static char *print(struct arena *arena, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

static char *print(struct arena *arena, const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	size_t size = (size_t)MAX(n, 0) + 1;
	char *text = arena_alloc(arena, size);
	vsnprintf(text, size, fmt, again);
	va_end(again);
	return text;
}

int response_created(struct response *resp, const char *location_fmt, ...)
{
	va_list args;

	va_start(args, location_fmt);
	resp->location = print(resp->arena, location_fmt, args);
	va_end(args);
	return response_json(resp, 201);
}

int response_no_content(struct response *resp)
{
	drop_body(resp);
	return resp->status = 204;
}

/* --- problems --- */

/* `err` as one that has a status: what never reaches a client as such is a defect of ours when it does. */
static enum err public_err(int err)
{
	enum err e = (enum err)(err < 0 ? -err : err);

	return e > ERR_NONE && e < ERR_COUNT && err_info((int)e)->status ? e : ERR_INTERNAL;
}

static void write_faults(struct json_writer *w, const struct faults *faults, enum language language)
{
	json_name(w, "errors");
	json_open(w, '[');
	for (size_t i = 0; i < faults->count; i++) {
		const struct err_info *info = err_info((int)faults->at[i].err);
		json_open(w, '{');
		json_put_string(w, "pointer", faults->at[i].pointer);
		json_put_string(w, "code", info->code);
		json_put_string(w, "detail", info->detail[language]);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_problem(struct response *resp, const struct request *req, const struct err_info *info,
	const struct faults *faults)
{
	enum language language = req ? req->language : ENGLISH;
	struct json_writer w;

	json_begin(&w, &resp->body);
	json_open(&w, '{');
	json_put_string(&w, "type", arena_printf(resp->arena, "/problems/%s", info->code));
	json_put_string(&w, "title", http_status_phrase(info->status));
	json_put_integer(&w, "status", info->status);
	json_put_string(&w, "code", info->code);
	json_put_string(&w, "detail", info->detail[language]);
	if (req && req->request_id)
		json_put_string(&w, "request_id", req->request_id);
	if (faults && faults->count)
		write_faults(&w, faults, language);
	json_close(&w, '}');
}

/* 1 to 3 s: clients that were refused together shall not come back together. */
static int jittered_retry(void)
{
	unsigned char b;

	random_bytes(&b, 1);
	return 1 + b % 3;
}

int response_faults(struct response *resp, const struct request *req, int err, const struct faults *faults)
{
	resp->err = err ? public_err(err) : ERR_INVALID;
	const struct err_info *info = err_info((int)resp->err);

	/* Whatever the handler had begun to say is void; only the hints of this refusal stay (Allow, Retry-After). */
	drop_body(resp);
	resp->location = NULL;
	resp->etag[0] = '\0';
	resp->replayed = false;
	resp->cache_control = "no-store";
	resp->status = info->status;
	resp->challenge = info->status == 401;
	if ((info->status == 503 || info->status == 429) && !resp->retry_after)
		resp->retry_after = jittered_retry();
	write_problem(resp, req, info, faults);
	resp->content_type = "application/problem+json";
	return resp->status;
}

int response_problem(struct response *resp, const struct request *req, int err)
{
	return response_faults(resp, req, err ? err : -ERR_INTERNAL, NULL);
}

void faults_add(struct faults *f, struct arena *arena, enum err err, const char *pointer_fmt, ...)
{
	va_list args;

	if (f->count == FAULTS_MAX)
		return;
	va_start(args, pointer_fmt);
	f->at[f->count++] = (struct fault){ print(arena, pointer_fmt, args), err };
	va_end(args);
}

/* --- entity tags --- */

bool response_etag_body(struct response *resp, const struct request *req)
{
	uint8_t digest[SHA256_SIZE];
	char hex[HEX_SIZE(ETAG_BYTES)];

	sha256(resp->body.data ? resp->body.data : "", resp->body.len, digest);
	hex_encode(digest, ETAG_BYTES, hex);
	snprintf(resp->etag, sizeof resp->etag, "\"%s\"", hex);
	if (req->method != HTTP_GET && req->method != HTTP_HEAD)
		return false;
	if (!etag_matches(req->if_none_match, resp->etag))
		return false;
	drop_body(resp);
	resp->status = 304;
	return true;
}

void response_etag_version(struct response *resp, int64_t version)
{
	snprintf(resp->etag, sizeof resp->etag, "\"%lld\"", (long long)version);
}

/* The length of the entity tag that `text` starts with, W/ not included; 0 if there is none. */
static size_t etag_length(const char *text)
{
	if (*text != '"')
		return 0;
	const char *c = text + 1;
	while (*c == '!' || (unsigned char)*c > '"')
		c++;
	return *c == '"' ? (size_t)(c + 1 - text) : 0;
}

bool etag_matches(const char *header, const char *etag)
{
	if (!header)
		return false;
	if (strcmp(header, "*") == 0)
		return true;
	for (const char *at = header;;) {
		at += strspn(at, " \t,");
		if (strncmp(at, "W/", 2) == 0)
			at += 2;
		size_t n = etag_length(at);
		if (!n)
			return false;
		if (strlen(etag) == n && memcmp(at, etag, n) == 0)
			return true;
		at += n;
	}
}
