/* Accounts that change while something is done with them: nobody is locked out of everything, and nothing old opens anything. */
#include "expect.h"
#include "world.h"

static struct actor make_administrator(void)
{
	struct actor who = make_user("ADMIN", "");

	log_in(&who);
	return who;
}

static struct call switch_off(const struct actor *who, const struct actor *whom)
{
	return (struct call){ .method = "PATCH",
		.path = TEXT("/v1/users/%s", whom->id),
		.token = who->token,
		.body = json("{'active':false}"),
		.headers = { if_match(ANY_VERSION) } };
}

/* Both are let in, and both wait for the administrators. */
static void at_each_other(const struct actor *a, const struct actor *b, const struct reply *ret_replies[2])
{
	const struct call calls[2] = { switch_off(a, b), switch_off(b, a) };
	struct runner *runners[2];

	sql("BEGIN");
	sql("SELECT FROM app_user WHERE role = 'ADMIN' FOR UPDATE");
	for (int i = 0; i < 2; i++) {
		runners[i] = client_begin(client(), &calls[i]);
		wait_for_waiters(i + 1);
	}
	sql("COMMIT");
	for (int i = 0; i < 2; i++)
		ret_replies[i] = client_end(runners[i]);
}

static long administrators(void)
{
	return sql_number("SELECT count(*) FROM app_user WHERE role = 'ADMIN' AND active");
}

START_TEST(two_administrators_who_switch_each_other_off_leave_one)
{
	const struct actor a = make_administrator(), b = make_administrator();
	const struct reply *replies[2];

	sql("UPDATE app_user SET active = id IN ('%s', '%s') WHERE role = 'ADMIN'", a.id, b.id);
	at_each_other(&a, &b, replies);
	expect(answered(replies[0], 200));
	expect(is_problem(replies[1], 409, "last_administrator"));
	ck_assert_int_eq(administrators(), 1);
	expect(answered(get(&a, "/v1/users"), 200));
	expect(is_problem(get(&b, "/v1/users"), 401, "unauthenticated"));
	sql("UPDATE app_user SET active = true WHERE role = 'ADMIN'");
}
END_TEST

START_TEST(whoever_is_switched_off_while_it_waits_switches_nobody_off)
{
	const struct actor a = make_administrator(), b = make_administrator();
	const struct reply *replies[2];

	at_each_other(&a, &b, replies); /* `admin` is a third */
	expect(answered(replies[0], 200));
	expect(is_problem(replies[1], 401, "unauthenticated"));
	expect(answered(get(&a, "/v1/users"), 200));
}
END_TEST

START_TEST(of_two_new_passwords_one_is_set)
{
	struct actor who = make_user("BUYER", buyer.organization);
	struct runner *runners[2];
	struct call calls[2];
	const char *const passwords[] = { "seven green limes", "eight green limes" };
	int set = 0;

	log_in(&who);
	for (int i = 0; i < 2; i++)
		calls[i] = (struct call){ .method = "PUT",
			.path = "/v1/me/password",
			.token = who.token,
			.body = json(
				"{'current_password':'%s','new_password':'%s'}", PASSWORD, passwords[i]) };
	sql("BEGIN");
	sql("SELECT FROM app_user WHERE id = '%s' FOR UPDATE", who.id);
	for (int i = 0; i < 2; i++)
		runners[i] = client_begin(client(), &calls[i]);
	wait_for_waiters(2);
	sql("COMMIT");
	for (int i = 0; i < 2; i++) {
		const struct reply *r = client_end(runners[i]);
		bool won = r->status == 204;
		expect(won || has_only_fault(r, "/current_password", "wrong_password"));
		expect(answered(post(NULL, "/v1/auth/login", "{'email':'%s','password':'%s'}", who.email,
					passwords[i]),
			won ? 200 : 401));
		set += won;
	}
	ck_assert_int_eq(set, 1);
}
END_TEST

/* Its password was right when it was looked at; by the time that the session is made, something else is so. */
START_TEST(a_login_behind_a_change_of_the_user_opens_nothing)
{
	static const char *const changes[] = { "active = false", "password_hash = 'another'" };

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct actor who = make_user("BUYER", buyer.organization);
		const struct call login = { .path = "/v1/auth/login",
			.body = json("{'email':'%s','password':'%s'}", who.email, PASSWORD) };
		sql("BEGIN");
		sql("UPDATE app_user SET %s WHERE id = '%s'", changes[i], who.id);
		struct runner *runner = client_begin(client(), &login);
		wait_for_waiters(1);
		sql("COMMIT");
		expect(is_problem(client_end(runner), 401, "bad_credentials"));
		ck_assert_int_eq(sql_number("SELECT count(*) FROM session WHERE user_id = '%s'", who.id), 0);
	}
}
END_TEST

/* It was let in before, and it is done before: what follows is not. */
START_TEST(an_event_under_way_is_done_and_no_other_after_its_users_role_is_changed)
{
	const struct made_lot lot = make_lot(&producer);
	struct actor who = make_user("PACKER", packer.organization);

	grant(lot.id, &packer, "record");
	log_in(&who);
	const struct call call = { .path = TEXT("/v1/lots/%s/events", lot.id),
		.token = who.token,
		.body = json("{'kind':'PACKAGING','at':'2026-05-01T10:00:00Z'}") };
	sql("BEGIN");
	sql("SELECT FROM lot WHERE id = '%s' FOR UPDATE", lot.id);
	struct runner *runner = client_begin(client(), &call);
	wait_for_waiters(1);
	expect(answered(patch(&admin, TEXT("/v1/users/%s", who.id), ANY_VERSION, "{'role':'BUYER'}"), 200));
	sql("COMMIT");
	expect(answered(client_end(runner), 201));
	expect(is_problem(client_call(client(), &call), 401, "unauthenticated"));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM event WHERE lot_id = '%s'", lot.id), 1);
	expect(has_bool(get(&producer, "/v1/lots/%s/verify", lot.id), "/valid", true));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		two_administrators_who_switch_each_other_off_leave_one,
		whoever_is_switched_off_while_it_waits_switches_nobody_off,
		of_two_new_passwords_one_is_set,
		a_login_behind_a_change_of_the_user_opens_nothing,
		an_event_under_way_is_done_and_no_other_after_its_users_role_is_changed,
	};

	return world_run("account races", tests, ARRAY_SIZE(tests));
}
