/* Users, as administrators keep them: who may be made of what, what ends somebody's sessions, and that nobody is locked out of
 * everything. */
#include <stdio.h>
#include <string.h>

#include "api/routes.h"
#include "base/err.h"
#include "expect.h"
#include "world.h"

#define NEW_PASSWORD "nine small avocados"

static const char nobody[] = "01a20a2f-533e-736c-8768-4e07731ce619";

static const char *new_email(void)
{
	return TEXT("%s@people.example", new_code("User."));
}

static const struct reply *make_with(const char *email, const char *role, const char *members)
{
	return post(&admin, "/v1/users", "{'email':'%s','name':'Ana Ruiz','password':'%s','role':'%s'%s}",
		email, NEW_PASSWORD, role, members);
}

static const char *of(const char *organization)
{
	return TEXT(",'organization_id':'%s'", organization);
}

/* A member of the packers, made through the API and logged in. */
static struct actor make(void)
{
	struct actor who = { 0 };
	const struct reply *r = make_with(new_email(), "PACKER", of(packer.organization));

	expect(answered(r, 201));
	snprintf(who.id, sizeof who.id, "%s", reply_text(r, "/id"));
	snprintf(who.email, sizeof who.email, "%s", reply_text(r, "/email"));
	log_in_with(&who, NEW_PASSWORD);
	return who;
}

static const char *path_of(const struct actor *who)
{
	return TEXT("/v1/users/%s", who->id);
}

static const struct reply *login(const struct actor *who, const char *password)
{
	return post(NULL, "/v1/auth/login", "{'email':'%s','password':'%s'}", who->email, password);
}

/* Everything that a session could still do. */
static void expect_ended(const struct actor *who)
{
	expect(is_problem(get(who, "/v1/me"), 401, "unauthenticated"));
	expect(is_problem(post(who, "/v1/locations", "{'name':'x','kind':'PORT'}"), 401, "unauthenticated"));
	expect(is_problem(post(NULL, "/v1/auth/refresh", "{'refresh_token':'%s'}", who->refresh), 401,
		"unauthenticated"));
}

static void expect_alive(const struct actor *who)
{
	expect(answered(get(who, "/v1/me"), 200));
	expect(answered(post(who, "/v1/locations", "{'name':'x','kind':'PORT'}"), 201));
}

/* --- making one --- */

START_TEST(a_user_comes_back_as_given_and_can_log_in_and_work)
{
	const char *email = new_email();
	const struct reply *r = make_with(email, "PACKER", of(packer.organization));
	struct actor who = { 0 };

	expect(answered(r, 201));
	expect(has_members(r, "",
		"id email name role organization_id active password_change_required version created_at"));
	expect(has_text(r, "/email", email)); /* as it was written */
	expect(has_text(r, "/name", "Ana Ruiz"));
	expect(has_text(r, "/role", "PACKER"));
	expect(has_text(r, "/organization_id", packer.organization));
	expect(has_bool(r, "/active", true));
	expect(has_bool(r, "/password_change_required", false));
	expect(has_number(r, "/version", 1));
	expect(has_header(r, "Location", TEXT("/v1/users/%s", reply_text(r, "/id"))));
	const struct reply *again = get(&admin, "/v1/users/%s", reply_text(r, "/id"));
	expect(same_body(again, r));
	expect(has_header(again, "ETag", "\"1\""));
	ck_assert(cJSON_Compare(reply_at(get(&admin, "/v1/users?limit=1"), "/items/0"), r->json, true));
	snprintf(who.email, sizeof who.email, "%s", email);
	log_in_with(&who, NEW_PASSWORD);
	expect_alive(&who);
}
END_TEST

START_TEST(an_administrator_needs_no_organization_and_everybody_else_one)
{
	static const char *const roles[] = { "PRODUCER", "PACKER", "EXPORTER", "CERTIFIER", "BUYER" };
	const struct reply *r = make_with(new_email(), "ADMIN", "");

	expect(answered(r, 201));
	expect(has_null(r, "/organization_id"));
	expect(has_only_fault(make_with(new_email(), "ADMIN", of(packer.organization)), "/organization_id",
		"not_allowed_here"));
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		expect(has_only_fault(make_with(new_email(), roles[i], ""), "/organization_id", "required"));
		expect(answered(make_with(new_email(), roles[i], of(buyer.organization)), 201));
	}
	expect(has_only_fault(
		make_with(new_email(), "BUYER", of(nobody)), "/organization_id", "unknown_organization"));
}
END_TEST

START_TEST(an_address_has_one_user_in_whatever_case)
{
	const char *email = new_email(), *shouted = TEXT("%s", email);

	for (char *c = (char *)shouted; *c; c++)
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	expect(answered(make_with(email, "ADMIN", ""), 201));
	expect(is_problem(make_with(email, "ADMIN", ""), 409, "email_taken"));
	expect(is_problem(make_with(shouted, "BUYER", of(buyer.organization)), 409, "email_taken"));
	ck_assert_int_eq(
		sql_number("SELECT count(*) FROM app_user WHERE lower(email) = lower('%s')", email), 1);
}
END_TEST

START_TEST(every_fault_is_named)
{
	const struct reply *r = post(&admin, "/v1/users",
		"{'email':'nobody','password':'short','role':'KING','active':false,'password_hash':'x'}");

	expect(has_fault(r, "/email", "bad_format"));
	expect(has_fault(r, "/name", "required"));
	expect(has_fault(r, "/password", "too_short"));
	expect(has_fault(r, "/role", "not_in_list"));
	expect(has_fault(r, "/active", "unknown_field"));
	expect(has_fault(r, "/password_hash", "unknown_field"));
	expect(has_count(r, "/errors", 6));
}
END_TEST

START_TEST(a_password_has_8_to_128_characters_of_any_kind)
{
	char longest[2 * 129 + 1];
	static const char *const fine[] = { "\u00f1and\u00fa \u00e9l",
		("\U0001F951\U0001F951\U0001F951\U0001F951"
		 "\U0001F951\U0001F951\U0001F951\U0001F951"),
		"  two  spaces  ", "zjrqwmxk" };

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		struct actor who = { 0 };
		snprintf(who.email, sizeof who.email, "%s", new_email());
		expect(answered(
			post(&admin, "/v1/users", "{'email':'%s','name':'x','password':'%s','role':'ADMIN'}",
				who.email, fine[i]),
			201));
		expect(answered(login(&who, fine[i]), 200));
	}
	for (int i = 0; i < 129; i++)
		memcpy(longest + 2 * i, "\u00f1", 2);
	longest[2 * 129] = '\0';
	expect(has_only_fault(
		post(&admin, "/v1/users", "{'email':'%s','name':'x','password':'%s','role':'ADMIN'}",
			new_email(), longest),
		"/password", "too_long"));
	longest[2 * 128] = '\0';
	expect(answered(post(&admin, "/v1/users", "{'email':'%s','name':'x','password':'%s','role':'ADMIN'}",
				new_email(), longest),
		201));
}
END_TEST

START_TEST(a_password_that_is_tried_first_is_refused)
{
	static const char *const common[] = { "password", "Password1", "12345678", "QWERTYUIOP", "iloveyou",
		"AgroBridge", "contrase\u00f1a", "ana.ruiz.lopez", "Ana.Ruiz.Lopez@People.EXAMPLE" };
	const struct actor who = make();

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		expect(has_only_fault(
			post(&admin, "/v1/users",
				"{'email':'ana.ruiz.lopez@people.example','name':'x','password':'%s',"
				"'role':'ADMIN'}",
				common[i]),
			"/password", "common_password"));
	expect(has_only_fault(
		patch(&admin, path_of(&who), 1, "{'password':'Football1'}"), "/password", "common_password"));
	expect(has_only_fault(patch(&admin, path_of(&who), 1, "{'password':'%s'}", who.email), "/password",
		"common_password"));
	expect_alive(&who);
}
END_TEST

START_TEST(one_key_makes_one_user_and_keeps_no_quick_way_to_its_password)
{
	const char *key = new_code("key-"), *email = new_email();
	const char *body =
		json("{'email':'%s','name':'x','password':'%s','role':'ADMIN'}", email, NEW_PASSWORD);
	const struct call call = { .path = "/v1/users", .token = admin.token, .key = key, .body = body };
	const struct reply *first = client_call(client(), &call), *again = client_call(client(), &call);

	expect(answered(first, 201));
	expect(same_body(again, first));
	expect(has_header(again, "Idempotency-Replayed", "true"));
	expect(is_problem(CALL(.path = "/v1/users", .token = admin.token, .key = key,
				  .body = json("{'email':'%s','name':'x','password':'%s?','role':'ADMIN'}",
					  email, NEW_PASSWORD)),
		422, "idempotency_key_reused"));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM app_user WHERE email = '%s'", email), 1);
	/* Whoever reads the table can try passwords only as slowly as by the user's own row. */
	ck_assert_int_eq(sql_number("SELECT count(*) FROM idempotency_key WHERE key = '%s' AND fingerprint ="
				    " sha256(convert_to(E'POST /v1/users\\n' || '%s', 'UTF8'))",
				 key, body),
		0);
}
END_TEST

/* --- changing one --- */

START_TEST(a_change_is_of_one_version)
{
	const struct actor who = make();
	const char *path = path_of(&who);

	expect(is_problem(patch(&admin, path, 0, "{'name':'x'}"), 428, "precondition_required"));
	expect(is_problem(patch(&admin, path, 2, "{'name':'x'}"), 412, "precondition_failed"));
	const struct reply *r = patch(&admin, path, 1, "{'name':'Ana Mar\u00eda'}");
	expect(answered(r, 200));
	expect(has_header(r, "ETag", "\"2\""));
	expect(has_text(r, "/name", "Ana Mar\u00eda"));
	expect(has_text(r, "/role", "PACKER"));
	expect(same_body(get(&admin, "%s", path), r));
	expect(has_only_fault(patch(&admin, path, 2, "{'email':'x@y.example'}"), "/email", "unknown_field"));
	expect(has_only_fault(patch(&admin, path, 2, "{'organization_id':'%s'}", buyer.organization),
		"/organization_id", "unknown_field"));
	expect_alive(&who); /* another name makes nobody else */
	expect(is_problem(patch(&admin, TEXT("/v1/users/%s", nobody), 1, "{'name':'x'}"), 404, "not_found"));
	expect(is_problem(patch(&admin, TEXT("/v1/users/%s", nobody), 1, "{'password':'%s'}", NEW_PASSWORD),
		404, "not_found"));
	expect(is_problem(get(&admin, "/v1/users/%s", nobody), 404, "not_found"));
}
END_TEST

START_TEST(whoever_is_switched_off_is_out_everywhere_at_once)
{
	struct actor here = make(), there = here;

	log_in_with(&there, NEW_PASSWORD);
	expect_alive(&here);
	expect_alive(&there);
	const struct reply *r = patch(&admin, path_of(&here), 1, "{'active':false}");
	expect(has_bool(r, "/active", false));
	expect_ended(&here);
	expect_ended(&there);
	expect(is_problem(login(&here, NEW_PASSWORD), 401, "bad_credentials"));
	expect(has_bool(patch(&admin, path_of(&here), 2, "{'active':true}"), "/active", true));
	expect_ended(&here); /* what ended stays so */
	log_in_with(&here, NEW_PASSWORD);
	expect_alive(&here);
}
END_TEST

START_TEST(another_role_ends_the_sessions_of_the_old_one)
{
	struct actor who = make();

	expect_alive(&who);
	expect(answered(patch(&admin, path_of(&who), 1, "{'role':'PACKER'}"), 200));
	expect_alive(&who); /* the same is no other */
	expect(has_text(patch(&admin, path_of(&who), 2, "{'role':'BUYER'}"), "/role", "BUYER"));
	expect_ended(&who);
	log_in_with(&who, NEW_PASSWORD);
	expect(has_text(get(&who, "/v1/me"), "/role", "BUYER"));
}
END_TEST

START_TEST(a_password_set_by_an_administrator_ends_the_sessions_and_must_be_changed)
{
	struct actor who = make();

	expect_alive(&who);
	const struct reply *r = patch(&admin, path_of(&who), 1, "{'password':'four new lemons'}");
	expect(answered(r, 200));
	expect(has_bool(r, "/password_change_required", true));
	expect_ended(&who);
	expect(is_problem(login(&who, NEW_PASSWORD), 401, "bad_credentials"));
	log_in_with(&who, "four new lemons");
	expect(answered(get(&who, "/v1/me"), 200));
	expect(is_problem(get(&who, "/v1/lots"), 403, "password_change_required"));
	expect(is_problem(
		post(&who, "/v1/locations", "{'name':'x','kind':'PORT'}"), 403, "password_change_required"));
}
END_TEST

START_TEST(a_member_becomes_an_administrator_and_a_member_again)
{
	struct actor who = make();

	const struct reply *r = patch(&admin, path_of(&who), 1, "{'role':'ADMIN'}");
	expect(answered(r, 200));
	expect(has_text(r, "/organization_id", packer.organization)); /* where it goes back to */
	log_in_with(&who, NEW_PASSWORD);
	expect(has_null(get(&who, "/v1/me"), "/organization")); /* but acts for none now */
	expect(answered(get(&who, "/v1/users"), 200));
	expect(is_problem(post(&who, "/v1/locations", "{'name':'x','kind':'PORT'}"), 403, "forbidden"));
	expect(answered(patch(&admin, path_of(&who), 2, "{'role':'PACKER'}"), 200));
	expect_ended(&who);
	log_in_with(&who, NEW_PASSWORD);
	expect(has_text(get(&who, "/v1/me"), "/organization/id", packer.organization));
}
END_TEST

START_TEST(an_administrator_without_an_organization_has_nothing_else_to_become)
{
	const char *id = reply_text(make_with(new_email(), "ADMIN", ""), "/id");

	expect(has_only_fault(
		patch(&admin, TEXT("/v1/users/%s", id), 1, "{'role':'BUYER'}"), "/role", "not_allowed_here"));
}
END_TEST

/* --- oneself --- */

START_TEST(an_administrator_does_nothing_to_itself_but_rename)
{
	struct actor who = { 0 };
	const struct reply *r = make_with(new_email(), "ADMIN", "");

	snprintf(who.id, sizeof who.id, "%s", reply_text(r, "/id"));
	snprintf(who.email, sizeof who.email, "%s", reply_text(r, "/email"));
	log_in_with(&who, NEW_PASSWORD);
	const char *path = path_of(&who);
	expect(is_problem(patch(&who, path, 1, "{'active':false}"), 409, "own_account"));
	expect(is_problem(patch(&who, path, 1, "{'role':'BUYER'}"), 409, "own_account"));
	/* With a stolen token nobody sets a password without knowing the old one. */
	expect(is_problem(patch(&who, path, 1, "{'password':'four new lemons'}"), 409, "own_account"));
	expect(answered(patch(&who, path, 1, "{'name':'Yo','active':true,'role':'ADMIN'}"), 200));
	expect(answered(get(&who, "/v1/users"), 200));
	log_in_with(&who, NEW_PASSWORD);
}
END_TEST

START_TEST(the_last_active_administrator_stays)
{
	sql("UPDATE app_user SET active = false WHERE role = 'ADMIN' AND id <> '%s'", admin.id);
	const char *path = path_of(&admin), *version = reply_header(get(&admin, "%s", path), "ETag");
	const char *const changes[] = { "{'active':false}", "{'role':'BUYER'}",
		"{'role':'BUYER','active':false}" };

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		expect(is_problem(
			patch(&admin, path, ANY_VERSION, "%s", changes[i]), 409, "last_administrator"));
	expect(answered(get(&admin, "/v1/users"), 200));
	expect(has_header(get(&admin, "%s", path), "ETag", version));
	sql("UPDATE app_user SET active = true WHERE role = 'ADMIN'");
}
END_TEST

/* --- who and where --- */

START_TEST(nobody_but_an_administrator_sees_or_keeps_any)
{
	const struct actor *const others[] = { &producer, &newcomer, &packer, &exporter, &certifier, &buyer };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		const struct actor *who = others[i];
		expect(is_problem(get(who, "/v1/users"), 403, "forbidden"));
		expect(is_problem(get(who, "%s", path_of(who)), 403, "forbidden"));
		expect(is_problem(post(who, "/v1/users", "{}"), 403, "forbidden"));
		expect(is_problem(patch(who, path_of(who), 1, "{'role':'ADMIN'}"), 403, "forbidden"));
	}
	expect(is_problem(get(NULL, "/v1/users"), 401, "unauthenticated"));
	expect(is_problem(post(NULL, "/v1/users", "{}"), 401, "unauthenticated"));
}
END_TEST

/* A worker that does not hash refuses what takes a password before it looks at anything: each of these got further. */
START_TEST(whatever_takes_a_password_is_served_by_those_who_hash)
{
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		if (!route->input || !input_takes_password(route->input))
			continue;
		const char *brace = strchr(route->path, '{');
		const char *path =
			brace ? TEXT("%.*s%s", (int)(brace - route->path), route->path, nobody) : route->path;
		const char *const spellings[] = { path, TEXT("%s?x=1", path), TEXT("%s?", path) };
		for (size_t k = 0; k < ARRAY_SIZE(spellings); k++) {
			const struct reply *r =
				CALL(.method = http_method_name(route->method), .path = spellings[k],
					.body = "{", .token = admin.token, .headers = { if_match(1) });
			expect(is_problem(r, 400, "bad_json"));
		}
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_user_comes_back_as_given_and_can_log_in_and_work,
		an_administrator_needs_no_organization_and_everybody_else_one,
		an_address_has_one_user_in_whatever_case,
		every_fault_is_named,
		a_password_has_8_to_128_characters_of_any_kind,
		a_password_that_is_tried_first_is_refused,
		one_key_makes_one_user_and_keeps_no_quick_way_to_its_password,
		a_change_is_of_one_version,
		whoever_is_switched_off_is_out_everywhere_at_once,
		another_role_ends_the_sessions_of_the_old_one,
		a_password_set_by_an_administrator_ends_the_sessions_and_must_be_changed,
		a_member_becomes_an_administrator_and_a_member_again,
		an_administrator_without_an_organization_has_nothing_else_to_become,
		an_administrator_does_nothing_to_itself_but_rename,
		the_last_active_administrator_stays,
		nobody_but_an_administrator_sees_or_keeps_any,
		whatever_takes_a_password_is_served_by_those_who_hash,
	};

	return world_run("users", tests, ARRAY_SIZE(tests));
}
