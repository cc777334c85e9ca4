/* Passwords: the right one opens, a wrong one and an unknown user cost the same, old parameters are noticed. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto/password.h"
#include "suite.h"

/* Another implementation's (libsodium's crypto_pwhash_argon2id()), of "correct horse" and the salt "0123456789abcdef". */
static const char reference[] =
	"$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk";

START_TEST(a_hash_opens_for_its_password_alone)
{
	static const char *const passwords[] = { "correct horse", "contraseña con ñ \xf0\x9f\xa5\x91",
		"        ",
		("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") };
	char hash[PASSWORD_HASH_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(passwords); i++) {
		ck_assert_int_eq(password_hash(passwords[i], hash), 0);
		ck_assert(password_verify(hash, passwords[i]));
		ck_assert(!password_verify(hash, passwords[(i + 1) % ARRAY_SIZE(passwords)]));
	}
	ck_assert(!password_verify(hash, "")); /* the last one's end and case count too */
	ck_assert(!password_verify(hash, passwords[3] + 1));
}
END_TEST

START_TEST(it_is_the_algorithm_that_it_says)
{
	ck_assert(password_verify(reference, "correct horse"));
	ck_assert(!password_verify(reference, "Correct horse"));
	ck_assert(!password_is_stale(reference));
}
END_TEST

START_TEST(each_hash_has_its_own_salt_and_todays_parameters)
{
	char a[PASSWORD_HASH_SIZE], b[PASSWORD_HASH_SIZE];

	ck_assert_int_eq(password_hash("correct horse", a), 0);
	ck_assert_int_eq(password_hash("correct horse", b), 0);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(strncmp(a, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
	ck_assert_uint_lt(strlen(a), PASSWORD_HASH_SIZE);
	ck_assert(!password_is_stale(a));
}
END_TEST

START_TEST(other_parameters_are_stale)
{
	static const char *const stale[] = { "$argon2id$v=19$m=19456,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=4096,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=16$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", "$2b$12$x", "" };

	for (size_t i = 0; i < ARRAY_SIZE(stale); i++)
		ck_assert_msg(password_is_stale(stale[i]), "%s", stale[i]);
}
END_TEST

START_TEST(a_damaged_hash_opens_for_nobody)
{
	char cut[PASSWORD_HASH_SIZE];

	ck_assert(!password_verify("", "correct horse"));
	ck_assert(!password_verify("correct horse", "correct horse"));
	snprintf(cut, sizeof cut, "%.*s", (int)strlen(reference) - 4, reference);
	ck_assert(!password_verify(cut, "correct horse"));
}
END_TEST

START_TEST(a_fingerprint_is_that_of_its_text_and_salt)
{
	static const uint8_t salts[2][16] = { { 1 }, { 2 } };
	uint8_t a[32], b[32];

	ck_assert_int_eq(password_fingerprint("text", 4, salts[0], 16, a), 0);
	ck_assert_int_eq(password_fingerprint("text", 4, salts[0], 16, b), 0);
	ck_assert_mem_eq(a, b, sizeof a);
	ck_assert_int_eq(password_fingerprint("texT", 4, salts[0], 16, b), 0);
	ck_assert_mem_ne(a, b, sizeof a);
	ck_assert_int_eq(password_fingerprint("text", 4, salts[1], 16, b), 0);
	ck_assert_mem_ne(a, b, sizeof a);
	/* A hash of today's cost, with that salt in its text. */
	ck_assert_int_eq(password_fingerprint("correct horse", 13, "0123456789abcdef", 16, a), 0);
	ck_assert_int_eq(a[0], 0xae); /* rk2M… of the reference */
	ck_assert_int_eq(a[1], 0x4d);
	ck_assert_int_eq(a[31], 0x99); /* …qGJk */
}
END_TEST

/* Processor time of this process, us: what others do on the machine does not count. */
static int64_t cpu_of(const char *hash, const char *password)
{
	struct timespec start, end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	ck_assert(!password_verify(hash, password));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	return (end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000;
}

START_TEST(an_unknown_user_costs_what_a_wrong_password_does)
{
	int64_t wrong = 0, unknown = 0;

	cpu_of(reference, "warm up");
	for (int i = 0; i < 5; i++) {
		wrong += cpu_of(reference, "wrong horse");
		unknown += cpu_of(NULL, "wrong horse");
	}
	ck_assert_int_gt(unknown, wrong / 2);
	ck_assert_int_lt(unknown, wrong * 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_hash_opens_for_its_password_alone,
		it_is_the_algorithm_that_it_says,
		each_hash_has_its_own_salt_and_todays_parameters,
		other_parameters_are_stale,
		a_damaged_hash_opens_for_nobody,
		an_unknown_user_costs_what_a_wrong_password_does,
		a_fingerprint_is_that_of_its_text_and_salt,
	};

	return suite_run("password", tests, ARRAY_SIZE(tests));
}
