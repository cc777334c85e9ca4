/* How each public route is asked. */
#include "ways.h"

#include <stdio.h>
#include <string.h>

#include "crypto/random.h"
#include "stores.h"

#define CHAIN_ROLES "PRODUCER PACKER EXPORTER CERTIFIER BUYER"
#define EVERYBODY   "ADMIN " CHAIN_ROLES

#define LOGIN "{'email':'$email','password':'" PASSWORD "'}"

/* clang-format off */
const struct way ways[] = {
	{ HTTP_POST,  "/v1/auth/login",     LOGIN, NULL, EVERY, .status = 200 },
	{ HTTP_POST,  "/v1/auth/refresh",   "{'refresh_token':'$refresh'}", NULL, EVERY, .status = 200 },
	{ HTTP_POST,  "/v1/auth/logout",    NULL, EVERYBODY, EVERY, .status = 204, .password_due = true, .uses_up = true },
	{ HTTP_GET,   "/v1/me",             NULL, EVERYBODY, EVERY, .status = 200, .password_due = true },

	{ HTTP_PUT,   "/v1/me/password",    "{'current_password':'" PASSWORD "','new_password':'another horse battery'}", EVERYBODY, EVERY, .status = 204, .password_due = true, .uses_up = true },
	{ HTTP_GET,   "/v1/me/sessions",    NULL, EVERYBODY, EVERY, .status = 200 },
	{ HTTP_DELETE, "/v1/me/sessions/{id}", NULL, EVERYBODY, PERSONAL, .status = 204, .uses_up = true },

	{ HTTP_GET,   "/v1/users",          NULL, "ADMIN", EVERY, .status = 200 },
	{ HTTP_POST,  "/v1/users",          "{'email':'$code@people.example','name':'Ana','password':'" PASSWORD "','role':'BUYER','organization_id':'$organization_id'}", "ADMIN", EVERY, .status = 201 },
	{ HTTP_GET,   "/v1/users/{id}",     NULL, "ADMIN", EVERY, .status = 200 },
	{ HTTP_PATCH, "/v1/users/{id}",     "{'role':'PACKER'}", "ADMIN", EVERY, .status = 200 },
	{ HTTP_GET,   "/v1/organizations",  NULL, "ADMIN", EVERY, .status = 200 },
	{ HTTP_POST,  "/v1/organizations",  "{'name':'Huerta','kind':'PRODUCER'}", "ADMIN", EVERY, .status = 201 },
	{ HTTP_GET,   "/v1/organizations/{id}", NULL, "ADMIN", EVERY, .status = 200 },
	{ HTTP_PATCH, "/v1/organizations/{id}", "{'approved':true}", "ADMIN", EVERY, .status = 200 },

	{ HTTP_GET,   "/v1/locations",      NULL, EVERYBODY, EVERY, .status = 200 },
	{ HTTP_POST,  "/v1/locations",      "{'name':'Campo','kind':'FARM'}", CHAIN_ROLES, EVERY, .status = 201, .approved = true },
	{ HTTP_GET,   "/v1/locations/{id}", NULL, EVERYBODY, OWN, .status = 200 },
	{ HTTP_PATCH, "/v1/locations/{id}", "{'region':'Jalisco'}", CHAIN_ROLES, OWN, .status = 200, .approved = true },

	{ HTTP_GET,   "/v1/products",       NULL, EVERYBODY, EVERY, .status = 200 },
	{ HTTP_POST,  "/v1/products",       "{'name':'Mango','commodity':'mango'}", "PRODUCER PACKER", EVERY, .status = 201, .approved = true },
	{ HTTP_GET,   "/v1/products/{id}", NULL, EVERYBODY, OWN, .status = 200 },
	{ HTTP_PATCH, "/v1/products/{id}", "{'variety':'Fuerte'}", "PRODUCER PACKER", OWN, .status = 200, .approved = true },

	{ HTTP_GET,   "/v1/lots",           NULL, EVERYBODY, EVERY, .status = 200 },
	{ HTTP_POST,  "/v1/lots",           "{'product_id':'$product','code':'$code','quantity':1,'uom':'KGM'}", "PRODUCER", EVERY, .status = 201, .approved = true },
	{ HTTP_GET,   "/v1/lots/{id}",      NULL, EVERYBODY, GRANTED, .status = 200 },
	{ HTTP_PATCH, "/v1/lots/{id}",      "{'status':'ON_HOLD'}", "ADMIN", OWN, .status = 200 },
	{ HTTP_GET,   "/v1/lots/{id}/events", NULL, EVERYBODY, GRANTED, .status = 200 },
	{ HTTP_POST,  "/v1/lots/{id}/events", "{'kind':'$kind','at':'2026-05-01T10:00:00Z'$result}", CHAIN_ROLES, RECORDED, .status = 201, .approved = true },
	{ HTTP_GET,   "/v1/lots/{id}/verify", NULL, EVERYBODY, GRANTED, .status = 200 },
	{ HTTP_GET,   "/v1/lots/{id}/grants", NULL, EVERYBODY, OWN, .status = 200 },
	{ HTTP_PUT,   "/v1/lots/{id}/grants/{organization_id}", "{'access':'read'}", "PRODUCER", OWN, .status = 200, .approved = true },
	{ HTTP_DELETE, "/v1/lots/{id}/grants/{organization_id}", NULL, "PRODUCER", OWN, .status = 204, .approved = true },

	{ HTTP_GET,   "/v1/audit",          NULL, "ADMIN", EVERY, .status = 200 },

	{ HTTP_GET,   "/t/{public_code}",    NULL, NULL, EVERY, .status = 200 },
	{ HTTP_GET,   "/01/{gtin}/10/{lot_code}", NULL, NULL, EVERY, .status = 200 },
	{ HTTP_GET,   "/livez",             NULL, NULL, EVERY, .status = 200 },
	{ HTTP_GET,   "/readyz",            NULL, NULL, EVERY, .status = 200 },
	{ HTTP_GET,   "/v1/openapi.json",   NULL, NULL, EVERY, .status = 200 },
	{ HTTP_GET,   "/docs",              NULL, NULL, EVERY, .status = 200 },
	{ HTTP_GET,   "/docs.css",          NULL, NULL, EVERY, .status = 200 },
	{ HTTP_GET,   "/docs.js",           NULL, NULL, EVERY, .status = 200 },
};
/* clang-format on */

const size_t way_count = ARRAY_SIZE(ways);

const struct way *way_of(enum http_method method, const char *route)
{
	for_each_way(w) if (w->method == method && strcmp(w->route, route) == 0) return w;
	return NULL;
}

const char *way_name(const struct way *w)
{
	return TEXT("%s %s", http_method_name(w->method), w->route);
}

bool way_has_thing(const struct way *w)
{
	return strchr(w->route, '{') != NULL;
}

/* --- $words --- */

/* An event that this role records, and a buyer's result. */
static const char *kind_of(const char *role)
{
	static const char *const kinds[][2] = { { "PRODUCER", "HARVEST" }, { "PACKER", "PACKAGING" },
		{ "EXPORTER", "CUSTOMS_CLEARANCE" }, { "CERTIFIER", "QUALITY_INSPECTION" },
		{ "BUYER", "DELIVERY" } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i][0], role) == 0)
			return kinds[i][1];
	return "HARVEST";
}

static const char *session_of(const char *user)
{
	return sql_text("SELECT min(id::text) FROM session WHERE user_id = '%s'", user);
}

static const char *word(const char *name, const struct actor *who, const struct things *t)
{
	const char *role = who ? who->role : "";
	const struct {
		const char *name, *value;
	} words[] = { { "location", t->location }, { "product", t->product }, { "lot", t->lot },
		{ "public_code", t->public_code }, { "gtin", t->gtin }, { "lot_code", t->lot_code },
		{ "organization_id", t->guest }, { "organization", t->guest }, { "user", t->user },
		{ "session", t->session || !who ? t->session : session_of(who->id) },
		{ "code", new_code("W-") }, { "kind", kind_of(role) },
		{ "result", strcmp(role, "BUYER") == 0 ? ",'result':'accepted'" : "" },
		{ "email", who ? who->email : "" }, { "refresh", who ? who->refresh : "" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].name, name) == 0)
			return words[i].value;
	ck_abort_msg("$%s stands for nothing", name);
}

static const char *filled(const char *text, const struct actor *who, const struct things *t)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	const char *out = "";

	for (const char *dollar; (dollar = strchr(text, '$'));) {
		size_t n = strspn(dollar + 1, letters);
		const char *value = word(TEXT("%.*s", (int)n, dollar + 1), who, t);
		out = TEXT("%s%.*s%s", out, (int)(dollar - text), text, value);
		text = dollar + 1 + n;
	}
	return TEXT("%s%s", out, text);
}

/* The route with each {parameter} in place: an {id} is of what the segment before it names, "/lots/{id}" a lot. */
static const char *path_to(const char *route, const struct actor *who, const struct things *t)
{
	const char *out = "";

	for (const char *open; (open = strchr(route, '{'));) {
		const char *close = strchr(open, '}'), *noun = open - 1;
		int length = (int)(close - open) - 1;
		if (strncmp(open, "{id}", 4) == 0) {
			while (noun[-1] != '/')
				noun--;
			length = (int)(open - noun) - 2; /* "lots/" is of a lot */
		} else {
			noun = open + 1;
		}
		out = TEXT("%s%.*s%s", out, (int)(open - route), route,
			word(TEXT("%.*s", length, noun), who, t));
		route = close + 1;
	}
	return TEXT("%s%s", out, route);
}

struct call way_call(
	const struct way *w, const struct actor *who, const struct things *at, const struct things *with)
{
	return (struct call){
		.method = http_method_name(w->method),
		.path = path_to(w->route, who, at),
		.token = who && *who->token ? who->token : NULL,
		.body = w->body ? json("%s", filled(w->body, who, with)) : NULL,
		.headers = { w->method == HTTP_PATCH ? if_match(ANY_VERSION) : NULL },
	};
}

/* --- things --- */

struct things things_made(const struct actor *owner)
{
	const struct made_lot lot = make_lot(owner);
	char guest[UUID_TEXT_SIZE];

	make_organization(new_code("Guest "), "BUYER", true, guest);
	sql("INSERT INTO lot_grant VALUES ('%s', '%s', 'read', now())", lot.id, guest);
	const struct actor user = make_user("BUYER", guest);
	sql("INSERT INTO session SELECT gen_random_uuid(), '%s', sha256(convert_to('a' || r, 'UTF8')), now() "
	    "+ "
	    "interval '15 min', sha256(convert_to('r' || r, 'UTF8')), now() + interval '7 days', now(), "
	    "now() "
	    "FROM random() r",
		user.id);
	return (struct things){ lot.origin_id, lot.product_id, lot.id, lot.public_code, lot.gtin, lot.code,
		TEXT("%s", guest), TEXT("%s", user.id), session_of(user.id) };
}

static const char *random_id(void)
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(random_uuid(), text);
	return TEXT("%s", text);
}

struct things things_unknown(void)
{
	return (struct things){ random_id(), random_id(), random_id(), new_code("") + 1, new_gtin(),
		new_code("L-"), random_id(), random_id(), random_id() };
}

struct things things_malformed(void)
{
	return (struct things){ "7", "7", "7", "7", "7", "7", "7", "7", "7" };
}

void things_give(const struct things *t, const char *organization)
{
	sql("UPDATE lot SET organization_id = '%s' WHERE id = '%s'", organization, t->lot);
	sql("UPDATE product SET organization_id = '%s' WHERE id = '%s'", organization, t->product);
	sql("UPDATE location SET organization_id = '%s' WHERE id = '%s'", organization, t->location);
}
