/* Holds, recalls and releases: what an administrator does to a lot, and what that does to everybody else. */
#include <string.h>

#include "expect.h"
#include "world.h"

static const char *path_of(const struct made_lot *lot)
{
	return TEXT("/v1/lots/%s", lot->id);
}

static const struct reply *set_status(const struct made_lot *lot, long version, const char *status)
{
	return patch(&admin, path_of(lot), version, "{'status':'%s'}", status);
}

static const struct reply *shown(const struct made_lot *lot)
{
	return get(&producer, "/v1/lots/%s", lot->id);
}

static const struct reply *ship(const struct made_lot *lot, const char *at)
{
	return post(
		&producer, TEXT("/v1/lots/%s/events", lot->id), "{'kind':'TRANSPORT_START','at':'%s'}", at);
}

START_TEST(a_hold_answers_the_lot_as_it_is_now)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *before = shown(&lot);
	const struct reply *r = patch(
		&admin, path_of(&lot), 1, "{'status':'ON_HOLD','reason':'Residuo en una muestra\\n2 de 5'}");

	expect(has_header(before, "ETag", "\"1\""));
	expect(answered(r, 200));
	expect(has_text(r, "/status", "ON_HOLD"));
	expect(has_number(r, "/version", 2));
	expect(has_header(r, "ETag", "\"2\""));
	expect(same_body(shown(&lot), r));
	expect(has_header(shown(&lot), "ETag", "\"2\""));
	/* Nothing else has changed. */
	cJSON *was = cJSON_Duplicate(before->json, true);
	cJSON_ReplaceItemInObject(was, "status", cJSON_CreateString("ON_HOLD"));
	cJSON_ReplaceItemInObject(was, "version", cJSON_CreateNumber(2));
	bool same = cJSON_Compare(was, r->json, true);
	cJSON_Delete(was);
	expect(same);
	ck_assert_str_eq(
		sql_text("SELECT reason FROM audit WHERE object_id = '%s' AND action LIKE 'PATCH%%'", lot.id),
		"Residuo en una muestra\n2 de 5");
}
END_TEST

/* From each status each order: the status then, or the refusal's code. */
START_TEST(what_may_follow_what)
{
	static const char *const orders[] = { "ON_HOLD", "RECALLED", "REGISTERED" };
	static const struct {
		const char *from;
		bool may_release;
	} rows[] = {
		{ "REGISTERED", true },
		{ "IN_TRANSIT", false },
		{ "ARRIVED", false },
		{ "DELIVERED", false },
		{ "REJECTED", false },
		{ "ON_HOLD", true },
		{ "RECALLED", true },
	};
	const struct made_lot lot = make_lot(&producer);
	long version = 1;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(orders); k++) {
			sql("UPDATE lot SET status = '%s' WHERE id = '%s'", rows[i].from, lot.id);
			const struct reply *r = set_status(&lot, version, orders[k]);
			bool may = rows[i].may_release || strcmp(orders[k], "REGISTERED") != 0;
			expect(may ? has_text(r, "/status", orders[k]) : is_problem(r, 409, "lot_not_held"));
			version += may;
			expect(has_text(shown(&lot), "/status", may ? orders[k] : rows[i].from));
			expect(has_number(shown(&lot), "/version", version));
		}
	}
}
END_TEST

START_TEST(only_the_version_that_was_read_is_changed)
{
	const struct made_lot lot = make_lot(&producer);

	expect(is_problem(set_status(&lot, 0, "ON_HOLD"), 428, "precondition_required"));
	expect(is_problem(set_status(&lot, 2, "ON_HOLD"), 412, "precondition_failed"));
	record(&producer, &lot, "HARVEST", "2026-05-01T10:00:00Z", ""); /* an event is a version too */
	expect(is_problem(set_status(&lot, 1, "ON_HOLD"), 412, "precondition_failed"));
	expect(has_text(shown(&lot), "/status", "REGISTERED"));
	expect(has_number(set_status(&lot, 2, "ON_HOLD"), "/version", 3));
	expect(is_problem(set_status(&lot, 2, "ON_HOLD"), 412, "precondition_failed"));
	expect(has_number(set_status(&lot, ANY_VERSION, "RECALLED"), "/version", 4));
	/* Which version it is matters before whether it is held. */
	expect(is_problem(set_status(&lot, 9, "REGISTERED"), 412, "precondition_failed"));
}
END_TEST

START_TEST(what_it_takes)
{
	static const struct {
		const char *body, *pointer, *code;
	} rows[] = {
		{ "{}", "/status", "required" },
		{ "{'reason':'x'}", "/status", "required" },
		{ "{'status':null}", "/status", "required" },
		{ "{'status':'IN_TRANSIT'}", "/status", "not_in_list" },
		{ "{'status':'on_hold'}", "/status", "not_in_list" },
		{ "{'status':1}", "/status", "wrong_type" },
		{ "{'status':'ON_HOLD','reason':''}", "/reason", "too_short" },
		{ "{'status':'ON_HOLD','reason':'a\\u0007'}", "/reason", "bad_character" },
		{ "{'status':'ON_HOLD','reason':5}", "/reason", "wrong_type" },
		{ "{'status':'ON_HOLD','quantity':1}", "/quantity", "unknown_field" },
	};
	const struct made_lot lot = make_lot(&producer);
	char longest[502];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_only_fault(
			patch(&admin, path_of(&lot), 1, "%s", rows[i].body), rows[i].pointer, rows[i].code));
	memset(longest, 'x', 501);
	longest[501] = '\0';
	expect(has_only_fault(patch(&admin, path_of(&lot), 1, "{'status':'ON_HOLD','reason':'%s'}", longest),
		"/reason", "too_long"));
	expect(has_number(shown(&lot), "/version", 1));
	expect(answered(
		patch(&admin, path_of(&lot), 1, "{'status':'ON_HOLD','reason':'%s'}", longest + 1), 200));
}
END_TEST

START_TEST(an_administrator_alone_may)
{
	const struct made_lot lot = make_lot(&producer);
	const struct actor *const others[] = { &producer, &rival, &newcomer, &packer, &exporter, &certifier,
		&buyer };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		expect(is_problem(
			patch(others[i], path_of(&lot), 1, "{'status':'ON_HOLD'}"), 403, "forbidden"));
	expect(is_problem(patch(NULL, path_of(&lot), 1, "{'status':'ON_HOLD'}"), 401, "unauthenticated"));
	expect(is_problem(
		patch(&admin, "/v1/lots/018f0000-0000-7000-8000-00000000ffff", 1, "{'status':'ON_HOLD'}"),
		404, "not_found"));
	expect(is_problem(patch(&admin, "/v1/lots/7", 1, "{'status':'ON_HOLD'}"), 404, "not_found"));
	expect(is_problem(
		patch(&admin, "/v1/lots/00000000-0000-0000-0000-000000000000", 1, "{'status':'ON_HOLD'}"),
		404, "not_found"));
	expect(has_number(shown(&lot), "/version", 1));
}
END_TEST

/* The lock is asked of PostgreSQL, not of the session's copy in Redis. */
START_TEST(who_is_no_longer_administrator_holds_nothing)
{
	const struct made_lot lot = make_lot(&producer);
	struct actor former = make_user("ADMIN", "");

	log_in(&former);
	expect(answered(get(&former, "/v1/lots/%s", lot.id), 200));
	sql("UPDATE app_user SET role = 'BUYER', organization_id = '%s' WHERE id = '%s'", buyer.organization,
		former.id);
	expect(is_problem(patch(&former, path_of(&lot), 1, "{'status':'ON_HOLD'}"), 403, "forbidden"));
	expect(has_text(shown(&lot), "/status", "REGISTERED"));
}
END_TEST

START_TEST(what_is_held_ships_nowhere_until_it_is_released)
{
	static const struct {
		const char *status, *code;
	} rows[] = { { "ON_HOLD", "lot_held" }, { "RECALLED", "lot_recalled" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct made_lot lot = make_lot(&producer);
		expect(answered(set_status(&lot, 1, rows[i].status), 200));
		expect(is_problem(ship(&lot, "2026-05-02T10:00:00Z"), 409, rows[i].code));
		record(&producer, &lot, "PACKAGING", "2026-05-02T11:00:00Z", "");
		expect(answered(set_status(&lot, 3, "REGISTERED"), 200));
		expect(answered(ship(&lot, "2026-05-02T12:00:00Z"), 201));
		expect(has_text(shown(&lot), "/status", "IN_TRANSIT"));
		expect(has_bool(get(&producer, "/v1/lots/%s/verify", lot.id), "/valid", true));
	}
}
END_TEST

START_TEST(a_release_leaves_the_time_of_the_last_event)
{
	const struct made_lot lot = make_lot(&producer);

	expect(answered(ship(&lot, "2026-05-05T10:00:00Z"), 201));
	expect(answered(set_status(&lot, 2, "ON_HOLD"), 200));
	expect(answered(set_status(&lot, 3, "REGISTERED"), 200));
	/* Told late: it happened before the event that moved the lot last. */
	expect(answered(ship(&lot, "2026-05-04T10:00:00Z"), 201));
	expect(has_text(shown(&lot), "/status", "REGISTERED"));
	expect(answered(ship(&lot, "2026-05-06T10:00:00Z"), 201));
	expect(has_text(shown(&lot), "/status", "IN_TRANSIT"));
}
END_TEST

START_TEST(the_public_sees_a_recall)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *before = get(NULL, "/t/%s", lot.public_code);

	expect(has_text(before, "/lot/status", "REGISTERED"));
	expect(answered(patch(&admin, path_of(&lot), 1, "{'status':'RECALLED','reason':'secret'}"), 200));
	const struct reply *after = get(NULL, "/t/%s", lot.public_code);
	expect(has_text(after, "/lot/status", "RECALLED"));
	expect(has_header(after, "Cache-Control", "public, max-age=60"));
	ck_assert_str_ne(reply_header(before, "ETag"), reply_header(after, "ETag"));
	ck_assert_ptr_null(strstr(after->body, "secret"));
	expect(has_text(get(NULL, "/01/%s/10/%s", lot.gtin, lot.code), "/lot/status", "RECALLED"));
	expect(has_count(get(&producer, "/v1/lots?status=RECALLED&code=%s", lot.code), "/items", 1));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_hold_answers_the_lot_as_it_is_now,
		what_may_follow_what,
		only_the_version_that_was_read_is_changed,
		what_it_takes,
		an_administrator_alone_may,
		who_is_no_longer_administrator_holds_nothing,
		what_is_held_ships_nowhere_until_it_is_released,
		a_release_leaves_the_time_of_the_last_event,
		the_public_sees_a_recall,
	};

	return world_run("lot status", tests, ARRAY_SIZE(tests));
}
