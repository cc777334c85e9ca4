/* The answers of an operation: its success by shape, its problems by refusals.c, and the headers of each. */
#include <string.h>

#include "api/openapi.h"
#include "api/policy.h"
#include "api/refusals.h"
#include "api/routes.h"
#include "http/status.h"

bool openapi_is_tagged(const struct route *route)
{
	const struct shape *shape = route->output.shape;

	if (route->method != HTTP_GET || route->output.list)
		return false;
	if (route->policy & ANYONE) /* what is the same for everybody */
		return route->class == CLASS_READ;
	for (const struct member *m = shape->members; m->name; m++)
		if (strcmp(m->name, "version") == 0)
			return true;
	return false;
}

static void put_header(struct json_writer *w, const char *name)
{
	openapi_put_ref(w, name, "headers", name);
}

/* Those of every answer; health is not counted. */
static void put_common_headers(struct json_writer *w, const struct route *r)
{
	put_header(w, "X-Request-Id");
	if (r && r->class == CLASS_HEALTH)
		return;
	put_header(w, "RateLimit");
	put_header(w, "RateLimit-Policy");
}

/* --- success --- */

static void put_success_headers(struct json_writer *w, const struct route *r)
{
	json_put_open(w, "headers", '{');
	put_common_headers(w, r);
	if (openapi_is_tagged(r) || r->method == HTTP_PATCH)
		put_header(w, "ETag");
	if (openapi_is_tagged(r) && r->policy & ANYONE)
		put_header(w, "Cache-Control");
	if (r->output.status == 201) {
		put_header(w, "Location");
		put_header(w, "Idempotency-Replayed");
	}
	json_close(w, '}');
}

static void put_page_example(struct json_writer *w, const struct shape *shape)
{
	json_open(w, '{');
	json_put_open(w, "items", '[');
	openapi_shape_example(w, shape);
	json_close(w, ']');
	json_put_string(w, "next_cursor", NULL);
	json_close(w, '}');
}

static void put_content(struct json_writer *w, const struct output *output)
{
	const struct shape *shape = output->shape;

	json_put_open(w, "content", '{');
	json_put_open(w, shape ? "application/json" : output->type, '{');
	if (output->list) {
		openapi_put_ref(w, "schema", "schemas", arena_printf(w->out->arena, "%sPage", shape->name));
		json_name(w, "example");
		put_page_example(w, shape);
	} else if (shape) {
		openapi_put_ref(w, "schema", "schemas", shape->name);
		json_name(w, "example");
		openapi_shape_example(w, shape);
	} else {
		bool json = strcmp(output->type, "application/json") == 0;
		json_put_raw(w, "schema", json ? "{\"type\":\"object\"}" : "{\"type\":\"string\"}");
	}
	json_close(w, '}');
	json_close(w, '}');
}

static void put_success(struct json_writer *w, const struct route *r)
{
	json_put_open(w, arena_printf(w->out->arena, "%d", r->output.status), '{');
	json_put_string(w, "description", http_status_phrase(r->output.status));
	put_success_headers(w, r);
	if (r->output.status != 204)
		put_content(w, &r->output);
	json_close(w, '}');
	if (!openapi_is_tagged(r))
		return;
	json_put_open(w, "304", '{');
	json_put_string(w, "description", "not changed since the ETag in If-None-Match");
	json_put_open(w, "headers", '{');
	put_common_headers(w, r);
	put_header(w, "ETag");
	json_close(w, '}');
	json_close(w, '}');
}

/* --- problems --- */

/* Some of the errors, by a test on each. */
struct problems {
	const struct route *route; /* NULL: those of any request */
	int status;                /* 0: of every status */
};

static bool is_among(const struct problems *p, enum err err)
{
	if (p->status && err_info((int)err)->status != p->status)
		return false;
	return p->route ? refusals_include(p->route, err) : refusals_of_all_include(err);
}

#define for_each_problem(e, p)                                                                               \
	for (enum err e = ERR_NONE + 1; e < ERR_COUNT; e++)                                                  \
		if (is_among(p, e))

static void put_problem_headers(struct json_writer *w, const struct problems *p)
{
	json_put_open(w, "headers", '{');
	put_common_headers(w, p->route);
	if (p->status == 401)
		put_header(w, "WWW-Authenticate");
	if (p->status == 429 || p->status == 503)
		put_header(w, "Retry-After");
	if (p->status == 409 && is_among(p, ERR_IN_PROGRESS))
		openapi_put_ref(w, "Retry-After", "headers", "Retry-After-In-Progress");
	json_close(w, '}');
}

/* One answer that is a problem: its description and examples have one of each code it can have. */
static void put_problem(struct json_writer *w, const char *name, const struct problems *p)
{
	struct buf text;

	buf_init(&text, w->out->arena, 4096);
	for_each_problem(e, p)
		buf_printf(&text, " `%s`: %s", err_info((int)e)->code, err_info((int)e)->detail[ENGLISH]);
	json_put_open(w, name, '{');
	json_put_string(w, "description", text.data + 1);
	put_problem_headers(w, p);
	json_put_open(w, "content", '{');
	json_put_open(w, "application/problem+json", '{');
	openapi_put_ref(w, "schema", "schemas", "Problem");
	json_put_open(w, "examples", '{');
	for_each_problem(e, p) openapi_put_ref(w, err_info((int)e)->code, "examples", err_info((int)e)->code);
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
}

static bool has_any(const struct problems *p)
{
	for_each_problem(e, p) return true;
	return false;
}

void openapi_answers(struct json_writer *w, const struct route *route)
{
	json_put_open(w, "responses", '{');
	put_success(w, route);
	for (int status = 400; status < 600; status++) {
		const struct problems p = { route, status };
		if (has_any(&p))
			put_problem(w, arena_printf(w->out->arena, "%d", status), &p);
	}
	openapi_put_ref(w, "default", "responses", "Refused");
	json_close(w, '}');
}

void openapi_put_refused(struct json_writer *w)
{
	const struct problems p = { NULL, 0 };

	put_problem(w, "Refused", &p);
}
