/* What a route may refuse. */
#include "api/refusals.h"

#include <string.h>

#include "api/handlers.h"
#include "api/policy.h"
#include "base/base.h"

/* --- what follows from a row --- */

static bool is_any(const struct route *r)
{
	return r->path;
}

static bool may_wait_too_long(const struct route *r)
{
	return r->class != CLASS_HEALTH;
}

/* Files and health touch no store. */
static bool asks_stores(const struct route *r)
{
	return r->class != CLASS_HEALTH && !r->output.type;
}

static bool has_session(const struct route *r)
{
	return !(r->policy & ANYONE);
}

static bool has_roles(const struct route *r)
{
	return has_session(r) && (r->policy & MEMBER) != MEMBER;
}

static bool wants_password_changed(const struct route *r)
{
	return has_session(r) && !(r->policy & PASSWORD_DUE);
}

static bool wants_approval(const struct route *r)
{
	return r->policy & APPROVED;
}

static bool has_params(const struct route *r)
{
	return strchr(r->path, '{');
}

static bool has_cursor(const struct route *r)
{
	return r->output.list;
}

static bool has_body(const struct route *r)
{
	return r->input && !r->input->in_query;
}

static bool reads_key(const struct route *r)
{
	return r->method == HTTP_POST && r->class == CLASS_WRITE && has_session(r);
}

static bool creates(const struct route *r)
{
	return reads_key(r) && r->output.status == 201;
}

static bool changes_a_version(const struct route *r)
{
	return r->method == HTTP_PATCH && r->class == CLASS_WRITE && has_session(r);
}

static const struct {
	bool (*holds)(const struct route *r);
	enum err err;
} rules[] = {
	{ is_any, ERR_BAD_REQUEST },
	{ is_any, ERR_BAD_PATH },
	{ is_any, ERR_BAD_QUERY },
	{ is_any, ERR_BAD_BODY },
	{ is_any, ERR_TOO_MANY_REQUESTS },
	{ is_any, ERR_UNAVAILABLE },
	{ may_wait_too_long, ERR_OVERLOADED },
	{ asks_stores, ERR_SCHEMA_TOO_OLD },
	{ has_session, ERR_UNAUTHENTICATED },
	{ has_roles, ERR_FORBIDDEN },
	{ wants_password_changed, ERR_PASSWORD_DUE },
	{ wants_approval, ERR_NOT_APPROVED },
	{ has_params, ERR_NOT_FOUND },
	{ has_cursor, ERR_BAD_CURSOR },
	{ has_body, ERR_BAD_JSON },
	{ has_body, ERR_BODY_TOO_LARGE },
	{ has_body, ERR_UNSUPPORTED_TYPE },
	{ has_body, ERR_INVALID },
	{ reads_key, ERR_BAD_IDEMPOTENCY_KEY },
	{ creates, ERR_IN_PROGRESS },
	{ creates, ERR_KEY_REUSED },
	{ changes_a_version, ERR_PRECONDITION_FAILED },
	{ changes_a_version, ERR_PRECONDITION_REQUIRED },
};

/* --- what a handler adds --- */

static const struct {
	int (*handler)(struct ctx *ctx);
	enum err err;
} own[] = {
	{ auth_login, ERR_BAD_CREDENTIALS },
	{ auth_login, ERR_TOO_MANY_LOGINS },
	{ auth_refresh, ERR_UNAUTHENTICATED },
	{ my_password_put, ERR_TOO_MANY_LOGINS },
	{ user_create, ERR_EMAIL_TAKEN },
	{ user_update, ERR_LAST_ADMINISTRATOR },
	{ user_update, ERR_OWN_ACCOUNT },
	{ organization_create, ERR_TAX_ID_TAKEN },
	{ organization_create, ERR_GLN_TAKEN },
	{ product_create, ERR_GTIN_TAKEN },
	{ product_update, ERR_GTIN_TAKEN },
	{ lot_create, ERR_LOT_CODE_TAKEN },
	{ lot_update, ERR_LOT_NOT_HELD },
	{ event_create, ERR_KIND_FORBIDDEN },
	{ event_create, ERR_LOT_HELD },
	{ event_create, ERR_LOT_RECALLED },
	{ event_create, ERR_LOT_CLOSED },
	{ event_create, ERR_LOT_FULL },
};

/* --- what may happen anywhere --- */

static const enum err anywhere[] = {
	ERR_METHOD_NOT_ALLOWED,
	ERR_BODY_TOO_LARGE,
	ERR_URI_TOO_LONG,
	ERR_HEADERS_TOO_LARGE,
	ERR_INTERNAL,
	ERR_NOT_SUPPORTED,
};

bool refusals_include(const struct route *route, enum err err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].err == err && rules[i].holds(route))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i].err == err && own[i].handler == route->handler)
			return true;
	return false;
}

bool refusals_of_all_include(enum err err)
{
	for (size_t i = 0; i < ARRAY_SIZE(anywhere); i++)
		if (anywhere[i] == err)
			return true;
	return false;
}

bool refusal_is_fault(enum err err)
{
	return err_info((int)err)->status == 422 && err != ERR_INVALID && err != ERR_KEY_REUSED;
}
