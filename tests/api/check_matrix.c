/*
 * Who may do what, whole: each route, asked by each kind of user, of what is theirs, granted, another's or nobody's. What the
 * answer must be is worked out here from the rules as ways.c states them; the service's own policy is not asked.
 */
#include <stdio.h>
#include <string.h>

#include "api/routes.h"
#include "base/hex.h"
#include "crypto/random.h"
#include "expect.h"
#include "session/session.h"
#include "ways.h"

/* --- who asks --- */

/* What is wrong with a session: nothing, or there is none. */
enum session_state { IN_FORCE, ABSENT, MADE_UP, NO_TOKEN_AT_ALL, EXPIRED, LOGGED_OUT, SWITCHED_OFF };

struct asker {
	const char *name, *role;
	enum session_state session;
	bool unapproved, password_due;
	struct actor actor;
	struct things own; /* of the same organization; of somebody's where there is none */
};

static const struct asker strangers[] = {
	{ "nobody", "PRODUCER", .session = ABSENT },
	{ "a token that was never given out", "ADMIN", .session = MADE_UP },
	{ "a text that is no token", "ADMIN", .session = NO_TOKEN_AT_ALL },
	{ "an expired session", "PRODUCER", .session = EXPIRED },
	{ "a session that was logged out", "PRODUCER", .session = LOGGED_OUT },
	{ "a user switched off", "ADMIN", .session = SWITCHED_OFF },
};

static const struct asker members[] = {
	{ "a producer", "PRODUCER", .session = IN_FORCE },
	{ "a packer", "PACKER", .session = IN_FORCE },
	{ "an exporter", "EXPORTER", .session = IN_FORCE },
	{ "a certifier", "CERTIFIER", .session = IN_FORCE },
	{ "a buyer", "BUYER", .session = IN_FORCE },
	{ "an administrator", "ADMIN", .session = IN_FORCE },
	{ "a producer not approved", "PRODUCER", .unapproved = true },
	{ "a packer not approved", "PACKER", .unapproved = true },
	{ "a producer whose password is due", "PRODUCER", .password_due = true },
	{ "an administrator whose password is due", "ADMIN", .password_due = true },
	{ "a newcomer whose password is due", "PRODUCER", .unapproved = true, .password_due = true },
};

#define for_each_kind(k, table) for (const struct asker *k = table; k < (table) + ARRAY_SIZE(table); k++)

static void spoil(struct asker *a)
{
	static const char *const sql_of[] = {
		[EXPIRED] = "UPDATE session SET access_expires_at = now() WHERE user_id = '%s'",
		[SWITCHED_OFF] = "UPDATE app_user SET active = false WHERE id = '%s'",
	};
	char token[44];

	random_base62(token, sizeof token - 1);
	if (a->session == ABSENT)
		a->actor.token[0] = '\0';
	else if (a->session == MADE_UP)
		snprintf(a->actor.token, sizeof a->actor.token, "%s", token);
	else if (a->session == NO_TOKEN_AT_ALL)
		snprintf(a->actor.token, sizeof a->actor.token, "null");
	else if (a->session == LOGGED_OUT) {
		expect(answered(get(&a->actor, "/v1/me"), 200)); /* there was a copy in Redis */
		expect(answered(post(&a->actor, "/v1/auth/logout", " "), 204));
	} else if (a->session != IN_FORCE) {
		sql(sql_of[a->session], a->actor.id);
	}
}

/* A session as a login makes it, without the time that a password's hash takes: many are needed here. */
static void open_session(struct actor *who)
{
	uint8_t access[SHA256_SIZE], refresh[SHA256_SIZE];
	char access_hex[HEX_SIZE(SHA256_SIZE)], refresh_hex[HEX_SIZE(SHA256_SIZE)];

	token_new(who->token, access);
	token_new(who->refresh, refresh);
	hex_encode(access, sizeof access, access_hex);
	hex_encode(refresh, sizeof refresh, refresh_hex);
	sql("INSERT INTO session VALUES (gen_random_uuid(), '%s', '\\x%s', now() + interval '15 min', "
	    "'\\x%s',"
	    " now() + interval '7 days', now(), now())",
		who->id, access_hex, refresh_hex);
}

/* Another user just like that one, in the same organization, with a session of its own. */
static struct actor twin_of(const struct asker *a, const char *organization)
{
	struct actor twin = make_user(a->role, strcmp(a->role, "ADMIN") == 0 ? "" : organization);

	if (a->password_due)
		sql("UPDATE app_user SET password_due = true WHERE id = '%s'", twin.id);
	open_session(&twin);
	return twin;
}

/* With an organization; one who has things of their own has them of it. */
static struct asker make_asker(const struct asker *kind, bool has_things)
{
	struct asker a = *kind;
	char organization[UUID_TEXT_SIZE];

	bool admin_role = strcmp(a.role, "ADMIN") == 0; /* of which no organization is */
	make_organization(new_code("Org "), admin_role ? "BUYER" : a.role, !a.unapproved, organization);
	if (has_things) {
		a.own = things_made(&producer);
		things_give(&a.own, organization);
		a.own.session = NULL;
	}
	a.actor = twin_of(&a, organization);
	spoil(&a);
	return a;
}

/* --- of what --- */

enum relation { ONES_OWN, MAY_READ, MAY_RECORD, ANOTHERS, NOBODYS, NO_ID_AT_ALL };

static struct things things_of(const struct asker *a, enum relation relation)
{
	if (relation == ONES_OWN)
		return a->own;
	if (relation == NOBODYS)
		return things_unknown();
	if (relation == NO_ID_AT_ALL)
		return things_malformed();
	struct things t = things_made(&rival);
	if (relation != ANOTHERS && *a->actor.organization)
		grant(t.lot, &a->actor, relation == MAY_READ ? "read" : "record");
	return t;
}

/* --- what the answer must be --- */

struct verdict {
	int status;
	const char *code; /* NULL: it is done */
};

/* Session, then role, then what the user still owes; all of it before a byte of the body is looked at. */
static struct verdict admitted(const struct way *w, const struct asker *a)
{
	if (!w->who)
		return (struct verdict){ w->status, NULL };
	if (a->session != IN_FORCE)
		return (struct verdict){ 401, "unauthenticated" };
	if (!strstr(w->who, a->role))
		return (struct verdict){ 403, "forbidden" };
	if (a->password_due && !w->password_due)
		return (struct verdict){ 403, "password_change_required" };
	if (a->unapproved && w->approved && strcmp(a->role, "PRODUCER") == 0)
		return (struct verdict){ 403, "organization_not_approved" };
	return (struct verdict){ w->status, NULL };
}

/* Then whose it is. */
static struct verdict expected(const struct way *w, const struct asker *a, enum relation relation)
{
	static const struct verdict not_found = { 404, "not_found" }, wrong_kind = { 403, "kind_forbidden" };
	const struct verdict first = admitted(w, a);
	bool granted = relation == MAY_READ || relation == MAY_RECORD;

	if (first.code || !way_has_thing(w))
		return first;
	if (relation == NOBODYS || relation == NO_ID_AT_ALL)
		return not_found;
	if (w->reach == PERSONAL && relation != ONES_OWN)
		return not_found;
	if (w->reach == EVERY || relation == ONES_OWN || strcmp(a->role, "ADMIN") == 0)
		return first;
	if (w->reach == OWN || !granted)
		return not_found;
	if (w->reach == RECORDED && (relation == MAY_READ || strcmp(a->role, "PRODUCER") == 0))
		return wrong_kind;
	return first;
}

static void expect_verdict(const struct way *w, const struct asker *a, const char *of, const struct reply *r,
	struct verdict wanted)
{
	bool right = wanted.code ? is_problem(r, wanted.status, wanted.code) : answered(r, wanted.status);

	ck_assert_msg(right, "%s, asked by %s of %s: not %d %s but\n%s", way_name(w), a->name, of,
		wanted.status, wanted.code ? wanted.code : "", last_asked());
}

/* --- asking --- */

/* One call by that asker; where it trades a refresh token or ends a session, with those of a twin. */
static struct call call_by(const struct way *w, const struct asker *a, const struct things *at)
{
	struct actor who = a->actor;

	if (a->session == IN_FORCE && w->uses_up)
		who = twin_of(a, a->actor.organization);
	else if (!w->who && w->body)
		who = twin_of(&members[0], producer.organization);
	struct call call = way_call(w, &who, at, &a->own);
	const char *token = w->who ? who.token : a->actor.token;
	call.token = *token ? TEXT("%s", token) : NULL;
	return call;
}

static void ask_everything(const struct asker *a, const struct things *at, enum relation relation)
{
	static const char *const of[] = { "their own", "what they may read", "what they may record on",
		"another's", "nobody's", "no id at all" };

	for_each_way(w)
	{
		if (relation != ONES_OWN && !way_has_thing(w))
			continue;
		const struct call call = call_by(w, a, at);
		expect_verdict(w, a, of[relation], client_call(client(), &call), expected(w, a, relation));
	}
}

static void let_everybody_ask(enum relation relation)
{
	for_each_kind(k, members)
	{
		const struct asker a = make_asker(k, relation == ONES_OWN);
		const struct things at = things_of(&a, relation);
		ask_everything(&a, &at, relation);
	}
}

START_TEST(every_public_route_has_a_way_and_every_way_a_route)
{
	size_t public = 0;

	for (size_t i = 0; i < route_count; i++) {
		public += !routes[i].ops;
		ck_assert_msg(routes[i].ops || way_of(routes[i].method, routes[i].path),
			"%s %s: ways.c does not say who may", http_method_name(routes[i].method),
			routes[i].path);
	}
	ck_assert_uint_eq(public, way_count);
}
END_TEST

START_TEST(without_a_session_only_what_is_public)
{
	const struct things there = things_made(&producer);

	for_each_kind(k, strangers)
	{
		struct asker a = make_asker(k, false);
		a.own = there;
		ask_everything(&a, &there, ONES_OWN);
	}
}
END_TEST

START_TEST(of_what_is_ones_own)
{
	let_everybody_ask(ONES_OWN);
}
END_TEST

START_TEST(of_what_one_may_read)
{
	let_everybody_ask(MAY_READ);
}
END_TEST

START_TEST(of_what_one_may_record_on)
{
	let_everybody_ask(MAY_RECORD);
}
END_TEST

START_TEST(of_what_is_anothers)
{
	let_everybody_ask(ANOTHERS);
}
END_TEST

START_TEST(of_what_is_nobodys)
{
	let_everybody_ask(NOBODYS);
}
END_TEST

START_TEST(of_what_has_no_id_at_all)
{
	let_everybody_ask(NO_ID_AT_ALL);
}
END_TEST

START_TEST(head_is_answered_as_get_is)
{
	const struct things others = things_made(&rival);

	for_each_kind(k, members)
	{
		const struct asker a = make_asker(k, false);
		for_each_way(w)
		{
			if (w->method != HTTP_GET)
				continue;
			struct call call = call_by(w, &a, &others);
			call.method = "HEAD";
			const struct reply *r = client_call(client(), &call);
			expect(answered(r, expected(w, &a, ANOTHERS).status));
			ck_assert_uint_eq(r->length, 0);
		}
	}
}
END_TEST

/* --- the order: who, before what --- */

static const struct input *input_of(const struct way *w)
{
	for (size_t i = 0; i < route_count; i++)
		if (!routes[i].ops && routes[i].method == w->method && strcmp(routes[i].path, w->route) == 0)
			return routes[i].input;
	return NULL;
}

/* The same refusal as with a good body or query; and whoever may, is told of the fault and not whether the thing is there. */
static void expect_fault_after_right(
	const struct way *w, const struct asker *a, const struct things *at, bool in_query)
{
	struct call call = call_by(w, a, at);
	struct verdict wanted = admitted(w, a);

	if (in_query)
		call.path = TEXT("%s?limit=x", call.path);
	else
		call.body = "{";
	if (!wanted.code)
		wanted = (struct verdict){ 400, in_query ? "bad_query" : "bad_json" };
	expect_verdict(w, a, "something, with a fault", client_call(client(), &call), wanted);
}

START_TEST(nobody_is_told_of_a_fault_who_may_not_ask)
{
	const struct things others = things_made(&rival), nobodys = things_unknown();
	const struct things *const at[] = { &others, &nobodys };

	for_each_kind(k, members)
	{
		const struct asker a = make_asker(k, false);
		for_each_way(w)
		{
			const struct input *input = input_of(w);
			size_t count = way_has_thing(w) ? ARRAY_SIZE(at) : 1;
			for (size_t i = 0; input && i < count; i++)
				expect_fault_after_right(w, &a, at[i], input->in_query);
		}
	}
}
END_TEST

START_TEST(nobody_is_told_of_a_fault_who_has_no_session)
{
	const struct things there = things_made(&producer);
	const struct asker nobody = make_asker(&strangers[0], false);

	for_each_way(w)
	{
		if (input_of(w))
			expect_fault_after_right(w, &nobody, &there, input_of(w)->in_query);
	}
}
END_TEST

/* --- event kinds --- */

START_TEST(who_records_what_is_as_agreed)
{
	static const struct {
		const char *kind, *who;
	} rows[] = {
		{ "HARVEST", "PRODUCER" },
		{ "PROCESSING", "PRODUCER PACKER" },
		{ "QUALITY_INSPECTION", "CERTIFIER" },
		{ "PACKAGING", "PRODUCER PACKER" },
		{ "TRANSPORT_START", "PRODUCER EXPORTER" },
		{ "TRANSPORT_ARRIVAL", "EXPORTER" },
		{ "CUSTOMS_CLEARANCE", "EXPORTER" },
		{ "DELIVERY", "BUYER" },
	};
	static const enum relation relations[] = { ONES_OWN, MAY_READ, MAY_RECORD, ANOTHERS, NOBODYS,
		NO_ID_AT_ALL };
	const struct way *w = way_of(HTTP_POST, "/v1/lots/{id}/events");

	for_each_kind(kind, members)
	{
		const struct asker a = make_asker(kind, true);
		for (size_t r = 0; r < ARRAY_SIZE(relations); r++) {
			const struct things at = things_of(&a, relations[r]);
			for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
				struct call call = call_by(w, &a, &at);
				struct verdict wanted = expected(w, &a, relations[r]);
				bool theirs = strstr(rows[k].who, a.role),
				     delivery = k == ARRAY_SIZE(rows) - 1;
				call.body = json("{'kind':'%s','at':'2026-05-01T1%zu:00:00Z'%s}",
					rows[k].kind, k, delivery ? ",'result':'accepted'" : "");
				if (!admitted(w, &a).code && !theirs) /* whatever the lot */
					wanted = (struct verdict){ 403, "kind_forbidden" };
				expect_verdict(w, &a, rows[k].kind, client_call(client(), &call), wanted);
			}
		}
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_public_route_has_a_way_and_every_way_a_route,
		without_a_session_only_what_is_public,
		of_what_is_ones_own,
		of_what_one_may_read,
		of_what_one_may_record_on,
		of_what_is_anothers,
		of_what_is_nobodys,
		of_what_has_no_id_at_all,
		head_is_answered_as_get_is,
		nobody_is_told_of_a_fault_who_may_not_ask,
		nobody_is_told_of_a_fault_who_has_no_session,
		who_records_what_is_as_agreed,
	};

	return world_run("matrix", tests, ARRAY_SIZE(tests));
}
