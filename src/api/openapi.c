/* The OpenAPI document as a whole, and each operation. */
#include "api/openapi.h"

#include <string.h>

#include "api/answer.h"
#include "api/handlers.h"
#include "api/policy.h"
#include "api/refusals.h"
#include "api/routes.h"

/* Groups of operations, in the order readers see them: the first whose prefix a path has is its own. */
static const struct tag {
	const char *prefix, *name, *doc;
} tags[] = {
	{ "/v1/auth/", "sessions", "Logging in and out." },
	{ "/v1/me", "sessions", NULL },
	{ "/v1/locations", "master data", "Where things grow, are packed and go, and what they are." },
	{ "/v1/products", "master data", NULL },
	{ "/v1/lots", "lots", "What was harvested, what happened to it, and who may see it." },
	{ "/t/", "public", "What anybody may know who holds the product; no session." },
	{ "/01/", "public", NULL },
	{ "/v1/users", "administration", "Who may log in, for whom, and who did what." },
	{ "/v1/organizations", "administration", NULL },
	{ "/v1/audit", "administration", NULL },
	{ "/livez", "service", "Its health and its documents." },
	{ "/readyz", "service", NULL },
	{ "/v1/openapi.json", "service", NULL },
	{ "/docs", "service", NULL },
};

/* Parameters of a path that are no UUID. */
static const struct path_param {
	const char *name, *pattern, *doc, *example;
} path_params[] = {
	{ "public_code", "^[0-9A-Za-z]{10}$", "what the code on the box says", "4fXk29ZQpa" },
	{ "gtin", "^([0-9]{8}|[0-9]{12,14})$", "GS1 AI (01)", "07501234567893" },
	{ "lot_code", "^[!\"%-?A-Z_a-z]{1,20}$", "GS1 AI (10)", "L-2026-1187" },
};

bool openapi_lists(const struct route *route)
{
	return !route->ops;
}

/* --- an operation's request --- */

/* "/v1/lots/{id}" has the lot's id; an "organization_id" is the organization's. */
static const char *id_owner(struct arena *arena, const char *path, const char *brace, size_t n)
{
	if (n > 3)
		return arena_copy(arena, brace + 1, n - 3);
	const char *end = brace - 1, *begin = end;
	while (begin > path && begin[-1] != '/')
		begin--;
	return arena_copy(arena, begin, (size_t)(end - begin) - 1); /* without the plural's s */
}

static const struct path_param *special_param(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(path_params); i++)
		if (strlen(path_params[i].name) == n && memcmp(path_params[i].name, name, n) == 0)
			return &path_params[i];
	return NULL;
}

static void put_path_param(struct json_writer *w, const char *path, const char *brace)
{
	size_t n = strcspn(brace + 1, "}");
	const struct path_param *special = special_param(brace + 1, n);
	struct arena *arena = w->out->arena;

	json_open(w, '{');
	json_put_string(w, "name", arena_copy(arena, brace + 1, n));
	json_put_string(w, "in", "path");
	json_put_boolean(w, "required", true);
	json_put_string(w, "description",
		special ? special->doc : arena_printf(arena, "the %s's id", id_owner(arena, path, brace, n)));
	json_put_open(w, "schema", '{');
	json_put_string(w, "type", "string");
	json_put_string(w, special ? "pattern" : "format", special ? special->pattern : "uuid");
	json_close(w, '}');
	json_put_string(w, "example", special ? special->example : OPENAPI_UUID);
	json_close(w, '}');
}

static void put_query_param(struct json_writer *w, const struct field *f)
{
	json_open(w, '{');
	json_put_string(w, "name", f->name);
	json_put_string(w, "in", "query");
	if (f->doc)
		json_put_string(w, "description", f->doc);
	json_put_boolean(w, "required", f->required);
	json_name(w, "schema");
	openapi_field(w, f);
	json_close(w, '}');
}

static void put_parameters(struct json_writer *w, const struct route *r)
{
	json_put_open(w, "parameters", '[');
	for (const char *c = strchr(r->path, '{'); c; c = strchr(c + 1, '{'))
		put_path_param(w, r->path, c);
	if (r->input && r->input->in_query)
		for (const struct field *f = r->input->fields; f->name; f++)
			put_query_param(w, f);
	if (refusals_include(r, ERR_KEY_REUSED))
		openapi_ref(w, "parameters", "IdempotencyKey");
	if (refusals_include(r, ERR_PRECONDITION_REQUIRED))
		openapi_ref(w, "parameters", "IfMatch");
	if (openapi_is_tagged(r))
		openapi_ref(w, "parameters", "IfNoneMatch");
	openapi_ref(w, "parameters", "AcceptLanguage");
	openapi_ref(w, "parameters", "RequestId");
	json_close(w, ']');
}

static void put_request_body(struct json_writer *w, const struct route *r)
{
	if (!r->input || r->input->in_query)
		return;
	json_put_open(w, "requestBody", '{');
	json_put_boolean(w, "required", true);
	json_put_open(w, "content", '{');
	json_put_open(w, "application/json", '{');
	openapi_put_ref(w, "schema", "schemas", openapi_input_name(w->out->arena, r));
	json_name(w, "example");
	openapi_input_example(w, r->input);
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
}

/* --- who may --- */

static const char *who_may(struct arena *arena, const struct route *r)
{
	struct buf text;

	if (r->policy & ANYONE)
		return "Anybody, without a session.";
	buf_init(&text, arena, 512);
	if ((r->policy & MEMBER) == MEMBER)
		buf_add_text(&text, "Anybody logged in");
	else
		for (int role = 0; role < ROLE_COUNT; role++)
			if (r->policy & ROLE_BIT(role))
				buf_printf(&text, "%s%s", text.len ? ", " : "", role_names[role]);
	if (r->policy & APPROVED)
		buf_add_text(&text, "; a PRODUCER's organization must be approved");
	if (r->policy & PASSWORD_DUE)
		buf_add_text(&text, ", also while the password has to be changed first");
	buf_add_char(&text, '.');
	return text.data;
}

static void put_roles(struct json_writer *w, const struct route *r)
{
	json_put_open(w, "x-roles", '[');
	for (int role = 0; role < ROLE_COUNT; role++)
		if (r->policy & ROLE_BIT(role))
			json_string(w, role_names[role]);
	json_close(w, ']');
	json_put_boolean(w, "x-approved", r->policy & APPROVED);
	if (r->policy & ANYONE)
		json_put_raw(w, "security", "[]");
}

/* --- an operation --- */

static const char *tag_of(const struct route *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (strncmp(r->path, tags[i].prefix, strlen(tags[i].prefix)) == 0)
			return tags[i].name;
	return "other";
}

static void put_operation(struct json_writer *w, const struct route *r)
{
	static const char *const methods[] = { "get", "post", "put", "patch", "delete" };
	const char *notes = openapi_notes(w->out->arena, r), *who = who_may(w->out->arena, r);

	json_put_open(w, methods[r->method], '{');
	json_put_string(w, "operationId", r->name);
	json_put_open(w, "tags", '[');
	json_string(w, tag_of(r));
	json_close(w, ']');
	json_put_string(w, "summary", r->summary);
	json_put_string(w, "description", notes ? arena_printf(w->out->arena, "%s\n\n%s", who, notes) : who);
	put_roles(w, r);
	put_parameters(w, r);
	put_request_body(w, r);
	openapi_answers(w, r);
	json_close(w, '}');
}

/* Whether an earlier row has the same path: its operations stand there. */
static bool path_was_told(const struct route *route)
{
	for (const struct route *r = routes; r < route; r++)
		if (openapi_lists(r) && strcmp(r->path, route->path) == 0)
			return true;
	return false;
}

static void put_paths(struct json_writer *w)
{
	json_put_open(w, "paths", '{');
	for (const struct route *r = routes; r < routes + route_count; r++) {
		if (!openapi_lists(r) || path_was_told(r))
			continue;
		json_put_open(w, r->path, '{');
		for (const struct route *same = r; same < routes + route_count; same++)
			if (openapi_lists(same) && strcmp(same->path, r->path) == 0)
				put_operation(w, same);
		json_close(w, '}');
	}
	json_close(w, '}');
}

/* --- the whole --- */

static void put_info(struct json_writer *w)
{
	json_put_open(w, "info", '{');
	json_put_string(w, "title", "AgroBridge API");
	json_put_string(w, "version", PACKAGE_VERSION);
	json_put_string(w, "summary", "Where food comes from: lots, what happened to them, and proof of it.");
	json_put_string(w, "description", openapi_about);
	json_put_raw(w, "license", "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}");
	json_close(w, '}');
}

static void put_tags(struct json_writer *w)
{
	json_put_open(w, "tags", '[');
	for (const struct tag *tag = tags; tag < tags + ARRAY_SIZE(tags); tag++) {
		if (!tag->doc)
			continue;
		json_open(w, '{');
		json_put_string(w, "name", tag->name);
		json_put_string(w, "description", tag->doc);
		json_close(w, '}');
	}
	json_close(w, ']');
}

void openapi_write(struct buf *out, const char *server)
{
	struct json_writer w;

	json_begin(&w, out);
	json_open(&w, '{');
	json_put_string(&w, "openapi", "3.1.0");
	put_info(&w);
	json_put_open(&w, "servers", '[');
	json_open(&w, '{');
	json_put_string(&w, "url", *server ? server : "/");
	json_close(&w, '}');
	json_close(&w, ']');
	put_tags(&w);
	json_put_raw(&w, "security", "[{\"bearer\":[]}]");
	put_paths(&w);
	openapi_components(&w);
	json_close(&w, '}');
}

int openapi_show(struct ctx *ctx)
{
	openapi_write(&ctx->resp->body, ctx->conf->public_url);
	return answer_file(ctx);
}
