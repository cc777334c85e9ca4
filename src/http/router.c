/* The router: a walk over the table, segment by segment. Fifty rows are some eighty string comparisons at worst, most of them
 * decided by their second character: less than a microsecond. */
#include "http/router.h"

#include <string.h>

#include "base/buf.h"

const char *http_method_name(enum http_method method)
{
	static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "" };

	return names[method];
}

static bool path_matches(
	const char *path, const struct request *req, const char *ret_params[ROUTE_PARAMS_MAX])
{
	size_t params = 0, i = 0;

	for (; *path == '/' && path[1]; i++) {
		const char *part = path + 1;
		size_t n = strcspn(part, "/");
		if (i == req->segment_count)
			return false;
		const char *segment = req->segments[i];
		if (*part == '{')
			ret_params[params++] = segment;
		else if (req->segment_escaped[i] || strncmp(segment, part, n) != 0 || segment[n])
			return false;
		path = part + n;
	}
	return i == req->segment_count;
}

static void add_method(struct buf *allow, const char *name)
{
	if (allow->len)
		buf_add_text(allow, ", ");
	buf_add_text(allow, name);
}

static const char *allowed(unsigned methods, struct arena *arena)
{
	struct buf allow;

	buf_init(&allow, arena, 64);
	for (int m = HTTP_GET; m <= HTTP_DELETE; m++) {
		if (!(methods & 1u << m))
			continue;
		add_method(&allow, http_method_name((enum http_method)m));
		if (m == HTTP_GET)
			add_method(&allow, http_method_name(HTTP_HEAD));
	}
	add_method(&allow, http_method_name(HTTP_OPTIONS));
	return allow.data;
}

int router_find(const struct route *routes, size_t count, const struct request *req, struct arena *arena,
	const struct route **ret_route, const char *ret_params[ROUTE_PARAMS_MAX], const char **ret_allow)
{
	enum http_method method = req->method == HTTP_HEAD ? HTTP_GET : req->method;
	unsigned methods = 0;

	for (const struct route *r = routes; r < routes + count; r++) {
		const char *params[ROUTE_PARAMS_MAX] = { NULL };
		if (r->ops != req->from_ops || !path_matches(r->path, req, params))
			continue;
		if (r->method == method) {
			memcpy(ret_params, params, sizeof params);
			*ret_route = r;
			return 0;
		}
		methods |= 1u << r->method;
	}
	if (!methods)
		return -ERR_NOT_FOUND;
	*ret_allow = allowed(methods, arena);
	return -ERR_METHOD_NOT_ALLOWED;
}
