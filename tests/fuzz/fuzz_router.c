/* Targets, "METHOD TARGET" a line, against the API's own routes. What is decoded is decoded once, and names the same when it
 * is escaped again; an address has one spelling; what a path takes is exactly what Allow says. */
#include "api/routes.h"
#include "base/utf8.h"
#include "fuzz.h"

/* Decoded, so that nothing about it can be taken for structure: escaped once more it reads the same. */
static void parts_are_clean(const struct request *r)
{
	must(r->segment_count <= REQUEST_SEGMENTS_MAX && r->query_count <= REQUEST_QUERY_MAX);
	for (size_t i = 0; i < r->segment_count; i++) {
		const char *s = r->segments[i];
		must(*s && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 && utf8_valid(s, strlen(s)));
	}
	for (size_t i = 0; i < r->query_count; i++) {
		must(utf8_valid(r->query[i].name, strlen(r->query[i].name)));
		must(utf8_valid(r->query[i].value, strlen(r->query[i].value)));
	}
}

static const char *spelled_out(struct arena *arena, const struct request *r)
{
	struct buf target;

	buf_init(&target, arena, 16 * FUZZ_INPUT_MAX);
	for (size_t i = 0; i < r->segment_count; i++)
		buf_printf(&target, "/%s", fuzz_escape(arena, r->segments[i]));
	if (!r->segment_count)
		buf_add_char(&target, '/');
	for (size_t i = 0; i < r->query_count; i++)
		buf_printf(&target, "%c%s=%s", i ? '&' : '?', fuzz_escape(arena, r->query[i].name),
			fuzz_escape(arena, r->query[i].value));
	must(!target.full);
	return target.data;
}

static void is_decoded_once(struct arena *arena, const struct request *r)
{
	struct request again = { .method_text = r->method_text, .target = spelled_out(arena, r) };

	must(request_parse(&again, arena) == 0);
	must(again.segment_count == r->segment_count && again.query_count == r->query_count);
	for (size_t i = 0; i < r->segment_count; i++)
		must(strcmp(again.segments[i], r->segments[i]) == 0);
	for (size_t i = 0; i < r->query_count; i++)
		must(strcmp(again.query[i].name, r->query[i].name) == 0 &&
			strcmp(again.query[i].value, r->query[i].value) == 0);
}

/* The row's path with its parameters put in, every byte of them escaped. */
static const char *address_of(struct arena *arena, const struct route *route, const char *const *params)
{
	struct buf target;

	buf_init(&target, arena, 16 * FUZZ_INPUT_MAX);
	for (const char *at = route->path; *at;) {
		size_t n = strcspn(at, "{");
		buf_add(&target, at, n);
		at += n;
		if (*at) {
			buf_add_text(&target, fuzz_escape(arena, *params++));
			at = strchr(at, '}') + 1;
		}
	}
	must(!target.full);
	return target.data;
}

/* The fixed parts stand in the path as they do in the row, without any escape. */
static void has_one_spelling(const char *raw, const char *row)
{
	while (*row == '/' && row[1]) {
		size_t n = strcspn(row + 1, "/"), m = strcspn(raw + 1, "/");
		must(*raw == '/');
		must(row[1] == '{' || (n == m && memcmp(row + 1, raw + 1, n) == 0));
		row += n + 1;
		raw += m + 1;
	}
	must(!*raw || strcmp(raw, "/") == 0);
}

static void names_its_row(struct arena *arena, const struct request *r, const struct route *route,
	const char *const params[ROUTE_PARAMS_MAX])
{
	struct request again = { .method_text = r->method_text, .from_ops = r->from_ops };
	const struct route *same = NULL;
	const char *same_params[ROUTE_PARAMS_MAX], *allow;

	must(route->ops == r->from_ops);
	has_one_spelling(r->path, route->path);
	for (size_t i = 0; i < ROUTE_PARAMS_MAX; i++) {
		bool points_inside = !params[i];
		for (size_t s = 0; s < r->segment_count; s++)
			points_inside |= params[i] == r->segments[s];
		must(points_inside);
	}
	again.target = address_of(arena, route, params);
	must(request_parse(&again, arena) == 0);
	must(router_find(routes, route_count, &again, arena, &same, same_params, &allow) == 0);
	must(same == route);
	for (size_t i = 0; i < ROUTE_PARAMS_MAX; i++)
		must(!params[i] == !same_params[i] && (!params[i] || strcmp(params[i], same_params[i]) == 0));
}

/* Each method that Allow names is found there, and no other. OPTIONS is the application's to answer. */
static void allow_is_true(struct arena *arena, struct request r, const char *allow)
{
	for (int m = HTTP_GET; m < HTTP_OPTIONS; m++) {
		const char *name = http_method_name((enum http_method)m), *params[ROUTE_PARAMS_MAX], *other;
		const struct route *route;
		r.method = (enum http_method)m;
		int err = router_find(routes, route_count, &r, arena, &route, params, &other);
		const char *at = strstr(allow, name);
		bool named = at && (at == allow || at[-1] == ' ') &&
			     (!at[strlen(name)] || at[strlen(name)] == ',');
		must(err == (named ? 0 : -ERR_METHOD_NOT_ALLOWED));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = fuzz_arena();
	const struct route *route = NULL;
	const char *params[ROUTE_PARAMS_MAX] = { NULL }, *allow = NULL;

	if (size > FUZZ_INPUT_MAX / 8)
		return 0;
	char *text = fuzz_text(arena, data, size), *space = strchr(text, ' ');
	struct request r = { .method_text = "GET", .target = text };
	if (space) {
		*space = '\0';
		r.method_text = text;
		r.target = space + 1;
	}
	int err = request_parse(&r, arena);
	must(err == 0 || err == -ERR_BAD_PATH || err == -ERR_BAD_QUERY || err == -ERR_NOT_FOUND);
	if (err)
		return 0;
	must(r.target[0] == '/' && r.path[0] == '/' && !strpbrk(r.path, "?# \n"));
	parts_are_clean(&r);
	is_decoded_once(arena, &r);
	r.from_ops = size % 2;
	err = router_find(routes, route_count, &r, arena, &route, params, &allow);
	must(err == 0 || err == -ERR_NOT_FOUND || err == -ERR_METHOD_NOT_ALLOWED);
	must(!err == !!route);
	must((err == -ERR_METHOD_NOT_ALLOWED) == !!allow);
	if (!err)
		names_its_row(arena, &r, route, params);
	else if (allow)
		allow_is_true(arena, r, allow);
	return 0;
}
