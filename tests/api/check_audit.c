/* The audit log: every write leaves one row of who, what and how it was before, in its own transaction; and how it is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "expect.h"
#include "world.h"

#define OTHER_PASSWORD "another horse battery" /* of the cases that set one */

/* --- each writing route, asked so that something is written --- */

struct asking {
	struct actor who;
	struct call call;
	const char *object_id; /* NULL: the answer's id */
	const char *before;    /* JSON, NULL for nothing */
	bool unsaid;           /* what came of it is not kept here */
};

static struct asking make_asking(const struct actor *who, const char *path, const char *body)
{
	return (struct asking){ .who = *who,
		.call = { .path = path, .token = TEXT("%s", who->token), .body = body } };
}

/* A PATCH of what the path leads to, which is the object. */
static struct asking change(const struct actor *who, const char *path, const char *body)
{
	struct asking a = make_asking(who, path, body);
	const struct reply *r = get(who, "%s", path);

	a.call.method = "PATCH";
	a.call.headers[0] = TEXT("If-Match: %s", reply_header(r, "ETag"));
	a.object_id = reply_text(r, "/id");
	a.before = r->body;
	return a;
}

static struct actor make_member(void)
{
	struct actor who = make_user("PRODUCER", producer.organization);

	log_in(&who);
	return who;
}

/* What a password was and is, is nobody's to read: the row says who and when. */
static struct asking changed_password(void)
{
	const struct actor who = make_member();
	struct asking a = make_asking(&who, "/v1/me/password",
		json("{'current_password':'%s','new_password':'%s'}", PASSWORD, OTHER_PASSWORD));

	a.call.method = "PUT";
	a.object_id = TEXT("%s", who.id);
	a.unsaid = true;
	return a;
}

static struct asking ended_session(void)
{
	const struct actor who = make_member();
	const struct reply *r = get(&who, "/v1/me/sessions");
	const char *id = reply_text(r, "/items/0/id");
	struct asking a = make_asking(&who, TEXT("/v1/me/sessions/%s", id), NULL);

	a.call.method = "DELETE";
	a.object_id = id;
	char *text = cJSON_PrintUnformatted(reply_at(r, "/items/0"));
	a.before = TEXT("%s", text);
	free(text);
	a.unsaid = true;
	return a;
}

static struct asking new_user(void)
{
	return make_asking(&admin, "/v1/users",
		json("{'email':'%s@people.example','name':'Ana','password':'%s','role':'BUYER',"
		     "'organization_id':'%s'}",
			new_code("ana."), OTHER_PASSWORD, buyer.organization));
}

static struct asking changed_user(void)
{
	const struct actor who = make_user("BUYER", buyer.organization);

	return change(&admin, TEXT("/v1/users/%s", who.id),
		json("{'role':'PACKER','password':'%s'}", OTHER_PASSWORD));
}

static struct asking new_organization(void)
{
	return make_asking(&admin, "/v1/organizations",
		json("{'name':'Empaque','kind':'PACKER','tax_id':'%s'}", new_code("T-")));
}

static struct asking changed_organization(void)
{
	char id[UUID_TEXT_SIZE];

	make_organization("Huerta", "PRODUCER", false, id);
	return change(&admin, TEXT("/v1/organizations/%s", id), json("{'approved':true}"));
}

static struct asking new_location(void)
{
	return make_asking(&packer, "/v1/locations", json("{'name':'Campo','kind':'FARM'}"));
}

static struct asking changed_location(void)
{
	return change(
		&producer, TEXT("/v1/locations/%s", make_location(&producer)), json("{'region':'Jalisco'}"));
}

static struct asking new_product(void)
{
	return make_asking(&producer, "/v1/products",
		json("{'name':'Aguacate \\'','commodity':'avocado','gtin':'%s'}", new_gtin()));
}

static struct asking changed_product(void)
{
	return change(
		&producer, TEXT("/v1/products/%s", make_product(&producer)), json("{'variety':'Fuerte'}"));
}

static struct asking new_lot(void)
{
	return make_asking(&producer, "/v1/lots",
		json("{'product_id':'%s','code':'A-1','quantity':'1.50','uom':'KGM'}",
			make_product(&producer)));
}

static struct asking changed_lot(void)
{
	return change(&admin, TEXT("/v1/lots/%s", make_lot(&producer).id),
		json("{'status':'ON_HOLD','reason':'residue'}"));
}

/* An event is append-only itself: the row only says whose it is. */
static struct asking new_event(void)
{
	struct asking a = make_asking(&producer, TEXT("/v1/lots/%s/events", make_lot(&producer).id),
		json("{'kind':'HARVEST','at':'2026-05-01T10:00:00Z'}"));

	a.unsaid = true;
	return a;
}

static struct asking grant_over(bool again)
{
	const char *lot = make_lot(&producer).id,
		   *path = TEXT("/v1/lots/%s/grants/%s", lot, packer.organization);
	struct asking a = make_asking(&producer, path, json("{'access':'record'}"));

	a.call.method = "PUT";
	a.object_id = lot;
	if (again)
		a.before = put(&producer, path, "{'access':'read'}")->body;
	return a;
}

static struct asking new_grant(void)
{
	return grant_over(false);
}

static struct asking changed_grant(void)
{
	return grant_over(true);
}

static struct asking lost_grant(void)
{
	struct asking a = grant_over(true);

	a.call.method = "DELETE";
	a.call.body = NULL;
	a.unsaid = true;
	return a;
}

static struct asking logged_in(void)
{
	return make_asking(
		&buyer, "/v1/auth/login", json("{'email':'%s','password':'%s'}", buyer.email, PASSWORD));
}

static struct asking refreshed(void)
{
	const struct actor who = make_member();

	return make_asking(&who, "/v1/auth/refresh", json("{'refresh_token':'%s'}", who.refresh));
}

static struct asking logged_out(void)
{
	const struct actor who = make_member();
	struct asking a = make_asking(&who, "/v1/auth/logout", NULL);

	a.call.method = "POST";
	return a;
}

/* A row each route that writes; one more where there is more than one way. Logging in and out leaves none: store/audit.h says why. */
static const struct write_case {
	enum http_method method;
	const char *path;
	struct asking (*prepare)(void);
	bool unlogged;
} cases[] = {
	{ HTTP_POST, "/v1/auth/login", logged_in, true },
	{ HTTP_POST, "/v1/auth/refresh", refreshed, true },
	{ HTTP_POST, "/v1/auth/logout", logged_out, true },
	{ HTTP_PUT, "/v1/me/password", changed_password, false },
	{ HTTP_DELETE, "/v1/me/sessions/{id}", ended_session, false },
	{ HTTP_POST, "/v1/users", new_user, false },
	{ HTTP_PATCH, "/v1/users/{id}", changed_user, false },
	{ HTTP_POST, "/v1/organizations", new_organization, false },
	{ HTTP_PATCH, "/v1/organizations/{id}", changed_organization, false },
	{ HTTP_POST, "/v1/locations", new_location, false },
	{ HTTP_PATCH, "/v1/locations/{id}", changed_location, false },
	{ HTTP_POST, "/v1/products", new_product, false },
	{ HTTP_PATCH, "/v1/products/{id}", changed_product, false },
	{ HTTP_POST, "/v1/lots", new_lot, false },
	{ HTTP_PATCH, "/v1/lots/{id}", changed_lot, false },
	{ HTTP_POST, "/v1/lots/{id}/events", new_event, false },
	{ HTTP_PUT, "/v1/lots/{id}/grants/{organization_id}", new_grant, false },
	{ HTTP_PUT, "/v1/lots/{id}/grants/{organization_id}", changed_grant, false },
	{ HTTP_DELETE, "/v1/lots/{id}/grants/{organization_id}", lost_grant, false },
};

#define for_each_case(c) for (const struct write_case *c = cases; c < cases + ARRAY_SIZE(cases); c++)

static const char *action_of(const struct write_case *c)
{
	return TEXT("%s %s", http_method_name(c->method), c->path);
}

/* Asks it under a request id of its own, which begins with `prefix`. */
static const struct reply *ask(const struct asking *a, const char *prefix, const char **ret_request_id)
{
	const char *id = new_code(prefix);
	struct call call = a->call;
	size_t n = 0;

	while (call.headers[n])
		n++;
	call.headers[n] = TEXT("X-Request-Id: %s", id);
	*ret_request_id = id;
	return client_call(client(), &call);
}

static long rows_of(const char *request_id)
{
	return sql_number("SELECT count(*) FROM audit WHERE request_id = '%s'", request_id);
}

START_TEST(every_route_that_writes_has_a_case)
{
	for (size_t i = 0; i < route_count; i++) {
		bool found = routes[i].method == HTTP_GET;
		for_each_case(c) found |=
			c->method == routes[i].method && strcmp(c->path, routes[i].path) == 0;
		ck_assert_msg(found, "%s %s: no case says what it leaves in the audit log",
			http_method_name(routes[i].method), routes[i].path);
	}
}
END_TEST

/* The column of the request's row, as text; NULL for NULL. */
static const char *column(const char *name, const char *request_id)
{
	return sql_text("SELECT %s::text FROM audit WHERE request_id = '%s'", name, request_id);
}

static void expect_text(const char *what, const char *found, const char *wanted)
{
	bool same = wanted ? found && strcmp(found, wanted) == 0 : !found;

	ck_assert_msg(same, "%s is %s, not %s", what, found ? found : "NULL", wanted ? wanted : "NULL");
}

/* The same JSON, or both nothing. */
static void expect_json(const char *what, const char *request_id, const char *wanted)
{
	const char *text = column(what, request_id);
	cJSON *a = text ? cJSON_Parse(text) : NULL, *b = wanted ? cJSON_Parse(wanted) : NULL;
	bool same = a && b ? cJSON_Compare(a, b, true) : !a && !b;

	cJSON_Delete(a);
	cJSON_Delete(b);
	ck_assert_msg(same, "%s is %s, not %s", what, text ? text : "NULL", wanted ? wanted : "NULL");
}

static void expect_row(
	const struct write_case *c, const struct asking *a, const char *id, const struct reply *r)
{
	const char *organization = *a->who.organization ? a->who.organization : NULL;

	expect_text("user_id", column("user_id", id), a->who.id);
	expect_text("organization_id", column("organization_id", id), organization);
	expect_text("action", column("action", id), action_of(c));
	expect_text("object_id", column("object_id", id), a->object_id ? a->object_id : reply_text(r, "/id"));
	bool has_reason = a->call.body && strstr(a->call.body, "residue");
	expect_text("reason", column("reason", id), has_reason ? "residue" : NULL);
	expect_json("before", id, a->before);
	expect_json("after", id, a->unsaid ? NULL : r->body);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM audit WHERE request_id = '%s'"
				    " AND at BETWEEN now() - interval '1 minute' AND now()",
				 id),
		1);
}

START_TEST(each_write_leaves_one_row_that_says_all)
{
	for_each_case(c)
	{
		const struct asking a = c->prepare();
		const char *id;
		const struct reply *r = ask(&a, "done-", &id);
		ck_assert_msg(
			r->status >= 200 && r->status < 300, "%s: %d %s", action_of(c), r->status, r->body);
		ck_assert_msg(rows_of(id) == !c->unlogged, "%s: %ld rows", action_of(c), rows_of(id));
		if (!c->unlogged)
			expect_row(c, &a, id, r);
	}
}
END_TEST

/* --- writes that were none --- */

/* What the service keeps for good, as one number. */
static const char *all_content(void)
{
	static const char *const tables[] = { "organization", "app_user", "location", "product", "lot",
		"lot_grant", "event", "idempotency_key", "audit" };
	const char *content = "";

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		content = TEXT("%s %s", content,
			sql_text("SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM %s t",
				tables[i]));
	return content;
}

/* The commit of a request whose id begins with "trap-" fails, after everything else in it was done. */
static void set_trap(void)
{
	sql("CREATE OR REPLACE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$"
	    " BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$");
	sql("CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED"
	    " FOR EACH ROW WHEN (NEW.request_id LIKE 'trap-%%') EXECUTE FUNCTION trap()");
}

START_TEST(a_write_that_fails_at_its_end_leaves_neither_a_row_nor_itself)
{
	set_trap();
	for_each_case(c)
	{
		const struct asking a = c->prepare();
		const char *before = all_content(), *id;
		if (c->unlogged)
			continue;
		const struct reply *r = ask(&a, "trap-", &id);
		expect(is_problem(r, 503, "unavailable"));
		ck_assert_str_eq(all_content(), before);
		expect(ask(&a, "again-", &id)->status < 300); /* it was the trap, and nothing else */
		ck_assert_int_eq(rows_of(id), 1);
	}
	sql("DROP TRIGGER trap ON audit");
}
END_TEST

START_TEST(a_write_after_the_session_ended_leaves_no_row)
{
	for_each_case(c)
	{
		struct asking a = c->prepare();
		const char *before, *id;
		if (c->unlogged)
			continue;
		log_in(&a.who); /* a session to lose, and a copy of it in Redis */
		a.call.token = a.who.token;
		expect(answered(get(&a.who, "/v1/me"), 200));
		sql("UPDATE session SET revoked_at = now() WHERE id ="
		    " (SELECT id FROM session WHERE user_id = '%s' ORDER BY id DESC LIMIT 1)",
			a.who.id);
		before = all_content();
		expect(is_problem(ask(&a, "late-", &id), 401, "unauthenticated"));
		ck_assert_str_eq(all_content(), before);
	}
}
END_TEST

START_TEST(a_write_that_is_refused_leaves_no_row)
{
	const struct made_lot lot = make_lot(&producer);
	const struct {
		const struct actor *who;
		const char *method, *path, *body;
		int status;
	} rows[] = {
		{ &producer, "POST", "/v1/products",
			json("{'name':'x','commodity':'y','gtin':'%s'}", lot.gtin), 409 },
		{ &producer, "POST", "/v1/products", "{", 400 },
		{ &producer, "POST", "/v1/products", "{}", 422 },
		{ &buyer, "POST", "/v1/products", json("{'name':'x','commodity':'y'}"), 403 },
		{ &producer, "PATCH", TEXT("/v1/products/%s", lot.product_id), json("{'name':'x'}"), 412 },
		{ &rival, "PATCH", TEXT("/v1/products/%s", lot.product_id), json("{'name':'x'}"), 404 },
		{ &admin, "PATCH", TEXT("/v1/lots/%s", lot.id), json("{'status':'ON_HOLD'}"), 412 },
		{ &producer, "POST", "/v1/lots",
			json("{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}", lot.product_id,
				lot.code),
			409 },
		{ &rival, "POST", TEXT("/v1/lots/%s/events", lot.id),
			json("{'kind':'HARVEST','at':'2026-05-01T10:00:00Z'}"), 404 },
		{ &producer, "PUT", TEXT("/v1/lots/%s/grants/%s", lot.id, lot.id), json("{'access':'read'}"),
			404 },
		{ &producer, "DELETE", TEXT("/v1/lots/%s/grants/%s", lot.id, packer.organization), NULL,
			404 },
	};
	const char *before = all_content();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(answered(CALL(.method = rows[i].method, .path = rows[i].path, .body = rows[i].body,
					.token = rows[i].who->token, .headers = { if_match(7) }),
			rows[i].status));
	ck_assert_str_eq(all_content(), before);
}
END_TEST

START_TEST(a_replay_leaves_no_row)
{
	for_each_case(c)
	{
		struct asking a = c->prepare();
		const char *first, *second;
		if (c->method != HTTP_POST || c->unlogged)
			continue;
		a.call.key = new_code("key-");
		expect(answered(ask(&a, "first-", &first), 201));
		const struct reply *r = ask(&a, "second-", &second);
		expect(has_header(r, "Idempotency-Replayed", "true"));
		ck_assert_int_eq(rows_of(first), 1);
		ck_assert_int_eq(rows_of(second), 0);
	}
}
END_TEST

START_TEST(no_row_holds_a_secret)
{
	for_each_case(c)
	{
		const struct asking a = c->prepare();
		const char *id;
		ask(&a, "secret-", &id);
	}
	ck_assert_int_eq(sql_number("SELECT count(*) FROM audit a WHERE position('%s' in a::text) > 0"
				    " OR position('%s' in a::text) > 0 OR a::text LIKE '%%argon2%%'"
				    /* A token is 43 characters of base64url, its hash 64 of hexadecimal. */
				    " OR a::text ~ '[A-Za-z0-9_-]{43}'",
				 PASSWORD, OTHER_PASSWORD),
		0);
	ck_assert_int_ge(sql_number("SELECT count(*) FROM audit"), (long)ARRAY_SIZE(cases) - 3);
}
END_TEST

/* --- how it is read --- */

START_TEST(an_administrator_reads_what_was_done)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *held =
		patch(&admin, TEXT("/v1/lots/%s", lot.id), 1, "{'status':'ON_HOLD','reason':'residue'}");
	const struct reply *r = get(&admin, "/v1/audit?object_id=%s", lot.id);

	expect(answered(r, 200));
	expect(has_count(r, "/items", 2));
	expect(has_null(r, "/next_cursor"));
	expect(has_members(r, "/items/0",
		"id at user_id organization_id request_id action object_id before after reason"));
	expect(has_text(r, "/items/0/user_id", admin.id));
	expect(has_null(r, "/items/0/organization_id"));
	expect(has_text(r, "/items/0/request_id", reply_header(held, "X-Request-Id")));
	expect(has_text(r, "/items/0/action", "PATCH /v1/lots/{id}"));
	expect(has_text(r, "/items/0/object_id", lot.id));
	expect(has_text(r, "/items/0/before/status", "REGISTERED"));
	expect(has_number(r, "/items/0/before/version", 1));
	ck_assert(cJSON_Compare(reply_at(r, "/items/0/after"), held->json, true));
	expect(has_text(r, "/items/0/reason", "residue"));
	expect(has_text(r, "/items/1/action", "POST /v1/lots"));
	expect(has_text(r, "/items/1/organization_id", producer.organization));
	expect(has_null(r, "/items/1/before"));
	expect(has_text(r, "/items/1/after/code", lot.code));
	expect(has_null(r, "/items/1/reason"));
}
END_TEST

START_TEST(nobody_else_reads_it)
{
	const struct actor *const others[] = { &producer, &newcomer, &packer, &exporter, &certifier, &buyer };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		expect(is_problem(get(others[i], "/v1/audit"), 403, "forbidden"));
	expect(is_problem(get(NULL, "/v1/audit"), 401, "unauthenticated"));
	expect(is_problem(CALL(.method = "DELETE", .path = "/v1/audit", .token = admin.token), 405,
		"method_not_allowed"));
}
END_TEST

/* The actions of somebody who has made a product and two locations, through a filter. */
static bool reads(const char *query, const char *actions)
{
	const struct reply *r = get(&admin, "/v1/audit?%s", query);
	const cJSON *item;
	const char *found = "";

	cJSON_ArrayForEach(item, reply_at(r, "/items")) found =
		TEXT("%s%s", found, strrchr(cJSON_GetStringValue(cJSON_GetObjectItem(item, "action")), '/'));
	return answered(r, 200) && strcmp(found, actions) == 0;
}

START_TEST(filters_say_who_what_and_when)
{
	const struct actor who = make_member();
	const char *id = who.id, *product = make_product(&who);
	const char *first = make_location(&who);

	make_location(&who);
	const struct reply *all = get(&admin, "/v1/audit?user_id=%s", id);
	const char *newest = reply_text(all, "/items/0/at"), *middle = reply_text(all, "/items/1/at"),
		   *oldest = reply_text(all, "/items/2/at");
	expect(reads(TEXT("user_id=%s", id), "/locations/locations/products"));
	expect(reads(TEXT("object_id=%s", product), "/products"));
	expect(reads(TEXT("object_id=%s&user_id=%s", first, id), "/locations"));
	expect(reads(TEXT("object_id=%s&user_id=%s", first, producer.id), ""));
	expect(reads(TEXT("user_id=%s&from=%s", id, middle), "/locations/locations"));
	expect(reads(TEXT("user_id=%s&to=%s", id, middle), "/products"));
	expect(reads(TEXT("user_id=%s&from=%s&to=%s", id, middle, newest), "/locations"));
	expect(reads(TEXT("user_id=%s&from=%s&to=%s", id, newest, oldest), ""));
	expect(reads(TEXT("from=%s&to=%s", oldest, newest), "/locations/products"));
	expect(reads("from=9999-12-31T23:59:59Z", ""));
	expect(reads("to=1970-01-01T00:00:00Z", ""));
}
END_TEST

START_TEST(pages_are_newest_first_and_show_each_row_once)
{
	enum { COUNT = 7 };
	const struct actor who = make_member();
	const char *made[COUNT];

	for (int i = 0; i < COUNT; i++)
		made[i] = make_location(&who);
	for (int limit = 1; limit <= COUNT; limit++) {
		const char *cursor = "";
		for (int shown = 0; shown < COUNT;) {
			const struct reply *r =
				get(&admin, "/v1/audit?user_id=%s&limit=%d%s", who.id, limit, cursor);
			expect(has_count(r, "/items", MIN(limit, COUNT - shown)));
			for (int i = 0; i < limit && shown < COUNT; i++, shown++)
				expect(has_text(r, TEXT("/items/%d/object_id", i), made[COUNT - 1 - shown]));
			expect((shown == COUNT) == has_null(r, "/next_cursor"));
			cursor = TEXT("&cursor=%s", reply_text(r, "/next_cursor"));
		}
	}
}
END_TEST

START_TEST(a_query_that_is_none_is_refused)
{
	static const struct {
		const char *query, *pointer, *code;
	} rows[] = {
		{ "user_id=7", "?user_id", "bad_format" },
		{ "object_id=x", "?object_id", "bad_format" },
		{ "from=yesterday", "?from", "bad_format" },
		{ "to=2026-05-01", "?to", "bad_format" },
		{ "limit=201", "?limit", "out_of_range" },
		{ "action=x", "?action", "unknown_field" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_fault(get(&admin, "/v1/audit?%s", rows[i].query), rows[i].pointer, rows[i].code));
	expect(is_problem(get(&admin, "/v1/audit?cursor=x"), 400, "bad_cursor"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_route_that_writes_has_a_case,
		each_write_leaves_one_row_that_says_all,
		a_write_that_fails_at_its_end_leaves_neither_a_row_nor_itself,
		a_write_after_the_session_ended_leaves_no_row,
		a_write_that_is_refused_leaves_no_row,
		a_replay_leaves_no_row,
		no_row_holds_a_secret,
		an_administrator_reads_what_was_done,
		nobody_else_reads_it,
		filters_say_who_what_and_when,
		pages_are_newest_first_and_show_each_row_once,
		a_query_that_is_none_is_refused,
	};

	return world_run("audit", tests, ARRAY_SIZE(tests));
}
