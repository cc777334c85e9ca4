/* Passwords that are tried first: the list is one that can be searched, and is searched in any case. */
#include "crypto/guessable.h"

#include <string.h>

#include "base/utf8.h"
#include "crypto/password.h"
#include "suite.h"

START_TEST(the_list_is_ordered_and_holds_each_once)
{
	ck_assert_uint_ge(common_password_count, 3000);
	for (size_t i = 1; i < common_password_count; i++)
		ck_assert_msg(strcmp(common_passwords[i - 1], common_passwords[i]) < 0, "'%s', '%s'",
			common_passwords[i - 1], common_passwords[i]);
}
END_TEST

START_TEST(each_could_be_a_password_and_stands_in_lower_case)
{
	for (size_t i = 0; i < common_password_count; i++) {
		const char *row = common_passwords[i];
		size_t n = strlen(row), characters = utf8_count(row, n);
		ck_assert_msg(utf8_valid(row, n), "'%s'", row);
		ck_assert_msg(characters >= PASSWORD_MIN && characters <= PASSWORD_MAX, "'%s'", row);
		ck_assert_msg(!strpbrk(row, "ABCDEFGHIJKLMNOPQRSTUVWXYZ \t\r\n"), "'%s'", row);
	}
}
END_TEST

START_TEST(every_one_of_them_is_refused_in_any_case)
{
	char shouted[PASSWORD_MAX + 1];

	for (size_t i = 0; i < common_password_count; i++) {
		size_t n = strlen(common_passwords[i]);
		for (size_t k = 0; k <= n; k++) {
			char c = common_passwords[i][k];
			shouted[k] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		}
		ck_assert_int_eq(guessable_common(common_passwords[i]), ERR_COMMON_PASSWORD);
		ck_assert_msg(guessable_common(shouted) == ERR_COMMON_PASSWORD, "%s", shouted);
	}
}
END_TEST

START_TEST(what_everybody_knows_is_in_it)
{
	static const char *const known[] = { "password", "12345678", "123456789", "1234567890", "qwertyuiop",
		"iloveyou", "sunshine", "princess", "football", "baseball", "superman", "trustno1",
		"11111111", "passw0rd", "password1", "Password123", "qwerty123", "1q2w3e4r", "1qaz2wsx",
		"starwars", "welcome1", "admin123", "changeme", "letmein1", "abcd1234", "asdfghjkl",
		"zxcvbnm1", "contrasena", "contrase\u00f1a", "teamo123", "agrobridge", "AgroBridge2026" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		ck_assert_msg(guessable_common(known[i]) == ERR_COMMON_PASSWORD, "%s", known[i]);
}
END_TEST

START_TEST(what_only_begins_or_ends_like_one_is_taken)
{
	static const char *const fine[] = { "correct horse battery", "passwor", "password of mine",
		"my password", "zzzzzzzzzzzz", "", "!", "\u00f1and\u00fa \u00e9l",
		"ma\u00f1ana comer\u00e9 mango" };

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		ck_assert_msg(guessable_common(fine[i]) == ERR_NONE, "%s", fine[i]);
}
END_TEST

START_TEST(nobodys_own_address_is_a_password)
{
	static const struct {
		const char *password;
		enum err err;
	} rows[] = {
		{ "ana.ruiz@example.org", ERR_COMMON_PASSWORD },
		{ "Ana.Ruiz@EXAMPLE.org", ERR_COMMON_PASSWORD },
		{ "ana.ruiz", ERR_COMMON_PASSWORD },
		{ "ANA.RUIZ", ERR_COMMON_PASSWORD },
		{ "ana.rui", ERR_NONE },
		{ "ana.ruiz@", ERR_NONE },
		{ "ana.ruiz1", ERR_NONE },
		{ "example.org", ERR_NONE },
		{ "ana.ruiz@example.com", ERR_NONE },
		{ "", ERR_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(guessable_address(rows[i].password, "ana.ruiz@example.org") == rows[i].err,
			"%s", rows[i].password);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_list_is_ordered_and_holds_each_once,
		each_could_be_a_password_and_stands_in_lower_case,
		every_one_of_them_is_refused_in_any_case,
		what_everybody_knows_is_in_it,
		what_only_begins_or_ends_like_one_is_taken,
		nobodys_own_address_is_a_password,
	};

	return suite_run("guessable", tests, ARRAY_SIZE(tests));
}
