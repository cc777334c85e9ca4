/* The table that is the API: one row an endpoint. The policy column has no default: a row without one does not compile. */
#include "api/routes.h"

#include "api/handlers.h"
#include "api/metrics.h"
#include "api/policy.h"
#include "base/base.h"

/* What a row gives. */
#define ONE(noun)     200, &noun##_shape, false, NULL
#define CREATED(noun) 201, &noun##_shape, false, NULL
#define LIST_OF(noun) 200, &noun##_shape, true, NULL
#define NOTHING       204, NULL, false, NULL
#define TEXT(type)    200, NULL, false, (type)
#define HTML          "text/html; charset=utf-8"
#define CSS           "text/css; charset=utf-8"
#define SCRIPT        "text/javascript; charset=utf-8"
#define JSON          "application/json"

/* clang-format off */
#define ROUTE(m, p, who, c, in, out, h, about)                                                               \
	{                                                                                                    \
		.method = HTTP_##m, .path = (p), .policy = (who), .class = CLASS_##c, .input = (in),         \
		.output = { out }, .handler = (h), .name = #h, .summary = (about)                            \
	}
#define OPS_ROUTE(m, p, who, c, in, out, h, about)                                                           \
	{                                                                                                    \
		.method = HTTP_##m, .path = (p), .policy = (who), .class = CLASS_##c, .input = (in),         \
		.output = { out }, .handler = (h), .name = #h, .summary = (about), .ops = true               \
	}

const struct route routes[] = {
	/*    method  path                       who                           class   takes            gives              handler          what it is */
	ROUTE(POST,   "/v1/auth/login",          ANYONE,                       WRITE,  &login_input,    ONE(token),        auth_login,      "log in"),
	ROUTE(POST,   "/v1/auth/refresh",        ANYONE,                       WRITE,  &refresh_input,  ONE(token),        auth_refresh,    "trade a refresh token for new tokens"),
	ROUTE(POST,   "/v1/auth/logout",         MEMBER | PASSWORD_DUE,        WRITE,  NULL,            NOTHING,           auth_logout,     "end the session and all its tokens"),
	ROUTE(GET,    "/v1/me",                  MEMBER | PASSWORD_DUE,        READ,   NULL,            ONE(me),           me_show,         "who is logged in"),
	ROUTE(PUT,    "/v1/me/password",         MEMBER | PASSWORD_DUE,        WRITE,  &my_password_input, NOTHING,        my_password_put, "change one's password, and end one's other sessions"),
	ROUTE(GET,    "/v1/me/sessions",         MEMBER,                       LIST,   &page_input,     LIST_OF(my_session), my_session_list, "where one is logged in, newest first"),
	ROUTE(DELETE, "/v1/me/sessions/{id}",    MEMBER,                       WRITE,  NULL,            NOTHING,           my_session_delete, "end one of one's sessions and all its tokens"),

	ROUTE(GET,    "/v1/users",               ADMIN,                        LIST,   &page_input,     LIST_OF(user),     user_list,       "everybody with an account, newest first"),
	ROUTE(POST,   "/v1/users",               ADMIN,                        WRITE,  &user_input,     CREATED(user),     user_create,     "give somebody an account"),
	ROUTE(GET,    "/v1/users/{id}",          ADMIN,                        READ,   NULL,            ONE(user),         user_show,       "one user"),
	ROUTE(PATCH,  "/v1/users/{id}",          ADMIN,                        WRITE,  &user_patch,     ONE(user),         user_update,     "change a user's name or role, switch it off, set its password"),
	ROUTE(GET,    "/v1/organizations",       ADMIN,                        LIST,   &page_input,     LIST_OF(organization), organization_list, "every organization, newest first"),
	ROUTE(POST,   "/v1/organizations",       ADMIN,                        WRITE,  &organization_input, CREATED(organization), organization_create, "register an organization"),
	ROUTE(GET,    "/v1/organizations/{id}",  ADMIN,                        READ,   NULL,            ONE(organization), organization_show, "one organization"),
	ROUTE(PATCH,  "/v1/organizations/{id}",  ADMIN,                        WRITE,  &organization_patch, ONE(organization), organization_update, "rename an organization, approve it, or take that back"),

	ROUTE(GET,    "/v1/locations",           MEMBER,                       LIST,   &page_input,     LIST_OF(location), location_list,   "one's locations, newest first"),
	ROUTE(POST,   "/v1/locations",           CHAIN | APPROVED,             WRITE,  &location_input, CREATED(location), location_create, "register a location"),
	ROUTE(GET,    "/v1/locations/{id}",      MEMBER,                       READ,   NULL,            ONE(location),     location_show,   "one location"),
	ROUTE(PATCH,  "/v1/locations/{id}",      CHAIN | APPROVED,             WRITE,  &location_patch, ONE(location),     location_update, "correct a location"),
	ROUTE(GET,    "/v1/products",            MEMBER,                       LIST,   &page_input,     LIST_OF(product),  product_list,    "one's products, newest first"),
	ROUTE(POST,   "/v1/products",            PRODUCER | PACKER | APPROVED, WRITE,  &product_input,  CREATED(product),  product_create,  "register a product"),
	ROUTE(GET,    "/v1/products/{id}",       MEMBER,                       READ,   NULL,            ONE(product),      product_show,    "one product"),
	ROUTE(PATCH,  "/v1/products/{id}",       PRODUCER | PACKER | APPROVED, WRITE,  &product_patch,  ONE(product),      product_update,  "correct a product"),

	ROUTE(GET,    "/v1/lots",                MEMBER,                       LIST,   &lot_list_input, LIST_OF(lot),      lot_list,        "own and granted lots, newest first"),
	ROUTE(POST,   "/v1/lots",                PRODUCER | APPROVED,          WRITE,  &lot_input,      CREATED(lot),      lot_create,      "register a lot"),
	ROUTE(GET,    "/v1/lots/{id}",           MEMBER,                       READ,   NULL,            ONE(lot),          lot_show,        "one lot"),
	ROUTE(PATCH,  "/v1/lots/{id}",           ADMIN,                        WRITE,  &lot_patch,      ONE(lot),          lot_update,      "hold, recall or release a lot"),
	ROUTE(GET,    "/v1/lots/{id}/events",    MEMBER,                       LIST,   &page_input,     LIST_OF(event),    event_list,      "what happened to a lot, oldest first"),
	ROUTE(POST,   "/v1/lots/{id}/events",    CHAIN | APPROVED,             WRITE,  &event_input,    CREATED(event),    event_create,    "record an event"),
	ROUTE(GET,    "/v1/lots/{id}/verify",    MEMBER,                       LIST,   NULL,            ONE(proof),        lot_verify,      "recompute a lot's chain"),

	ROUTE(GET,    "/v1/lots/{id}/grants",    MEMBER,                       LIST,   &page_input,     LIST_OF(grant),    grant_list,      "what others may do with one's lot, by organization"),
	ROUTE(PUT,    "/v1/lots/{id}/grants/{organization_id}", PRODUCER | APPROVED, WRITE, &grant_input, ONE(grant),      grant_put,       "let an organization see a lot, or record on it"),
	ROUTE(DELETE, "/v1/lots/{id}/grants/{organization_id}", PRODUCER | APPROVED, WRITE, NULL,      NOTHING,           grant_delete,    "take that back"),

	ROUTE(GET,    "/v1/audit",               ADMIN,                        LIST,   &audit_list_input, LIST_OF(audit),  audit_list,      "who changed what, newest first"),

	ROUTE(GET,    "/t/{public_code}",        ANYONE | COUNTED_LATER,       READ,   NULL,            ONE(trace),        trace_by_code,   "a lot's public history by its code"),
	ROUTE(GET,    "/01/{gtin}/10/{lot_code}", ANYONE | COUNTED_LATER,      READ,   NULL,            ONE(trace),        trace_by_gtin,   "the same by GS1 Digital Link"),

	ROUTE(GET,    "/livez",                  ANYONE,                       HEALTH, NULL,            ONE(health),       health_live,     "is the process alive"),
	ROUTE(GET,    "/readyz",                 ANYONE,                       HEALTH, NULL,            ONE(health),       health_ready,    "may the load balancer send requests"),
	ROUTE(GET,    "/v1/openapi.json",        ANYONE,                       READ,   NULL,            TEXT(JSON),        openapi_show,    "this document"),
	ROUTE(GET,    "/docs",                   ANYONE,                       READ,   NULL,            TEXT(HTML),        docs_show,       "a page to read it"),
	ROUTE(GET,    "/docs.css",               ANYONE,                       READ,   NULL,            TEXT(CSS),         docs_style,      "the page's style"),
	ROUTE(GET,    "/docs.js",                ANYONE,                       READ,   NULL,            TEXT(SCRIPT),      docs_script,     "the page's script"),

	OPS_ROUTE(GET, "/",                      ANYONE,                       HEALTH, NULL,            TEXT(HTML),        page_show,       "the operators' page"),
	OPS_ROUTE(GET, "/page.css",              ANYONE,                       HEALTH, NULL,            TEXT(CSS),         page_style,      "its style"),
	OPS_ROUTE(GET, "/page.js",               ANYONE,                       HEALTH, NULL,            TEXT(SCRIPT),      page_script,     "its script"),
	OPS_ROUTE(GET, "/livez",                 ANYONE,                       HEALTH, NULL,            ONE(health),       health_live,     "is the process alive"),
	OPS_ROUTE(GET, "/readyz",                ANYONE,                       HEALTH, NULL,            ONE(health),       health_ready,    "may the load balancer send requests"),
	OPS_ROUTE(GET, "/status",                ANYONE,                       HEALTH, NULL,            TEXT(JSON),        health_status,   "the scoreboard"),
	OPS_ROUTE(GET, "/metrics",               ANYONE,                       HEALTH, NULL,            TEXT(METRICS_CONTENT_TYPE), health_metrics,  "the same for Prometheus"),
};
/* clang-format on */

const size_t route_count = ARRAY_SIZE(routes);
