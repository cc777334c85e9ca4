/* FastCGI, by libfcgi. */
#include "fcgi/fcgi.h"

#include <fcgiapp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/cors.h"
#include "http/status.h"

struct fcgi {
	FCGX_Request request;
	struct timeval timeout; /* between two pieces, in and out */
};

/* The one request of this worker; a process serves one at a time. */
static struct fcgi current;

/* The send buffer of a Unix socket is 208 KiB where nobody changed it (net.core.wmem_default); its overhead counts. */
enum { SENT_AT_ONCE = 16 << 10 };

enum { PARAM_TEXT, PARAM_STAMP, PARAM_OPS };

/* The parameters nginx is told to send (nginx/nginx.conf.in), all of them, and where each goes. */
static const struct param {
	const char *name;
	size_t length, offset;
	int kind;
} params[] = {
#define PARAM(name, field, kind)                                                                             \
	{                                                                                                    \
		name, sizeof name - 1, offsetof(struct request, field), kind                                 \
	}
	PARAM("REQUEST_METHOD", method_text, PARAM_TEXT),
	PARAM("REQUEST_URI", target, PARAM_TEXT),
	PARAM("REMOTE_ADDR", remote_addr, PARAM_TEXT),
	PARAM("REQUEST_ID", request_id, PARAM_TEXT),
	PARAM("CONTENT_TYPE", content_type, PARAM_TEXT),
	PARAM("HTTP_AUTHORIZATION", authorization, PARAM_TEXT),
	PARAM("HTTP_CONTENT_ENCODING", content_encoding, PARAM_TEXT),
	PARAM("HTTP_ACCEPT_LANGUAGE", accept_language, PARAM_TEXT),
	PARAM("HTTP_IF_MATCH", if_match, PARAM_TEXT),
	PARAM("HTTP_IF_NONE_MATCH", if_none_match, PARAM_TEXT),
	PARAM("HTTP_IDEMPOTENCY_KEY", idempotency_key, PARAM_TEXT),
	PARAM("HTTP_ORIGIN", origin, PARAM_TEXT),
	PARAM("HTTP_ACCESS_CONTROL_REQUEST_METHOD", asks_method, PARAM_TEXT),
	PARAM("QUEUE_START", queue_start, PARAM_STAMP),
	PARAM("LISTENER", from_ops, PARAM_OPS),
#undef PARAM
};

void fcgi_init(void)
{
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1); /* read once, by FCGX_Init() */
	FCGX_Init();
}

/* nginx's $msec, "1767225600.123": seconds and milliseconds, as us. 0 for anything else. */
static int64_t stamp_parse(const char *text)
{
	char *end;
	int64_t seconds = strtoll(text, &end, 10);

	if (*end != '.' || strlen(end + 1) != 3)
		return 0;
	int64_t ms = strtoll(end + 1, &end, 10);
	return *end || seconds < 0 || seconds > INT32_MAX * INT64_C(4)
		       ? 0
		       : seconds * US_PER_SECOND + ms * US_PER_MS;
}

static void param_set(const struct param *p, struct request *req, const char *value, struct arena *arena)
{
	void *at = (char *)req + p->offset;

	switch (p->kind) {
	case PARAM_STAMP:
		*(int64_t *)at = stamp_parse(value);
		break;
	case PARAM_OPS:
		*(bool *)at = strcmp(value, "ops") == 0;
		break;
	default:
		*(const char **)at = arena_copy(arena, value, strlen(value));
		break;
	}
}

static void read_params(const FCGX_Request *r, struct request *req, struct arena *arena)
{
	*req = (struct request){ .method_text = "", .target = "", .remote_addr = "", .request_id = "" };
	for (char **e = r->envp; *e; e++) {
		size_t n = (size_t)(strchrnul(*e, '=') - *e);
		for (size_t i = 0; i < ARRAY_SIZE(params); i++)
			if (params[i].length == n && memcmp(params[i].name, *e, n) == 0)
				param_set(&params[i], req, *e + n + 1, arena);
	}
}

/* The whole body, to its end whatever its length: what is over the limit is read and dropped. */
static int read_body(const FCGX_Request *r, struct request *req, struct arena *arena)
{
	const char *announced = FCGX_GetParam("CONTENT_LENGTH", r->envp);
	long long expected = announced && *announced ? strtoll(announced, NULL, 10) : 0;
	char *body = arena_alloc(arena, (size_t)MIN(MAX(expected, 0), REQUEST_BODY_MAX) + 1);
	size_t room = (size_t)MIN(MAX(expected, 0), REQUEST_BODY_MAX), n = 0;
	char rest[4096];
	bool more = false;

	for (;;) {
		int got = n < room ? FCGX_GetStr(body + n, (int)(room - n), r->in)
				   : FCGX_GetStr(rest, sizeof rest, r->in);
		if (got <= 0)
			break;
		more |= n == room;
		n += n < room ? (size_t)got : 0;
	}
	req->body = body;
	req->body_length = n;
	if (expected > REQUEST_BODY_MAX)
		return -ERR_BODY_TOO_LARGE;
	return more || FCGX_GetError(r->in) || (long long)n != expected ? -ERR_BAD_BODY : 0;
}

struct fcgi *fcgi_read(int fd, int64_t timeout_us, struct arena *arena, struct request *ret_req, int *ret_err)
{
	const struct timeval limit = { timeout_us / US_PER_SECOND, timeout_us % US_PER_SECOND };
	FCGX_Request *r = &current.request;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	current.timeout = limit;
	FCGX_InitRequest(r, -1, 0); /* -1: it can never accept by itself */
	r->ipcFd = fd;
	r->keepConnection = 1; /* or the FCGX_Finish_r() inside FCGX_Accept_r() closes our descriptor */
	if (FCGX_Accept_r(r) < 0)
		return NULL; /* closed by libfcgi */
	if (FCGX_GetError(r->in)) {
		fcgi_abandon(&current);
		return NULL;
	}
	read_params(r, ret_req, arena);
	*ret_err = read_body(r, ret_req, arena);
	return &current;
}

static void close_request(FCGX_Request *r)
{
	FCGX_Detach(r); /* no lingering close */
	FCGX_Finish_r(r);
	if (r->ipcFd >= 0)
		FCGX_Free(r, 1);
}

void fcgi_abandon(struct fcgi *f)
{
	FCGX_Free(&f->request, 1);
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* A header whose value came from outside or from a store: control characters are dropped, so that none can end it early. */
static void put_header(struct buf *b, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	buf_add_text(b, name);
	buf_add(b, ": ", 2);
	while (*value) {
		const char *run = value;
		while (*value && !is_control(*value))
			value++;
		buf_add(b, run, (size_t)(value - run));
		value += *value != '\0';
	}
	buf_add(b, "\r\n", 2);
}

static void put_number(struct buf *b, const char *name, int64_t value)
{
	buf_add_text(b, name);
	buf_add(b, ": ", 2);
	buf_add_int(b, value);
	buf_add(b, "\r\n", 2);
}

static void put_us_as_ms(struct buf *b, const char *name, int64_t us)
{
	buf_add_text(b, name);
	buf_add(b, ": ", 2);
	buf_add_thousandths(b, us);
	buf_add(b, "\r\n", 2);
}

static void put_log(struct buf *b, const struct fcgi_log *log)
{
	put_header(b, "X-Log-User", log->user);
	put_header(b, "X-Log-Route", log->route);
	put_header(b, "X-Log-Code", log->code);
	put_us_as_ms(b, "X-Log-Postgres-Ms", log->postgres_us);
	put_us_as_ms(b, "X-Log-Redis-Ms", log->redis_us);
	put_us_as_ms(b, "X-Log-Queue-Ms", log->queue_us);
}

static void put_cors(struct buf *b, const struct response *resp)
{
	put_header(b, "Vary", resp->vary);
	put_header(b, "Access-Control-Allow-Origin", resp->allow_origin);
	if (resp->preflight) {
		put_header(b, "Access-Control-Allow-Methods", resp->allow);
		put_header(b, "Access-Control-Allow-Headers", CORS_SENT);
		put_number(b, "Access-Control-Max-Age", CORS_KEPT_SECONDS);
	} else if (resp->allow_origin) {
		put_header(b, "Access-Control-Expose-Headers", CORS_READ);
	}
}

void fcgi_write(
	struct fcgi *f, const struct request *req, const struct response *resp, const struct fcgi_log *log)
{
	FCGX_Request *r = &f->request;
	struct buf head;

	buf_init(&head, resp->arena, 16384);
	buf_add_text(&head, "Status: ");
	buf_add_int(&head, resp->status);
	buf_add_char(&head, ' ');
	buf_add_text(&head, http_status_phrase(resp->status));
	buf_add_text(&head, "\r\n");
	put_header(&head, "Content-Type", resp->content_type);
	if (resp->content_type)
		put_number(&head, "Content-Length", (int64_t)resp->body.len);
	put_header(&head, "Location", resp->location);
	put_header(&head, "Allow", resp->allow);
	put_header(&head, "Cache-Control", resp->cache_control);
	put_header(&head, "Content-Security-Policy", resp->content_policy);
	put_header(&head, "ETag", resp->etag);
	if (resp->retry_after)
		put_number(&head, "Retry-After", resp->retry_after);
	put_header(&head, "RateLimit-Policy", resp->rate_limit_policy);
	put_header(&head, "RateLimit", resp->rate_limit);
	put_header(&head, "Idempotency-Replayed", resp->replayed ? "true" : NULL);
	put_header(&head, "WWW-Authenticate", resp->challenge ? "Bearer" : NULL);
	put_cors(&head, resp);
	put_log(&head, log);
	buf_add_text(&head, "\r\n");
	if (head.len + resp->body.len > SENT_AT_ONCE) /* only then may a write have to wait */
		setsockopt(r->ipcFd, SOL_SOCKET, SO_SNDTIMEO, &f->timeout, sizeof f->timeout);
	FCGX_PutStr(head.data, (int)head.len, r->out);
	if (resp->content_type && req->method != HTTP_HEAD && resp->body.len)
		FCGX_PutStr(resp->body.data, (int)resp->body.len, r->out);
	close_request(r);
}
