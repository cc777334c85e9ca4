/*
 * The router: which row of the route table a method and path mean. It knows the shape of a row, not the rows.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/base.h"
#include "http/fields.h"
#include "http/request.h"
#include "http/shape.h"

struct ctx;

/* What kind of work a route is: its deadline, and what is given up first when there is too much. */
enum route_class { CLASS_HEALTH, CLASS_READ, CLASS_WRITE, CLASS_LIST, CLASS_EXPORT };

enum { ROUTE_PARAMS_MAX = 2 };

/* What a route answers when all is well. */
struct output {
	int status;
	const struct shape *shape; /* NULL: no JSON, or none that clients program against */
	bool list;                 /* a page of it: {"items":[…],"next_cursor":…} */
	const char *type;          /* the Content-Type of what has no shape */
};

struct route {
	enum http_method method;
	const char *path; /* "/v1/lots/{id}": a {name} takes one segment */
	unsigned policy;  /* bits of api/policy.h; never 0 */
	enum route_class class;
	const struct input *input; /* NULL: takes none */
	struct output output;
	int (*handler)(struct ctx *ctx); /* an HTTP status, its answer being in ctx->resp; or -ERR_* */
	const char *name;                /* the handler's, for documents */
	const char *summary;
	bool ops; /* on the operators' port, not the public one */
};

/*
 * Finds the row and the values of its {parameters}, decoded, in the order they stand in the path. Fixed parts must come
 * unescaped: one address has one spelling.
 * -ERR_NOT_FOUND: no row has this path. -ERR_METHOD_NOT_ALLOWED: it has, for the methods then named in *ret_allow.
 * HEAD is found where GET is.
 */
MUST_CHECK int router_find(const struct route *routes, size_t count, const struct request *req,
	struct arena *arena, const struct route **ret_route, const char *ret_params[ROUTE_PARAMS_MAX],
	const char **ret_allow);

const char *http_method_name(enum http_method method);

#endif
