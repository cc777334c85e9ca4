/* What is another's looks, from outside, like what is not there: in every route, by status, headers and body, whatever is asked
 * beside it. And what a client says of itself or of a thing's owner is not believed. */
#include <string.h>

#include "api/routes.h"
#include "expect.h"
#include "ways.h"

/* --- the same answer --- */

static const struct reply *ask_as_one(struct call call, const char *header)
{
	size_t n = 0;

	while (call.headers[n])
		n++;
	call.headers[n++] = "X-Request-Id: one"; /* the only thing that may differ otherwise */
	call.headers[n] = header;
	return client_call(client(), &call);
}

static const char *headers_but_date(const struct reply *r)
{
	const char *all = "";

	for (const char *line = r->header_lines; *line; line += strlen(line) + 1)
		if (strncmp(line, "Date:", 5) != 0)
			all = TEXT("%s%s\n", all, line);
	return all;
}

static void expect_same(const char *what, const char *how, const struct reply *a, const struct reply *b)
{
	const char *first = TEXT("%s%s", headers_but_date(a), a->body),
		   *second = TEXT("%s%s", headers_but_date(b), b->body);

	ck_assert_msg(
		strcmp(first, second) == 0, "%s, %s: told apart by\n%s\n---\n%s", what, how, first, second);
}

/* Somebody of a role that may ask this; nobody for what is public. */
static const struct actor *who_may(const struct way *w)
{
	const struct actor *const actors[] = { &rival, &packer, &exporter, &certifier, &buyer, &admin };

	for (size_t i = 0; w->who && i < ARRAY_SIZE(actors); i++)
		if (strstr(w->who, actors[i]->role))
			return actors[i];
	return NULL;
}

static struct things all_named(const char *id)
{
	return (struct things){ id, id, id, id, id, id, id, id, id };
}

START_TEST(an_id_of_anothers_is_answered_as_one_of_nobodys)
{
	static const char *const beside[] = { NULL, "If-None-Match: *", "If-None-Match: \"1\"", "If-Match: *",
		"If-Match: \"1\"", "If-Match: \"7\"", "Idempotency-Key: k", "Accept-Language: es" };
	const struct things foreign = things_made(&producer), own = things_made(&rival);

	for_each_way(w)
	{
		const struct actor *who = who_may(w);
		for (size_t i = 0; way_has_thing(w) && who && who != &admin && i < ARRAY_SIZE(beside); i++) {
			const struct things unknown = things_unknown();
			struct call theirs = way_call(w, who, &foreign, &own),
				    none = way_call(w, who, &unknown, &own);
			if (beside[i] && strncmp(beside[i], "If-Match", 8) == 0)
				theirs.headers[0] = none.headers[0] = NULL;
			const struct reply *r = ask_as_one(theirs, beside[i]);
			expect_same(
				way_name(w), beside[i] ? beside[i] : "plain", r, ask_as_one(none, beside[i]));
			expect(is_problem(r, 404, "not_found"));
			theirs.method = none.method = "HEAD";
			expect_same(way_name(w), "HEAD", ask_as_one(theirs, beside[i]),
				ask_as_one(none, beside[i]));
		}
	}
}
END_TEST

START_TEST(an_id_that_is_none_is_answered_as_one_of_nobodys)
{
	static const char *const ids[] = { "7", "-1", "00000000-0000-0000-0000-000000000000",
		"{018f0000-0000-7000-8000-00000000ffff}", "018f000000007000800000000000ffff",
		"018f0000-0000-7000-8000-00000000fff", "018f0000-0000-7000-8000-00000000fffff",
		"018f0000-0000-7000-8000-00000000fffg", "%27%20OR%201=1--", "a%2fb", "%25", "*", "null",
		"%F0%9F%A5%91" };
	char long_id[400];

	memset(long_id, 'f', sizeof long_id - 1);
	long_id[sizeof long_id - 1] = '\0';
	for_each_way(w)
	{
		const struct actor *who = who_may(w);
		const struct things own = things_made(&rival), unknown = things_unknown();
		if (!way_has_thing(w))
			continue;
		const struct reply *none = ask_as_one(way_call(w, who, &unknown, &own), NULL);
		expect(is_problem(none, 404, "not_found"));
		for (size_t i = 0; i <= ARRAY_SIZE(ids); i++) {
			const char *id = i < ARRAY_SIZE(ids) ? ids[i] : long_id;
			const struct things at = all_named(id);
			expect_same(way_name(w), id, ask_as_one(way_call(w, who, &at, &own), NULL), none);
		}
	}
}
END_TEST

/* A pre-flight needs no session: so it may say nothing. */
START_TEST(what_a_path_takes_is_said_of_the_path_alone)
{
	const struct things there = things_made(&producer), unknown = things_unknown(), none = all_named("7");

	for_each_way(w)
	{
		struct call call = way_call(w, NULL, &there, &there);
		call.method = "OPTIONS";
		call.body = NULL;
		const struct reply *r = ask_as_one(call, NULL);
		expect(answered(r, 204));
		call.path = way_call(w, NULL, &unknown, &there).path;
		expect_same(way_name(w), "unknown", ask_as_one(call, NULL), r);
		call.path = way_call(w, NULL, &none, &there).path;
		expect_same(way_name(w), "no id", ask_as_one(call, NULL), r);
	}
}
END_TEST

START_TEST(a_reference_to_anothers_is_refused_as_one_to_nobodys)
{
	const struct things foreign = things_made(&producer), own = things_made(&rival),
			    unknown = things_unknown();
	const char *events = TEXT("/v1/lots/%s/events", own.lot), *code = new_code("R-");
	const struct {
		const char *path, *body, *foreign, *unknown, *code;
	} rows[] = {
		{ "/v1/lots", TEXT("{'code':'%s','quantity':1,'uom':'KGM','product_id':'%%s'}", code),
			foreign.product, unknown.product, "unknown_product" },
		{ "/v1/lots",
			TEXT("{'code':'%s','quantity':1,'uom':'KGM','product_id':'%s','origin_id':'%%s'}",
				code, own.product),
			foreign.location, unknown.location, "unknown_location" },
		{ events, "{'kind':'HARVEST','at':'2026-05-01T10:00:00Z','location_id':'%s'}",
			foreign.location, unknown.location, "unknown_location" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *replies[2];
		for (int k = 0; k < 2; k++) {
			const char *hole = strstr(rows[i].body, "%s");
			const char *body = json("%.*s%s%s", (int)(hole - rows[i].body), rows[i].body,
				k ? rows[i].unknown : rows[i].foreign, hole + 2);
			replies[k] = ask_as_one(
				(struct call){ .path = rows[i].path, .token = rival.token, .body = body },
				NULL);
		}
		expect_same(rows[i].path, rows[i].code, replies[0], replies[1]);
		expect(has_text(replies[0], "/errors/0/code", rows[i].code));
	}
	expect(same_body(get(&rival, "/v1/lots?product_id=%s", foreign.product),
		get(&rival, "/v1/lots?product_id=%s", unknown.product)));
}
END_TEST

/* That a GTIN is somebody's is public, for it stands on the goods; whose it is, is not said. */
START_TEST(a_gtin_that_is_taken_says_nothing_of_its_owner)
{
	const struct things foreign = things_made(&producer);
	const struct reply *r =
		post(&rival, "/v1/products", "{'name':'x','commodity':'y','gtin':'%s'}", foreign.gtin);

	expect(is_problem(r, 409, "gtin_taken"));
	expect(!strstr(r->body, foreign.product) && !strstr(r->body, producer.organization));
	expect(!strstr(r->body, "Huerta"));
}
END_TEST

/* --- lists --- */

static bool is_list(const struct way *w)
{
	for (size_t i = 0; i < route_count; i++)
		if (routes[i].method == HTTP_GET && w->method == HTTP_GET &&
			strcmp(routes[i].path, w->route) == 0)
			return routes[i].output.list && !way_has_thing(w);
	return false;
}

START_TEST(no_cursor_opens_anothers_list)
{
	const struct things foreign = things_made(&producer);
	const struct actor stranger = make_producer();
	const char *const cursors[] = {
		reply_text(get(&producer, "/v1/products?limit=1"), "/next_cursor"),
		reply_text(get(&producer, "/v1/locations?limit=1"), "/next_cursor"),
		reply_text(get(&admin, "/v1/audit?limit=1"), "/next_cursor"),
		"_____________________w", /* the highest there is */
		"AAAAAAAAAAAAAAAAAAAAAQ",
	};

	make_lot(&producer);
	for_each_way(w)
	{
		if (!is_list(w) || !strstr(w->who, "PRODUCER") || strncmp(w->route, "/v1/me/", 7) == 0)
			continue; /* of one's sessions there is always one: check_my_sessions.c */
		for (size_t i = 0; i < ARRAY_SIZE(cursors); i++) {
			ck_assert_ptr_nonnull(cursors[i]);
			const struct reply *r =
				get(&stranger, "%s?limit=200&cursor=%s", w->route, cursors[i]);
			expect(answered(r, 200));
			expect(has_count(r, "/items", 0));
			expect(has_null(r, "/next_cursor"));
		}
		/* A position within a lot's events is none of a list of things, nor the other way round. */
		expect(is_problem(get(&stranger, "%s?cursor=AAAAAAAAAAE", w->route), 400, "bad_cursor"));
	}
	expect(is_problem(
		get(&producer, "/v1/lots/%s/events?cursor=%s", foreign.lot, cursors[3]), 400, "bad_cursor"));
	expect(is_problem(
		get(&stranger, "/v1/lots/%s/events?cursor=AAAAAAAAAAE", foreign.lot), 404, "not_found"));
}
END_TEST

/* --- what is not the client's to say --- */

static const struct input *input_of(const struct way *w)
{
	for (size_t i = 0; i < route_count; i++)
		if (routes[i].method == w->method && strcmp(routes[i].path, w->route) == 0)
			return routes[i].input;
	return NULL;
}

static bool takes(const struct input *input, const char *name)
{
	for (const struct field *f = input->fields; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return true;
	return false;
}

START_TEST(a_body_sets_nothing_that_is_not_listed)
{
	static const char *const names[] = { "id", "organization_id", "role", "approved", "version", "status",
		"user_id", "active", "password_hash", "password_due", "created_at", "recorded_at",
		"public_code", "hash", "position", "event_count", "chain_head", "lot_id", "owner" };
	const struct things own = things_made(&rival);

	for_each_way(w)
	{
		for (size_t i = 0; w->body && i < ARRAY_SIZE(names); i++) {
			if (takes(input_of(w), names[i]))
				continue;
			struct call call = way_call(w, w->who ? who_may(w) : &buyer, &own, &own);
			call.body = TEXT("{\"%s\":\"%s\",%s", names[i], rival.organization, call.body + 1);
			const struct reply *r = client_call(client(), &call);
			expect(has_only_fault(r, TEXT("/%s", names[i]), "unknown_field"));
		}
	}
}
END_TEST

/* --- a key, and a right that has ended --- */

static const struct reply *once(const struct actor *who, const char *path, const char *body, const char *key)
{
	return CALL(.path = path, .token = who->token, .body = body, .key = key);
}

/* What was answered once is that user's, and no more is told than then; who may not ask any more is told nothing. */
START_TEST(a_replay_is_for_who_may_still_ask)
{
	static const struct {
		const char *sql;
		int status;
		const char *code;
	} rows[] = {
		{ "UPDATE app_user SET role = 'BUYER' WHERE id = '%s'", 403, "forbidden" },
		{ "UPDATE organization SET approved = false WHERE id = (SELECT organization_id FROM app_user "
		  "WHERE id "
		  "= '%s')",
			403, "organization_not_approved" },
		{ "UPDATE app_user SET password_due = true WHERE id = '%s'", 403,
			"password_change_required" },
		{ "UPDATE app_user SET active = false WHERE id = '%s'", 401, "unauthenticated" },
		{ "UPDATE session SET revoked_at = now() WHERE user_id = '%s'", 401, "unauthenticated" },
	};
	const char *body = json("{'name':'Mango','commodity':'mango'}");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct actor who = make_producer();
		const char *key = new_code("key-");
		const struct reply *first = once(&who, "/v1/products", body, key);
		expect(answered(first, 201));
		expect(same_body(once(&who, "/v1/products", body, key), first));
		sql(rows[i].sql, who.id);
		/* At once, while a copy of the session may still say otherwise. */
		expect(is_problem(once(&who, "/v1/products", body, key), rows[i].status, rows[i].code));
		/* Nor whether the key was used for something else. */
		expect(is_problem(
			once(&who, "/v1/products", TEXT("%s ", body), key), rows[i].status, rows[i].code));
	}
}
END_TEST

START_TEST(a_replay_after_a_grant_has_ended_tells_what_was_told)
{
	const struct made_lot lot = make_lot(&producer);
	const char *path = TEXT("/v1/lots/%s/events", lot.id), *key = new_code("key-"),
		   *body = json("{'kind':'PACKAGING','at':'2026-05-01T10:00:00Z'}");

	grant(lot.id, &packer, "record");
	const struct reply *first = once(&packer, path, body, key);
	expect(answered(first, 201));
	record(&producer, &lot, "HARVEST", "2026-05-01T11:00:00Z", "");
	expect(answered(take_away(&producer, "/v1/lots/%s/grants/%s", lot.id, packer.organization), 204));
	const struct reply *again = once(&packer, path, body, key);
	expect(same_body(again, first));
	expect(has_header(again, "Idempotency-Replayed", "true"));
	expect(is_problem(once(&packer, path, body, new_code("key-")), 404, "not_found"));
	expect(is_problem(get(&packer, "%s", path), 404, "not_found"));
}
END_TEST

/* --- two ports --- */

START_TEST(the_operators_port_and_the_public_one_have_nothing_of_each_other)
{
	const struct things there = things_made(&producer);

	for (size_t i = 0; i < route_count; i++) {
		bool health = strcmp(routes[i].path, "/livez") == 0 || strcmp(routes[i].path, "/readyz") == 0;
		if (health)
			continue;
		const char *path = routes[i].path;
		if (!routes[i].ops)
			path = way_call(way_of(routes[i].method, path), NULL, &there, &there).path;
		const struct reply *r = CALL(.method = http_method_name(routes[i].method), .path = path,
			.token = admin.token, .ops = !routes[i].ops);
		expect(is_problem(r, 404, "not_found"));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_id_of_anothers_is_answered_as_one_of_nobodys,
		an_id_that_is_none_is_answered_as_one_of_nobodys,
		what_a_path_takes_is_said_of_the_path_alone,
		a_reference_to_anothers_is_refused_as_one_to_nobodys,
		a_gtin_that_is_taken_says_nothing_of_its_owner,
		no_cursor_opens_anothers_list,
		a_body_sets_nothing_that_is_not_listed,
		a_replay_is_for_who_may_still_ask,
		a_replay_after_a_grant_has_ended_tells_what_was_told,
		the_operators_port_and_the_public_one_have_nothing_of_each_other,
	};

	return world_run("foreign", tests, ARRAY_SIZE(tests));
}
