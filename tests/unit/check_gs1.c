/* GS1 rules: check digits, lot codes, the 14 digits GTINs are stored in. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "http/gs1.h"

static const struct {
	const char *text;
	enum err gtin, gln;
} numbers[] = {
	{ "96385074", ERR_NONE, ERR_BAD_FORMAT },                      /* GTIN-8 */
	{ "614141999996", ERR_NONE, ERR_BAD_FORMAT },                  /* GTIN-12 */
	{ "4006381333931", ERR_NONE, ERR_NONE },                       /* 13: GTIN or GLN */
	{ "6291041500213", ERR_NONE, ERR_NONE },                       /* the example of section 7.9.1 */
	{ "04012345123456", ERR_NONE, ERR_BAD_FORMAT },                /* GTIN-14 */
	{ "96385075", ERR_BAD_CHECK_DIGIT, ERR_BAD_FORMAT },           /* last digit changed */
	{ "4006381333913", ERR_BAD_CHECK_DIGIT, ERR_BAD_CHECK_DIGIT }, /* two digits exchanged */
	{ "4006381333930", ERR_BAD_CHECK_DIGIT, ERR_BAD_CHECK_DIGIT },
	{ "04012345123457", ERR_BAD_CHECK_DIGIT, ERR_BAD_FORMAT },
	{ "", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "0", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "9638507", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "963850749", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "004012345123456", ERR_BAD_FORMAT, ERR_BAD_FORMAT }, /* 15 */
	{ "400638133393x", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "-006381333931", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ " 4006381333931", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
	{ "٤٠٠٦٣٨", ERR_BAD_FORMAT, ERR_BAD_FORMAT },
};

START_TEST(a_number_has_its_length_and_its_check_digit)
{
	ck_assert_msg(gs1_gtin(numbers[_i].text) == numbers[_i].gtin, "as GTIN: %s", numbers[_i].text);
	ck_assert_msg(gs1_gln(numbers[_i].text) == numbers[_i].gln, "as GLN: %s", numbers[_i].text);
}
END_TEST

START_TEST(any_single_wrong_digit_is_found)
{
	static const char *const right[] = { "96385074", "614141999996", "6291041500213", "04012345123456" };

	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		for (size_t place = 0; right[i][place]; place++) {
			for (char digit = '0'; digit <= '9'; digit++) {
				char text[GTIN14_SIZE];
				memcpy(text, right[i], strlen(right[i]) + 1);
				text[place] = digit;
				enum err err = digit == right[i][place] ? ERR_NONE : ERR_BAD_CHECK_DIGIT;
				ck_assert_int_eq(gs1_gtin(text), err);
				ck_assert_int_eq(gs1_gln(text), strlen(text) == 13 ? err : ERR_BAD_FORMAT);
			}
		}
	}
}
END_TEST

START_TEST(a_lot_code_has_1_to_20_characters)
{
	ck_assert_int_eq(gs1_lot_code(""), ERR_TOO_SHORT);
	ck_assert_int_eq(gs1_lot_code("L"), ERR_NONE);
	ck_assert_int_eq(gs1_lot_code("12345678901234567890"), ERR_NONE);
	ck_assert_int_eq(gs1_lot_code("123456789012345678901"), ERR_TOO_LONG);
}
END_TEST

START_TEST(a_lot_code_is_of_the_82_characters)
{
	int allowed = 0;

	for (int c = 1; c < 256; c++) {
		char text[] = { (char)c, '\0' };
		enum err err = gs1_lot_code(text);
		ck_assert(err == ERR_NONE || err == ERR_BAD_CHARACTER);
		allowed += err == ERR_NONE;
	}
	ck_assert_int_eq(allowed, 82);
	/* ASCII's other visible characters. */
	for (const char *c = "#$@[\\]^`{|}~ "; *c; c++) {
		char text[] = { 'A', *c, '\0' };
		ck_assert_int_eq(gs1_lot_code(text), ERR_BAD_CHARACTER);
	}
	ck_assert_int_eq(gs1_lot_code("Añejo"), ERR_BAD_CHARACTER);
}
END_TEST

START_TEST(every_gtin_is_stored_with_14_digits)
{
	static const struct {
		const char *gtin, *stored;
	} rows[] = {
		{ "96385074", "00000096385074" },
		{ "614141999996", "00614141999996" },
		{ "4006381333931", "04006381333931" },
		{ "04012345123456", "04012345123456" },
	};
	char stored[GTIN14_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gs1_gtin14(rows[i].gtin, stored);
		ck_assert_str_eq(stored, rows[i].stored);
		ck_assert_int_eq(gs1_gtin(stored), ERR_NONE);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gs1");
	TCase *tc = tcase_create("gs1");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, a_number_has_its_length_and_its_check_digit, 0, ARRAY_SIZE(numbers));
	tcase_add_test(tc, any_single_wrong_digit_is_found);
	tcase_add_test(tc, a_lot_code_has_1_to_20_characters);
	tcase_add_test(tc, a_lot_code_is_of_the_82_characters);
	tcase_add_test(tc, every_gtin_is_stored_with_14_digits);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
