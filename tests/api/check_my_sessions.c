/* Where one is logged in: each login once, the one that asks marked, and each of them one's own to end. */
#include <string.h>

#include "expect.h"
#include "world.h"

static struct actor make(void)
{
	struct actor who = make_user("EXPORTER", exporter.organization);

	log_in(&who);
	return who;
}

static const char *current_id(const struct actor *who)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, reply_at(get(who, "/v1/me/sessions?limit=200"), "/items"))
	{
		if (cJSON_IsTrue(cJSON_GetObjectItem(item, "current")))
			return cJSON_GetStringValue(cJSON_GetObjectItem(item, "id"));
	}
	ck_abort_msg("no session asks");
}

START_TEST(each_login_is_listed_newest_first_and_the_one_that_asks_is_marked)
{
	struct actor first = make(), second = first;

	log_in(&second);
	const struct reply *r = get(&first, "/v1/me/sessions");
	expect(answered(r, 200));
	expect(has_count(r, "/items", 2));
	expect(has_null(r, "/next_cursor"));
	expect(has_members(r, "/items/0", "id current created_at refreshed_at expires_at"));
	expect(has_bool(r, "/items/0/current", false));
	expect(has_bool(r, "/items/1/current", true));
	expect(has_text(r, "/items/0/id", current_id(&second)));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM session WHERE id = '%s' AND user_id = '%s' AND"
				    " refresh_expires_at - created_at = interval '7 days'",
				 reply_text(r, "/items/1/id"), first.id),
		1);
}
END_TEST

START_TEST(no_token_nor_its_hash_is_shown)
{
	const struct actor who = make();
	const struct reply *r = get(&who, "/v1/me/sessions");

	ck_assert_ptr_null(strstr(r->body, who.token));
	ck_assert_ptr_null(strstr(r->body, who.refresh));
	ck_assert_ptr_null(strstr(r->body,
		sql_text("SELECT encode(access_hash, 'hex') FROM session WHERE user_id = '%s'", who.id)));
}
END_TEST

START_TEST(new_tokens_make_no_new_session)
{
	struct actor who = make();
	const char *id = current_id(&who);
	const struct reply *r = post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", who.refresh);

	expect(answered(r, 200));
	const struct reply *list = CALL(.path = "/v1/me/sessions", .token = reply_text(r, "/access_token"));
	expect(has_count(list, "/items", 1));
	expect(has_text(list, "/items/0/id", id));
	ck_assert_str_gt(reply_text(list, "/items/0/refreshed_at"), reply_text(list, "/items/0/created_at"));
}
END_TEST

START_TEST(pages_show_each_once_and_only_what_is_in_force)
{
	enum { COUNT = 5 };
	struct actor who = make(), logged_out = who;
	const char *cursor = "", *seen = "";

	log_in(&logged_out);
	expect(answered(CALL(.method = "POST", .path = "/v1/auth/logout", .token = logged_out.token), 204));
	sql("INSERT INTO session SELECT gen_random_uuid(), '%s', sha256(convert_to('%s' || i, 'UTF8')), "
	    "now(),"
	    " sha256(convert_to('%s r' || i, 'UTF8')), now() + i * interval '1 hour', now(), now()"
	    " FROM generate_series(0, %d) i", /* the first has expired */
		who.id, who.id, who.id, COUNT - 1);
	const char *all =
		sql_text("SELECT string_agg(id::text, ' ' ORDER BY id DESC) FROM session WHERE user_id = '%s'"
			 " AND revoked_at IS NULL AND refresh_expires_at > now()",
			who.id);
	while (cursor) {
		const struct reply *r = get(&who, "/v1/me/sessions?limit=2%s", cursor);
		for (int i = 0; i < cJSON_GetArraySize(reply_at(r, "/items")); i++)
			seen = TEXT("%s%s%s", seen, *seen ? " " : "", reply_text(r, TEXT("/items/%d/id", i)));
		cursor = has_null(r, "/next_cursor") ? NULL
						     : TEXT("&cursor=%s", reply_text(r, "/next_cursor"));
	}
	ck_assert_str_eq(seen, all);
}
END_TEST

START_TEST(ending_one_is_in_force_at_once_and_leaves_the_others)
{
	struct actor here = make(), there = here;

	log_in(&there);
	const char *id = current_id(&there); /* which leaves a copy in Redis */
	const struct reply *r = take_away(&here, "/v1/me/sessions/%s", id);
	expect(answered(r, 204));
	expect(is_problem(get(&there, "/v1/me"), 401, "unauthenticated"));
	expect(is_problem(
		post(&there, "/v1/locations", "{'name':'x','kind':'PORT'}"), 401, "unauthenticated"));
	expect(is_problem(post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", there.refresh), 401,
		"unauthenticated"));
	expect(answered(get(&here, "/v1/me"), 200));
	expect(has_count(get(&here, "/v1/me/sessions"), "/items", 1));
	expect(is_problem(
		take_away(&here, "/v1/me/sessions/%s", id), 404, "not_found")); /* it is none any more */
}
END_TEST

START_TEST(ending_the_one_that_asks_is_a_logout)
{
	struct actor who = make();

	expect(answered(take_away(&who, "/v1/me/sessions/%s", current_id(&who)), 204));
	expect(is_problem(get(&who, "/v1/me"), 401, "unauthenticated"));
	expect(is_problem(post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", who.refresh), 401,
		"unauthenticated"));
}
END_TEST

/* Whoever knows the password can make no more of them than can be ended at once. */
START_TEST(a_login_too_many_ends_the_oldest_at_once)
{
	struct actor oldest = make(), newest = oldest;

	sql("INSERT INTO session SELECT (left('%s', 24) || to_hex((1::bigint << 48) - i))::uuid, '%s',"
	    " sha256(convert_to('%s' || i, 'UTF8')), now() + interval '1 hour',"
	    " sha256(convert_to('%s r' || i, 'UTF8')), now() + interval '1 hour', now(), now()"
	    " FROM generate_series(1, 999) i",
		current_id(&oldest), oldest.id, oldest.id, oldest.id);
	expect(answered(get(&oldest, "/v1/me"), 200)); /* which leaves a copy in Redis */
	log_in(&newest);
	expect(is_problem(get(&oldest, "/v1/me"), 401, "unauthenticated"));
	expect(is_problem(post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", oldest.refresh), 401,
		"unauthenticated"));
	expect(answered(get(&newest, "/v1/me"), 200));
}
END_TEST

START_TEST(anothers_session_looks_like_none)
{
	const struct actor victim = make();
	const char *id = current_id(&victim);
	const struct actor *const others[] = { &exporter, &admin };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		expect(is_problem(take_away(others[i], "/v1/me/sessions/%s", id), 404, "not_found"));
		ck_assert_ptr_null(strstr(get(others[i], "/v1/me/sessions?limit=200")->body, id));
	}
	expect(is_problem(take_away(&victim, "/v1/me/sessions/%s", victim.id), 404, "not_found"));
	expect(is_problem(take_away(&victim, "/v1/me/sessions/7"), 404, "not_found"));
	expect(answered(get(&victim, "/v1/me"), 200));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_login_is_listed_newest_first_and_the_one_that_asks_is_marked,
		no_token_nor_its_hash_is_shown,
		new_tokens_make_no_new_session,
		pages_show_each_once_and_only_what_is_in_force,
		ending_one_is_in_force_at_once_and_leaves_the_others,
		ending_the_one_that_asks_is_a_logout,
		a_login_too_many_ends_the_oldest_at_once,
		anothers_session_looks_like_none,
	};

	return world_run("my sessions", tests, ARRAY_SIZE(tests));
}
