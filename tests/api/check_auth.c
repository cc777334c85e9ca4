/* Sessions: who is in, staying in and getting out. Logging in is in check_login.c. */
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "world.h"

/* Somebody new, so that what a test does to a session touches no other test. */
static struct actor make_member_of_producer(void)
{
	struct actor who = make_user("PRODUCER", producer.organization);

	log_in(&who);
	return who;
}

static const struct reply *refresh(const char *token)
{
	return post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", token);
}

static const struct reply *me(const char *token)
{
	return CALL(.path = "/v1/me", .token = token);
}

/* A write asks PostgreSQL about the session, whatever Redis remembers. */
static const struct reply *write_something(const char *token)
{
	return CALL(.path = "/v1/locations", .token = token, .body = json("{'name':'x','kind':'FARM'}"));
}

/* --- who I am --- */

START_TEST(me_is_the_user_and_the_organization)
{
	const struct reply *r = get(&newcomer, "/v1/me");

	expect(answered(r, 200));
	expect(has_members(r, "", "id email name role organization"));
	expect(has_text(r, "/id", newcomer.id));
	expect(has_text(r, "/email", newcomer.email));
	expect(has_text(r, "/name", newcomer.name));
	expect(has_text(r, "/role", "PRODUCER"));
	expect(has_members(r, "/organization", "id name kind approved"));
	expect(has_text(r, "/organization/id", newcomer.organization));
	expect(has_text(r, "/organization/name", "Huerta Nueva"));
	expect(has_bool(r, "/organization/approved", false));
	expect(has_bool(get(&producer, "/v1/me"), "/organization/approved", true));
	expect(has_null(get(&admin, "/v1/me"), "/organization"));
}
END_TEST

START_TEST(only_a_bearer_token_in_the_header_opens_a_session)
{
	static const char *const accepted[] = { "Bearer %s", "bearer %s", "BEARER %s", "Bearer  %s" };
	static const char *const refused[] = { "%s", "Basic %s", "Bearer", "Bearer %sA", "Bearer %s %s",
		"Token %s", "Bearer%s", "Bearer \"%s\"", "Bearer token=%s", "Bearer %s," };

	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		char line[256] = "Authorization: ";
		snprintf(line + 15, sizeof line - 15, accepted[i], buyer.token);
		expect(answered(CALL(.path = "/v1/me", .headers = { line }), 200));
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		char line[256] = "Authorization: ";
		snprintf(line + 15, sizeof line - 15, refused[i], buyer.token, buyer.token);
		expect(is_problem(CALL(.path = "/v1/me", .headers = { line }), 401, "unauthenticated"));
	}
	expect(is_problem(get(NULL, "/v1/me"), 401, "unauthenticated"));
	expect(is_problem(get(NULL, "/v1/me?access_token=%s", buyer.token), 401, "unauthenticated"));
	expect(is_problem(CALL(.path = "/v1/me", .headers = { TEXT("Cookie: access_token=%s", buyer.token) }),
		401, "unauthenticated"));
}
END_TEST

START_TEST(a_token_has_one_spelling)
{
	static const char *const others[] = { "", "A", "../../etc/passwd", "*", "%00", "s:*", "\xc3\xb1",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "+++++++++++++++++++++++++++++++++++++++++++",
		"///////////////////////////////////////////" };
	char twisted[80];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		expect(is_problem(me(others[i]), 401, "unauthenticated"));
	snprintf(twisted, sizeof twisted, "%s=", buyer.token);
	expect(is_problem(me(twisted), 401, "unauthenticated"));
	/* The last character holds four bits: its two lowest must be 0, not ignored. */
	snprintf(twisted, sizeof twisted, "%s", buyer.token);
	twisted[42]++;
	expect(is_problem(me(twisted), 401, "unauthenticated"));
	expect(is_problem(me(buyer.refresh), 401, "unauthenticated"));
}
END_TEST

/* --- the end of a session --- */

START_TEST(every_login_is_a_session_of_its_own)
{
	struct actor first = make_member_of_producer(), second = first;

	log_in(&second);
	ck_assert_str_ne(first.token, second.token);
	expect(answered(CALL(.method = "POST", .path = "/v1/auth/logout", .token = first.token), 204));
	expect(is_problem(write_something(first.token), 401, "unauthenticated"));
	expect(answered(write_something(second.token), 201));
}
END_TEST

START_TEST(a_refresh_replaces_both_tokens)
{
	struct actor who = make_member_of_producer();

	expect(answered(me(who.token), 200)); /* so that Redis has a copy of the old one */
	const struct reply *r = refresh(who.refresh);
	expect(answered(r, 200));
	expect(has_members(r, "", "access_token refresh_token token_type expires_in"));
	ck_assert_str_ne(reply_text(r, "/access_token"), who.token);
	ck_assert_str_ne(reply_text(r, "/refresh_token"), who.refresh);
	expect(is_problem(me(who.token), 401, "unauthenticated"));
	expect(is_problem(write_something(who.token), 401, "unauthenticated"));
	expect(answered(me(reply_text(r, "/access_token")), 200));
	expect(answered(refresh(reply_text(r, "/refresh_token")), 200));
}
END_TEST

START_TEST(a_refresh_token_used_twice_ends_the_whole_family)
{
	struct actor who = make_member_of_producer();
	const struct reply *mine = refresh(who.refresh);

	expect(answered(me(reply_text(mine, "/access_token")), 200));
	expect(is_problem(
		refresh(who.refresh), 401, "unauthenticated")); /* a thief, or the owner after the thief */
	expect(is_problem(write_something(reply_text(mine, "/access_token")), 401, "unauthenticated"));
	expect(is_problem(me(reply_text(mine, "/access_token")), 401, "unauthenticated"));
	expect(is_problem(refresh(reply_text(mine, "/refresh_token")), 401, "unauthenticated"));
}
END_TEST

START_TEST(a_reuse_long_ago_still_ends_the_family)
{
	struct actor who = make_member_of_producer();
	const struct reply *r = refresh(who.refresh);

	for (int i = 0; i < 3; i++)
		r = refresh(reply_text(r, "/refresh_token"));
	expect(answered(r, 200));
	expect(is_problem(refresh(who.refresh), 401, "unauthenticated"));
	expect(is_problem(write_something(reply_text(r, "/access_token")), 401, "unauthenticated"));
}
END_TEST

START_TEST(one_family_ends_without_the_others)
{
	struct actor phone = make_member_of_producer(), laptop = phone;

	log_in(&laptop);
	refresh(phone.refresh);
	expect(is_problem(refresh(phone.refresh), 401, "unauthenticated"));
	expect(answered(write_something(laptop.token), 201));
}
END_TEST

START_TEST(a_made_up_refresh_token_is_refused)
{
	struct actor who = make_member_of_producer();

	expect(is_problem(refresh("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 401, "unauthenticated"));
	expect(is_problem(refresh("short"), 401, "unauthenticated"));
	expect(is_problem(refresh(who.token), 401, "unauthenticated"));
	expect(has_only_fault(post(NULL, "/v1/auth/refresh", "{}"), "/refresh_token", "required"));
	expect(answered(me(who.token), 200));
}
END_TEST

START_TEST(two_refreshes_at_once_never_both_succeed)
{
	struct actor who = make_member_of_producer();
	const char *body = json("{'refresh_token':'%s'}", who.refresh);
	const struct call calls[] = { { .path = "/v1/auth/refresh", .body = body },
		{ .path = "/v1/auth/refresh", .body = body } };
	const struct reply *replies[2];

	client_call_at_once(client(), calls, 2, replies);
	int served = (replies[0]->status == 200) + (replies[1]->status == 200);
	ck_assert_int_eq(served, 1);
	ck_assert_int_eq(replies[0]->status + replies[1]->status, 200 + 401);
}
END_TEST

START_TEST(a_logout_ends_access_and_refresh)
{
	struct actor who = make_member_of_producer();

	expect(answered(me(who.token), 200));
	const struct reply *out = CALL(.method = "POST", .path = "/v1/auth/logout", .token = who.token);
	expect(answered(out, 204));
	ck_assert_uint_eq(out->length, 0);
	expect(is_problem(me(who.token), 401, "unauthenticated"));
	expect(is_problem(write_something(who.token), 401, "unauthenticated"));
	expect(is_problem(refresh(who.refresh), 401, "unauthenticated"));
	expect(is_problem(CALL(.method = "POST", .path = "/v1/auth/logout", .token = who.token), 401,
		"unauthenticated"));
}
END_TEST

START_TEST(a_logout_after_a_refresh_ends_what_came_of_it)
{
	struct actor who = make_member_of_producer();
	const struct reply *r = refresh(who.refresh);

	expect(answered(
		CALL(.method = "POST", .path = "/v1/auth/logout", .token = reply_text(r, "/access_token")),
		204));
	expect(is_problem(me(reply_text(r, "/access_token")), 401, "unauthenticated"));
	expect(is_problem(refresh(reply_text(r, "/refresh_token")), 401, "unauthenticated"));
}
END_TEST

START_TEST(tokens_end_with_their_time)
{
	struct actor who = make_member_of_producer();

	sql("UPDATE session SET access_expires_at = now() - interval '1 second' WHERE user_id = '%s'",
		who.id);
	expect(is_problem(me(who.token), 401, "unauthenticated"));
	const struct reply *r = refresh(who.refresh); /* that one is still good */
	expect(answered(r, 200));
	sql("UPDATE session SET refresh_expires_at = now() - interval '1 second' WHERE user_id = '%s'",
		who.id);
	expect(is_problem(refresh(reply_text(r, "/refresh_token")), 401, "unauthenticated"));
}
END_TEST

START_TEST(a_user_switched_off_is_out_at_the_next_write)
{
	struct actor who = make_member_of_producer();

	expect(answered(me(who.token), 200)); /* the copy in Redis does not help */
	sql("UPDATE app_user SET active = false WHERE id = '%s'", who.id);
	expect(is_problem(write_something(who.token), 401, "unauthenticated"));
	expect(is_problem(refresh(who.refresh), 401, "unauthenticated"));
	sql("UPDATE app_user SET active = true WHERE id = '%s'", who.id);
	expect(answered(write_something(who.token), 201));
}
END_TEST

START_TEST(a_role_taken_away_is_gone_at_the_next_write)
{
	struct actor who = make_member_of_producer();

	expect(answered(me(who.token), 200));
	sql("UPDATE app_user SET role = 'CERTIFIER' WHERE id = '%s'", who.id);
	expect(is_problem(
		post(&who, "/v1/products", "{'name':'x','commodity':'avocado'}"), 403, "forbidden"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_login_is_a_session_of_its_own,
		me_is_the_user_and_the_organization,
		only_a_bearer_token_in_the_header_opens_a_session,
		a_token_has_one_spelling,
		a_refresh_replaces_both_tokens,
		a_refresh_token_used_twice_ends_the_whole_family,
		a_reuse_long_ago_still_ends_the_family,
		one_family_ends_without_the_others,
		a_made_up_refresh_token_is_refused,
		two_refreshes_at_once_never_both_succeed,
		a_logout_ends_access_and_refresh,
		a_logout_after_a_refresh_ends_what_came_of_it,
		tokens_end_with_their_time,
		a_user_switched_off_is_out_at_the_next_write,
		a_role_taken_away_is_gone_at_the_next_write,
	};

	return world_run("auth", tests, ARRAY_SIZE(tests));
}
