/* The test's HTTP client: libcurl out, replies in, cJSON over their bodies. */
#include "client.h"

#include <check.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "contract.h"
#include "secrets.h"

enum { PATIENCE_MS = 20000, CROWD_MAX = 64, AGAIN_MAX = 200 };

/* Everything a client made, newest first, to be freed with it. */
struct kept {
	struct kept *next;
	struct reply reply;
	char *text[3];
};

struct client {
	CURL *curl;
	struct kept *kept;
	struct client *crowd; /* clients of the threads it started */
};

/* Bytes as they arrive. */
struct heap {
	char *data;
	size_t length;
};

static size_t heap_add(const char *data, size_t size, size_t count, void *self)
{
	struct heap *h = self;
	size_t n = size * count;
	char *more = realloc(h->data, h->length + n + 1);

	if (!more)
		return 0;
	memcpy(more + h->length, data, n);
	more[h->length + n] = '\0';
	h->data = more;
	h->length += n;
	return n;
}

/* A status line begins a new answer: what came before it was only 100 Continue. */
static size_t heap_add_header(const char *data, size_t size, size_t count, void *self)
{
	struct heap *h = self;

	if (strncmp(data, "HTTP/", 5) == 0)
		h->length = 0;
	return heap_add(data, size, count, self);
}

struct client *client_new(void)
{
	struct client *c = calloc(1, sizeof *c);

	ck_assert_ptr_nonnull(c);
	c->curl = curl_easy_init();
	ck_assert_ptr_nonnull(c->curl);
	return c;
}

void client_free(struct client *c)
{
	while (c) {
		struct client *next = c->crowd;
		while (c->kept) {
			struct kept *k = c->kept;
			c->kept = k->next;
			cJSON_Delete(k->reply.json);
			for (size_t i = 0; i < ARRAY_SIZE(k->text); i++)
				free(k->text[i]);
			free(k);
		}
		curl_easy_cleanup(c->curl);
		free(c);
		c = next;
	}
}

static struct kept *keep(struct client *c, char *text)
{
	struct kept *k = calloc(1, sizeof *k);

	ck_assert_ptr_nonnull(k);
	*k = (struct kept){ .next = c->kept, .text = { text } };
	return c->kept = k;
}

char *client_text(struct client *c, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);
	va_end(args);
	ck_assert_int_ge(n, 0);
	keep(c, text);
	return text;
}

/* --- a request --- */

static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value)
{
	char line[4096];

	snprintf(line, sizeof line, "%s: %s", name, value);
	return value ? curl_slist_append(list, line) : list;
}

static bool is_given(const struct call *call, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < CALL_HEADERS_MAX && call->headers[i]; i++)
		if (strncasecmp(call->headers[i], name, n) == 0 && strchr(":;", call->headers[i][n]))
			return true;
	return false;
}

static struct curl_slist *headers_of(const struct call *call)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no 100-continue */
	char bearer[128];

	snprintf(bearer, sizeof bearer, "Bearer %s", call->token ? call->token : "");
	list = header(list, "Authorization", call->token ? bearer : NULL);
	list = header(list, "Idempotency-Key", call->key);
	list = header(list, "Accept-Language", call->language);
	if (call->body && !is_given(call, "Content-Type"))
		list = header(list, "Content-Type", "application/json");
	for (size_t i = 0; i < CALL_HEADERS_MAX && call->headers[i]; i++)
		list = curl_slist_append(list, call->headers[i]);
	return list;
}

static const char *base_url(bool ops)
{
	const char *url = getenv(ops ? "AGROBRIDGE_TEST_OPS_URL" : "AGROBRIDGE_TEST_URL");

	ck_assert_msg(url, "run this by scripts/lib/with_stack.py --full");
	return url;
}

static void set_up(CURL *curl, const struct call *call, const struct curl_slist *headers)
{
	size_t length = call->length ? call->length : call->body ? strlen(call->body) : 0;

	curl_easy_reset(curl); /* keeps the connection */
	curl_easy_setopt(curl, CURLOPT_URL, base_url(call->ops));
	curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, call->path);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (call->from)
		curl_easy_setopt(curl, CURLOPT_INTERFACE, call->from);
	if (call->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
	}
	if (call->method && strcmp(call->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else if (call->method)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

/* A copy of header lines, each ended by NUL instead of CR LF, and an empty one at the end. */
static char *lines_of(const char *headers)
{
	char *lines = calloc(1, strlen(headers) + 2), *to = lines;

	ck_assert_ptr_nonnull(lines);
	for (const char *c = headers; *c; c++)
		if (*c != '\r')
			*to++ = *c;
	for (char *c = lines; c < to; c++)
		if (*c == '\n')
			*c = '\0';
	return lines;
}

/* NULL, or why there is no answer. */
static const char *exchange(struct client *c, const struct call *call, const struct reply **ret_reply)
{
	struct curl_slist *headers = headers_of(call);
	struct heap head = { 0 }, body = { 0 };
	long status = 0;

	set_up(c->curl, call, headers);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, heap_add_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &head);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, heap_add);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &body);
	CURLcode code = curl_easy_perform(c->curl);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	struct kept *k = keep(c, head.data);
	k->text[1] = body.data;
	k->text[2] = lines_of(head.data ? head.data : "");
	k->reply = (struct reply){
		.status = (int)status,
		.headers = head.data ? head.data : "",
		.header_lines = k->text[2],
		.body = body.data ? body.data : "",
		.length = body.length,
		.json = body.data ? cJSON_ParseWithLength(body.data, body.length) : NULL,
	};
	secrets_note(call, &k->reply);
	*ret_reply = &k->reply;
	return code ? curl_easy_strerror(code) : NULL;
}

/* The service's document, asked for once a program. */
static const cJSON *document(void)
{
	static struct client *asker; /* and what it heard, for as long as the program */
	static const struct reply *told;

	if (!asker) {
		asker = client_new();
		const char *why = exchange(asker, &(struct call){ .path = "/v1/openapi.json" }, &told);
		ck_assert_msg(!why && told->json, "/v1/openapi.json: %s", why ? why : told->headers);
	}
	return told->json;
}

/* There is an answer, and it is one the service promised. */
static const struct reply *promised(const struct call *call, const struct reply *r, const char *why_none)
{
	ck_assert_msg(!why_none, "%s: %s", call->path, why_none);
	const char *why = contract_fault(document(), call, r);
	ck_assert_msg(!why, "%s %s: not as documented: %s\n%.1000s%.1000s", call->method ? call->method : "",
		call->path, why, r->headers, r->body);
	return r;
}

const struct reply *client_call(struct client *c, const struct call *call)
{
	const struct reply *r;
	const char *why = exchange(c, call, &r);

	return promised(call, r, why);
}

/* --- many at once --- */

struct runner {
	struct client *client;
	const struct call *call;
	const struct reply *reply;
	const char *why;
	pthread_barrier_t *start; /* NULL: at once */
	pthread_t thread;
};

static bool was_refused_unserved(const struct reply *r)
{
	const char *code = reply_text(r, "/code");

	return r->status == 503 && code && strcmp(code, "overloaded") == 0;
}

static void *run(void *self)
{
	struct runner *r = self;
	int left = AGAIN_MAX;

	if (r->start)
		pthread_barrier_wait(r->start);
	do
		r->why = exchange(r->client, r->call, &r->reply);
	while (!r->why && was_refused_unserved(r->reply) && --left);
	return NULL;
}

/* Another connection, freed with the first. */
static struct client *client_beside(struct client *c)
{
	struct client *own = client_new();

	own->crowd = c->crowd;
	return c->crowd = own;
}

static void runner_start(struct runner *r)
{
	ck_assert_int_eq(pthread_create(&r->thread, NULL, run, r), 0);
}

static const struct reply *runner_reply(const struct runner *r)
{
	return promised(r->call, r->reply, r->why);
}

void client_call_at_once(
	struct client *c, const struct call *calls, size_t count, const struct reply **ret_replies)
{
	struct runner runners[CROWD_MAX];
	pthread_barrier_t start;

	ck_assert_uint_le(count, CROWD_MAX);
	pthread_barrier_init(&start, NULL, (unsigned)count);
	for (size_t i = 0; i < count; i++) {
		runners[i] =
			(struct runner){ .client = client_beside(c), .call = &calls[i], .start = &start };
		runner_start(&runners[i]);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(runners[i].thread, NULL);
	pthread_barrier_destroy(&start);
	for (size_t i = 0; i < count; i++)
		ret_replies[i] = runner_reply(&runners[i]);
}

struct runner *client_begin(struct client *c, const struct call *call)
{
	struct runner *r = malloc(sizeof *r);

	ck_assert_ptr_nonnull(r);
	*r = (struct runner){ .client = client_beside(c), .call = call };
	runner_start(r);
	return r;
}

const struct reply *client_end(struct runner *r)
{
	pthread_join(r->thread, NULL);
	const struct reply *reply = runner_reply(r);
	free(r);
	return reply;
}

/* --- a reply --- */

const char *reply_header(const struct reply *r, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = r->header_lines; *line; line += strlen(line) + 1)
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " ");
	return NULL;
}

const cJSON *reply_at(const struct reply *r, const char *pointer)
{
	const cJSON *node = r->json;
	char name[256];

	while (node && *pointer == '/') {
		size_t n = strcspn(++pointer, "/");
		snprintf(name, sizeof name, "%.*s", (int)n, pointer);
		node = cJSON_IsArray(node) ? cJSON_GetArrayItem(node, (int)strtol(name, NULL, 10))
					   : cJSON_GetObjectItemCaseSensitive(node, name);
		pointer += n;
	}
	return node;
}

const char *reply_text(const struct reply *r, const char *pointer)
{
	return cJSON_GetStringValue(reply_at(r, pointer));
}
