/* One's own password: who changes it, what ends with it, and that a token alone opens no way to it. */
#include <string.h>

#include "expect.h"
#include "world.h"

#define OTHER_PASSWORD "another horse battery"

static struct actor make(void)
{
	struct actor who = make_user("BUYER", buyer.organization);

	log_in(&who);
	return who;
}

static const struct reply *change(const struct actor *who, const char *current, const char *new)
{
	return put(who, "/v1/me/password", "{'current_password':'%s','new_password':'%s'}", current, new);
}

static const struct reply *login(const struct actor *who, const char *password)
{
	return post(NULL, "/v1/auth/login", "{'email':'%s','password':'%s'}", who->email, password);
}

static const char *hash_of(const struct actor *who)
{
	return sql_text("SELECT password_hash FROM app_user WHERE id = '%s'", who->id);
}

START_TEST(the_new_one_opens_and_the_old_one_does_not)
{
	const struct actor who = make();
	const struct reply *r = change(&who, PASSWORD, "ma\u00f1ana \U0001F951 comer\u00e9");

	expect(answered(r, 204));
	ck_assert_uint_eq(r->length, 0);
	expect(answered(login(&who, "ma\u00f1ana \U0001F951 comer\u00e9"), 200));
	expect(is_problem(login(&who, PASSWORD), 401, "bad_credentials"));
	ck_assert_int_eq(strncmp(hash_of(&who), "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
}
END_TEST

START_TEST(all_other_sessions_end_at_once_and_this_one_goes_on)
{
	struct actor here = make(), there = here, elsewhere = here;

	log_in(&there);
	log_in(&elsewhere);
	expect(answered(get(&there, "/v1/me"), 200)); /* a copy in Redis; of the other there is none */
	expect(answered(change(&here, PASSWORD, OTHER_PASSWORD), 204));
	const struct actor *const ended[] = { &there, &elsewhere };
	for (size_t i = 0; i < ARRAY_SIZE(ended); i++) {
		expect(is_problem(get(ended[i], "/v1/me"), 401, "unauthenticated"));
		expect(is_problem(post(ended[i], "/v1/locations", "{'name':'x','kind':'PORT'}"), 401,
			"unauthenticated"));
		expect(is_problem(post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", ended[i]->refresh),
			401, "unauthenticated"));
	}
	expect(answered(get(&here, "/v1/me"), 200));
	expect(answered(post(&here, "/v1/locations", "{'name':'x','kind':'PORT'}"), 201));
	expect(answered(post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", here.refresh), 200));
}
END_TEST

START_TEST(every_fault_is_named_and_nothing_is_changed_by_one)
{
	const struct actor who = make();
	const char *hash = hash_of(&who);
	const struct {
		const char *current, *new, *pointer, *code;
	} rows[] = {
		{ "not the password", OTHER_PASSWORD, "/current_password", "wrong_password" },
		{ PASSWORD, "short", "/new_password", "too_short" },
		{ PASSWORD, "password1", "/new_password", "common_password" },
		{ PASSWORD, who.email, "/new_password", "common_password" },
		{ PASSWORD, PASSWORD, "/new_password", "not_allowed_here" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_only_fault(
			change(&who, rows[i].current, rows[i].new), rows[i].pointer, rows[i].code));
	expect(has_fault(put(&who, "/v1/me/password", "{}"), "/current_password", "required"));
	expect(has_fault(put(&who, "/v1/me/password", "{}"), "/new_password", "required"));
	expect(is_problem(change(NULL, PASSWORD, OTHER_PASSWORD), 401, "unauthenticated"));
	ck_assert_str_eq(hash_of(&who), hash);
}
END_TEST

/* From whatever address: there the limit on logins would begin anew. The sixth is not even looked at, right as it is. */
START_TEST(whoever_holds_a_token_guesses_five_times)
{
	struct actor who = make();
	const char *wrong = json("{'current_password':'a wrong guess','new_password':'%s'}", OTHER_PASSWORD);
	const char *right = json("{'current_password':'%s','new_password':'%s'}", PASSWORD, OTHER_PASSWORD);

	for (int i = 0; i < 5; i++)
		expect(has_only_fault(CALL(.method = "PUT", .path = "/v1/me/password", .token = who.token,
					      .body = wrong, .from = TEXT("127.0.1.%d", 1 + i)),
			"/current_password", "wrong_password"));
	expect(is_problem(CALL(.method = "PUT", .path = "/v1/me/password", .token = who.token, .body = right,
				  .from = "127.0.1.9"),
		429, "too_many_logins"));
	expect(answered(login(&who, PASSWORD), 200)); /* the owner still gets in, and can end that session */
	const struct actor other = make();
	expect(answered(change(&other, PASSWORD, OTHER_PASSWORD), 204)); /* nor is anybody else stopped */
}
END_TEST

START_TEST(whoever_must_change_it_does_nothing_else_before)
{
	struct actor who = make();

	sql("UPDATE app_user SET password_due = true WHERE id = '%s'", who.id);
	log_in(&who);
	expect(answered(get(&who, "/v1/me"), 200));
	static const char *const paths[] = { "/v1/lots", "/v1/locations", "/v1/products", "/v1/me/sessions" };
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		expect(is_problem(get(&who, "%s", paths[i]), 403, "password_change_required"));
	expect(has_only_fault(change(&who, PASSWORD, PASSWORD), "/new_password", "not_allowed_here"));
	expect(answered(change(&who, PASSWORD, OTHER_PASSWORD), 204));
	/* At once, though the copy of the session says otherwise for half a minute more. */
	expect(answered(get(&who, "/v1/lots"), 200));
	expect(answered(post(&who, "/v1/locations", "{'name':'x','kind':'PORT'}"), 201));
	const struct reply *r = get(&admin, "/v1/users/%s", who.id);
	expect(has_bool(r, "/password_change_required", false));
	expect(has_number(r, "/version", 2));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_new_one_opens_and_the_old_one_does_not,
		all_other_sessions_end_at_once_and_this_one_goes_on,
		every_fault_is_named_and_nothing_is_changed_by_one,
		whoever_holds_a_token_guesses_five_times,
		whoever_must_change_it_does_nothing_else_before,
	};

	return world_run("my password", tests, ARRAY_SIZE(tests));
}
