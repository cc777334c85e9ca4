/* The list of errors: each row is whole, codes are unique, and an unknown number is an internal error. */
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"
#include "suite.h"

START_TEST(every_error_has_a_status_a_code_and_a_text_in_each_language)
{
	for (int e = 1; e < ERR_COUNT; e++) {
		const struct err_info *info = err_info(e);
		ck_assert_msg(
			info->status == 0 || (info->status >= 400 && info->status <= 599), "%s", info->code);
		ck_assert_msg(
			strspn(info->code, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(info->code) &&
				*info->code,
			"error %d", e);
		for (int l = 0; info->status && l < LANGUAGE_COUNT; l++) {
			const char *detail = info->detail[l];
			size_t n = strlen(detail);
			ck_assert_msg(n > 1 && detail[n - 1] == '.', "%s in language %d", info->code, l);
			ck_assert_msg(utf8_valid(detail, n), "%s in language %d", info->code, l);
		}
	}
}
END_TEST

START_TEST(no_code_stands_twice)
{
	for (int a = 1; a < ERR_COUNT; a++)
		for (int b = a + 1; b < ERR_COUNT; b++)
			ck_assert_str_ne(err_info(a)->code, err_info(b)->code);
}
END_TEST

START_TEST(an_error_may_be_given_as_it_is_returned)
{
	ck_assert_ptr_eq(err_info(-ERR_NOT_FOUND), err_info(ERR_NOT_FOUND));
	ck_assert_int_eq(err_info(-ERR_NOT_FOUND)->status, 404);
	ck_assert_str_eq(err_info(ERR_UNAVAILABLE)->code, "unavailable");
	ck_assert_int_eq(err_info(ERR_NONE)->status, 200);
}
END_TEST

START_TEST(an_unknown_number_is_an_internal_error)
{
	static const int unknown[] = { ERR_COUNT, -ERR_COUNT, INT_MAX, -INT_MAX, INT_MIN };

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		ck_assert_ptr_eq(err_info(unknown[i]), err_info(ERR_INTERNAL));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_error_has_a_status_a_code_and_a_text_in_each_language,
		no_code_stands_twice,
		an_error_may_be_given_as_it_is_returned,
		an_unknown_number_is_an_internal_error,
	};

	return suite_run("err", tests, ARRAY_SIZE(tests));
}
