/* Exact decimals: what is read, what is refused, and that comparing never rounds. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "http/decimal.h"

static struct arena arena;

static void make_arena(void)
{
	ck_assert_int_eq(arena_init(&arena, 1 << 20), 0);
}

static void release_arena(void)
{
	arena_release(&arena);
}

/* Read with 11 digits and 3 decimals, NUMERIC(14,3): as a string, and as a JSON number. */
static const struct {
	const char *text, *as_string, *as_number; /* NULL: refused */
	enum err string_err, number_err;
} rows[] = {
	{ "0", "0", "0", 0, 0 },
	{ "12.50", "12.50", "12.50", 0, 0 },
	{ "-12.5", "-12.5", "-12.5", 0, 0 },
	{ "-0", "0", "0", 0, 0 },
	{ "-0.00", "0.00", "0.00", 0, 0 },
	{ "0.001", "0.001", "0.001", 0, 0 },
	{ "-0.001", "-0.001", "-0.001", 0, 0 },
	{ "99999999999", "99999999999", "99999999999", 0, 0 },
	{ "99999999999.999", "99999999999.999", "99999999999.999", 0, 0 },
	{ "-99999999999.999", "-99999999999.999", "-99999999999.999", 0, 0 },
	{ "9007199254.740993", NULL, NULL, ERR_TOO_PRECISE, ERR_TOO_PRECISE },
	{ "0.10", "0.10", "0.10", 0, 0 },
	{ "1.500", "1.500", "1.500", 0, 0 },
	{ "1.5000", "1.500", "1.500", 0, 0 }, /* zeros say nothing more */
	{ "1.50000000000000000000000000000000000000000000000000000000000000000000000000", "1.500", "1.500", 0,
		0 },
	{ "0.0000", "0.000", "0.000", 0, 0 },
	{ "1.0001", NULL, NULL, ERR_TOO_PRECISE, ERR_TOO_PRECISE },
	{ "0.00000000000000000000000000000000000001", NULL, NULL, ERR_TOO_PRECISE, ERR_TOO_PRECISE },
	{ "100000000000", NULL, NULL, ERR_OUT_OF_RANGE, ERR_OUT_OF_RANGE },
	{ "100000000000.0001", NULL, NULL, ERR_OUT_OF_RANGE, ERR_OUT_OF_RANGE },
	{ "123456789012345678901234567890", NULL, NULL, ERR_OUT_OF_RANGE, ERR_OUT_OF_RANGE },
	/* An exponent only where JSON has one. */
	{ "1e3", NULL, "1000", ERR_BAD_FORMAT, 0 },
	{ "1E3", NULL, "1000", ERR_BAD_FORMAT, 0 },
	{ "1e+3", NULL, "1000", ERR_BAD_FORMAT, 0 },
	{ "1e0", NULL, "1", ERR_BAD_FORMAT, 0 },
	{ "1e-3", NULL, "0.001", ERR_BAD_FORMAT, 0 },
	{ "-1.5e-1", NULL, "-0.15", ERR_BAD_FORMAT, 0 },
	{ "1.50e1", NULL, "15.0", ERR_BAD_FORMAT, 0 },
	{ "1.5e2", NULL, "150", ERR_BAD_FORMAT, 0 },
	{ "0.001e3", NULL, "1", ERR_BAD_FORMAT, 0 },
	{ "0.00001e30", NULL, NULL, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE },
	{ "12345e-2", NULL, "123.45", ERR_BAD_FORMAT, 0 },
	{ "1e-4", NULL, NULL, ERR_BAD_FORMAT, ERR_TOO_PRECISE },
	{ "10e-4", NULL, "0.001", ERR_BAD_FORMAT, 0 },
	{ "1e10", NULL, "10000000000", ERR_BAD_FORMAT, 0 },
	{ "1e11", NULL, NULL, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE },
	{ "0e30", NULL, "0", ERR_BAD_FORMAT, 0 },
	{ "0.0e-30", NULL, "0.000", ERR_BAD_FORMAT, 0 },
	{ "1e00000000000000000000000000000000002", NULL, "100", ERR_BAD_FORMAT, 0 },
	{ "0e31", NULL, NULL, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE },
	{ "0e-31", NULL, NULL, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE },
	{ "1e999", NULL, NULL, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE },
	{ "1e-99999999999999999999", NULL, NULL, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE },
	{ "1e99999999999999999999", NULL, NULL, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE },
	/* No number at all. */
	{ "", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "-", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "+1", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "--1", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "01", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "-01", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "00", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ ".5", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1.", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1.2.3", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1,5", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ " 1", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1 ", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1\n", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1e", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1e+", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "1e1.5", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "e1", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "0x10", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "NaN", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "Infinity", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "１", NULL, NULL, ERR_BAD_FORMAT, ERR_BAD_FORMAT },
};

static void check_read(const char *text, bool exponent_allowed, const char *expected, enum err expected_err)
{
	const char *value = "untouched";
	enum err err = decimal_read(&arena, text, exponent_allowed, 11, 3, &value);

	ck_assert_msg(err == expected_err, "%s: %s", text, err_info((int)err)->code);
	ck_assert_str_eq(value, expected ? expected : "untouched");
}

START_TEST(a_decimal_is_read_exactly_or_refused)
{
	check_read(rows[_i].text, false, rows[_i].as_string, rows[_i].string_err);
	check_read(rows[_i].text, true, rows[_i].as_number, rows[_i].number_err);
}
END_TEST

START_TEST(without_decimals_there_is_no_point)
{
	const char *value;

	ck_assert_int_eq(decimal_read(&arena, "7.00", false, 2, 0, &value), ERR_NONE);
	ck_assert_str_eq(value, "7");
	ck_assert_int_eq(decimal_read(&arena, "7.01", false, 2, 0, &value), ERR_TOO_PRECISE);
	ck_assert_int_eq(decimal_read(&arena, "107", false, 2, 0, &value), ERR_OUT_OF_RANGE);
	ck_assert_int_eq(decimal_read(&arena, "0.5", false, 0, 1, &value), ERR_NONE);
	ck_assert_str_eq(value, "0.5");
}
END_TEST

START_TEST(a_million_digits_cost_no_more_than_reading_them)
{
	enum { LENGTH = 1 << 20 };
	static char text[LENGTH + 1];
	const char *value;

	memset(text, '0', LENGTH);
	memcpy(text, "1.5", 3);
	size_t used = arena.used;
	ck_assert_int_eq(decimal_read(&arena, text, true, 11, 3, &value), ERR_NONE);
	ck_assert_str_eq(value, "1.500");
	ck_assert_uint_lt(arena.used - used, 256);
	text[LENGTH - 1] = '1';
	ck_assert_int_eq(decimal_read(&arena, text, true, 11, 3, &value), ERR_TOO_PRECISE);
	text[1] = '0';
	ck_assert_int_eq(decimal_read(&arena, text, true, 11, 3, &value), ERR_OUT_OF_RANGE);
}
END_TEST

/* From the smallest to the largest; those that are equal stand on one line. */
static const char *const ordered[][3] = {
	{ "-99999999999999999999.999" },
	{ "-10" },
	{ "-9.99" },
	{ "-1.5", "-1.50" },
	{ "-1" },
	{ "-0.001" },
	{ "0", "0.0", "0.000" },
	{ "0.001", "0.0010" },
	{ "0.01" },
	{ "1", "1.0" },
	{ "1.05" },
	{ "1.5", "1.50", "1.500" },
	{ "9" },
	{ "10" },
	{ "9007199254740992" },
	{ "9007199254740993" }, /* the same double as the one above */
	{ "9007199254740993.1" },
};

START_TEST(decimals_compare_as_numbers)
{
	for (size_t a = 0; a < ARRAY_SIZE(ordered); a++)
		for (size_t b = 0; b < ARRAY_SIZE(ordered); b++)
			for (int i = 0; i < 9; i++) {
				const char *x = ordered[a][i / 3], *y = ordered[b][i % 3];
				if (!x || !y)
					continue;
				int order = decimal_compare(x, y);
				ck_assert_msg((order > 0) - (order < 0) == (a > b) - (a < b), "%s, %s", x, y);
			}
}
END_TEST

START_TEST(integers_read_back_and_compare_as_the_machine_does)
{
	enum { ROUNDS = 20000 };
	unsigned seed = 20260501;

	printf("seed %u\n", seed);
	for (int i = 0; i < ROUNDS; i++) {
		int a = (int)(rand_r(&seed) % 4001) - 2000, b = (int)(rand_r(&seed) % 4001) - 2000;
		char a_text[32], b_text[32];
		const char *x, *y;
		/* a / 100, with two decimals, and b likewise but as a number with exponent. */
		snprintf(a_text, sizeof a_text, "%s%d.%02d", a < 0 ? "-" : "", abs(a) / 100, abs(a) % 100);
		snprintf(b_text, sizeof b_text, "%de-2", b);
		ck_assert_int_eq(decimal_read(&arena, a_text, false, 11, 3, &x), ERR_NONE);
		ck_assert_int_eq(decimal_read(&arena, b_text, true, 11, 3, &y), ERR_NONE);
		ck_assert_str_eq(x, a_text);
		int order = decimal_compare(x, y);
		ck_assert_msg((order > 0) - (order < 0) == (a > b) - (a < b), "%s, %s", x, y);
		arena_reset(&arena);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decimal");
	TCase *tc = tcase_create("decimal");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_arena, release_arena);
	tcase_add_loop_test(tc, a_decimal_is_read_exactly_or_refused, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, without_decimals_there_is_no_point);
	tcase_add_test(tc, a_million_digits_cost_no_more_than_reading_them);
	tcase_add_test(tc, decimals_compare_as_numbers);
	tcase_add_test(tc, integers_read_back_and_compare_as_the_machine_does);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
