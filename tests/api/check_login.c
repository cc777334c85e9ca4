/* Logging in: what a right password gives, what a wrong one does not tell, how guessing ends, and what is kept of it all. */
#include <ctype.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "expect.h"
#include "world.h"

static const struct reply *try_password(const char *email, const char *password)
{
	return post(NULL, "/v1/auth/login", "{'email':'%s','password':'%s'}", email, password);
}

static const struct reply *me(const char *token)
{
	return CALL(.path = "/v1/me", .token = token);
}

/* --- logging in --- */

START_TEST(the_right_password_gives_two_tokens)
{
	struct actor who = make_user("PACKER", packer.organization);
	const struct reply *r = try_password(who.email, PASSWORD);

	expect(answered(r, 200));
	expect(has_members(r, "", "access_token refresh_token token_type expires_in"));
	expect(has_text(r, "/token_type", "Bearer"));
	expect(has_number(r, "/expires_in", 900));
	expect(has_header(r, "Cache-Control", "no-store"));
	ck_assert_uint_eq(strlen(reply_text(r, "/access_token")), 43); /* 256 bits */
	ck_assert_uint_eq(strlen(reply_text(r, "/refresh_token")), 43);
	ck_assert_str_ne(reply_text(r, "/access_token"), reply_text(r, "/refresh_token"));
	expect(answered(me(reply_text(r, "/access_token")), 200));
}
END_TEST

START_TEST(an_address_is_found_in_any_case)
{
	struct actor who = make_user("PACKER", packer.organization);
	char shouted[sizeof who.email];

	snprintf(shouted, sizeof shouted, "%.*s@PEOPLE.Example", (int)strcspn(who.email, "@"), who.email);
	expect(answered(try_password(shouted, PASSWORD), 200));
}
END_TEST

START_TEST(a_wrong_password_an_unknown_address_and_an_inactive_user_get_the_same_answer)
{
	struct actor retired = make_user("PACKER", packer.organization);

	sql("UPDATE app_user SET active = false WHERE id = '%s'", retired.id);
	const struct reply *wrong = try_password(buyer.email, "not the password");
	const struct reply *unknown = try_password("nobody@people.example", PASSWORD);
	const struct reply *inactive = try_password(retired.email, PASSWORD);
	expect(is_problem(wrong, 401, "bad_credentials"));
	expect(is_problem(unknown, 401, "bad_credentials"));
	expect(is_problem(inactive, 401, "bad_credentials"));
	expect(same_problem(unknown, wrong));
	expect(same_problem(inactive, wrong));
}
END_TEST

START_TEST(a_login_names_every_fault)
{
	const struct reply *r = post(NULL, "/v1/auth/login", "{'password':12345678,'role':'ADMIN'}");

	expect(has_fault(r, "/email", "required"));
	expect(has_fault(r, "/password", "wrong_type"));
	expect(has_fault(r, "/role", "unknown_field"));
	expect(has_count(r, "/errors", 3));
}
END_TEST

START_TEST(a_login_that_is_no_json_is_told_so)
{
	expect(is_problem(CALL(.path = "/v1/auth/login", .body = "email=a@b.example"), 400, "bad_json"));
	expect(is_problem(CALL(.path = "/v1/auth/login", .body = "{}",
				  .headers = { "Content-Type: application/x-www-form-urlencoded" }),
		415, "unsupported_type"));
	expect(is_problem(get(NULL, "/v1/auth/login"), 405, "method_not_allowed"));
}
END_TEST

START_TEST(a_password_over_128_characters_is_never_hashed)
{
	char longest[130];

	memset(longest, 'x', sizeof longest);
	longest[129] = '\0';
	expect(has_only_fault(try_password(buyer.email, longest), "/password", "too_long"));
	longest[128] = '\0';
	expect(is_problem(try_password("somebody@people.example", longest), 401, "bad_credentials"));
}
END_TEST

/* --- guessing --- */

START_TEST(five_wrong_passwords_close_an_account_for_that_address_alone)
{
	struct actor victim = make_user("BUYER", buyer.organization);
	char shouted[sizeof victim.email];
	const char *right = json("{'email':'%s','password':'%s'}", victim.email, PASSWORD);
	const char *other = json("{'email':'%s','password':'%s'}", buyer.email, PASSWORD);

	for (size_t i = 0; i < sizeof shouted; i++)
		shouted[i] = (char)toupper((unsigned char)victim.email[i]);
	for (int i = 0; i < 5; i++) /* in whatever case the account is written */
		expect(is_problem(CALL(.path = "/v1/auth/login", .from = "127.0.0.5",
					  .body = json("{'email':'%s','password':'wrong password'}",
						  i % 2 ? shouted : victim.email)),
			401, "bad_credentials"));
	/* Now not even the right one, nor under another name for the same address. */
	expect(is_problem(
		CALL(.path = "/v1/auth/login", .body = right, .from = "127.0.0.5"), 429, "too_many_logins"));
	expect(is_problem(CALL(.path = "/v1/auth/login", .body = right, .from = "127.0.0.5",
				  .headers = { "X-Forwarded-For: 192.0.2.7", "X-Real-IP: 192.0.2.7" }),
		429, "too_many_logins"));
	/* Others from there, and the owner from elsewhere, get in. */
	expect(answered(CALL(.path = "/v1/auth/login", .body = other, .from = "127.0.0.5"), 200));
	expect(answered(CALL(.path = "/v1/auth/login", .body = right, .from = "127.0.0.6"), 200));
}
END_TEST

START_TEST(an_account_that_does_not_exist_closes_just_the_same)
{
	const char *body =
		json("{'email':'%s@people.example','password':'wrong password'}", new_code("ghost-"));

	for (int i = 0; i < 5; i++)
		expect(is_problem(CALL(.path = "/v1/auth/login", .body = body, .from = "127.0.0.7"), 401,
			"bad_credentials"));
	expect(is_problem(
		CALL(.path = "/v1/auth/login", .body = body, .from = "127.0.0.7"), 429, "too_many_logins"));
}
END_TEST

START_TEST(fifty_failures_close_the_address)
{
	const char *right = json("{'email':'%s','password':'%s'}", buyer.email, PASSWORD);

	for (int i = 0; i < 50; i++)
		expect(is_problem(
			CALL(.path = "/v1/auth/login", .from = "127.0.0.8",
				.body = json("{'email':'guess%d@people.example','password':'wrong password'}",
					i / 4)),
			401, "bad_credentials"));
	expect(is_problem(
		CALL(.path = "/v1/auth/login", .body = right, .from = "127.0.0.8"), 429, "too_many_logins"));
	expect(answered(CALL(.path = "/v1/auth/login", .body = right, .from = "127.0.0.9"), 200));
}
END_TEST

/* --- what is kept --- */

static const char *hash_of(const char *token)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char hex[HEX_SIZE(SHA256_DIGEST_LENGTH)];

	SHA256((const unsigned char *)token, strlen(token), digest);
	hex_encode(digest, sizeof digest, hex);
	return TEXT("%s", hex);
}

START_TEST(the_stores_hold_hashes_of_tokens_and_nothing_else)
{
	struct actor who = make_user("PRODUCER", producer.organization);

	log_in(&who);
	expect(answered(me(who.token), 200));
	make_location(&who);
	ck_assert_int_eq(
		sql_number(
			"SELECT count(*) FROM session WHERE access_hash = '\\x%s' AND refresh_hash = '\\x%s'",
			hash_of(who.token), hash_of(who.refresh)),
		1);
	const char *rows = sql_text("SELECT string_agg(s::text || encode(access_hash, 'escape') ||"
				    " encode(refresh_hash, 'escape'), ' ') FROM session s");
	ck_assert_ptr_null(strstr(rows, who.token));
	ck_assert_ptr_null(strstr(rows, who.refresh));
	const char *redis = redis_content();
	ck_assert_ptr_nonnull(strstr(redis, hash_of(who.token))); /* we are looking at the right place */
	ck_assert_ptr_null(strstr(redis, who.token));
	ck_assert_ptr_null(strstr(redis, who.refresh));
	ck_assert_ptr_null(strstr(redis, PASSWORD));
	ck_assert_ptr_null(strstr(redis, "@people.example"));
}
END_TEST

START_TEST(passwords_are_kept_as_argon2id_of_the_agreed_cost)
{
	ck_assert_int_eq(sql_number("SELECT count(*) FROM app_user WHERE password_hash NOT LIKE "
				    "'$argon2id$v=19$m=19456,t=2,p=1$%%'"),
		0);
}
END_TEST

START_TEST(a_hash_of_lower_cost_is_made_anew_at_the_next_login)
{
	/* Argon2id of "correct horse battery" with m=8192, t=1. */
	static const char weak[] = "$argon2id$v=19$m=8192,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Qd/uPU2dNuqz/"
				   "ljLQKUryhqKULDfO/egRNHbpCY1GDk";
	struct actor who = make_user("BUYER", buyer.organization);

	sql("UPDATE app_user SET password_hash = '%s' WHERE id = '%s'", weak, who.id);
	log_in(&who);
	const char *hash = sql_text("SELECT password_hash FROM app_user WHERE id = '%s'", who.id);
	ck_assert_int_eq(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
	log_in(&who);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_right_password_gives_two_tokens,
		an_address_is_found_in_any_case,
		a_wrong_password_an_unknown_address_and_an_inactive_user_get_the_same_answer,
		a_login_names_every_fault,
		a_login_that_is_no_json_is_told_so,
		a_password_over_128_characters_is_never_hashed,
		five_wrong_passwords_close_an_account_for_that_address_alone,
		an_account_that_does_not_exist_closes_just_the_same,
		fifty_failures_close_the_address,
		the_stores_hold_hashes_of_tokens_and_nothing_else,
		passwords_are_kept_as_argon2id_of_the_agreed_cost,
		a_hash_of_lower_cost_is_made_anew_at_the_next_login,
	};

	return world_run("login", tests, ARRAY_SIZE(tests));
}
