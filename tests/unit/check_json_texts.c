/* What is JSON and what is not, one text a rule of RFC 8259, each under the name of what it shows; and what the RFC leaves to
 * us, with what we chose. The tree that is read is in check_json.c, our own rules with their pointers in check_json_rules.c. */
#include <cJSON.h>
#include <string.h>

#include "base/err.h"
#include "http/json.h"
#include "suite.h"

static struct arena arena;

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

/* A text with its length, because some hold NUL. */
struct text {
	const char *name, *bytes;
	size_t n;
};

#define T(name, text)                                                                                        \
	{                                                                                                    \
		name, text, sizeof(text) - 1                                                                 \
	}

/* clang-format off */
static const struct text accepted[] = {
	/* section 2: any value may be the root, white space is of four characters */
	T("root_null", "null"), T("root_true", "true"), T("root_false", "false"), T("root_number", "0"), T("root_negative", "-1"),
	T("root_empty_string", "\"\""), T("root_string", "\"asd\""), T("root_empty_array", "[]"), T("root_empty_object", "{}"),
	T("space_of_all_four_kinds", " \t\r\n1\n"), T("space_within_an_empty_array", "[ ]"), T("space_within_brackets", "[[] ]"),
	T("space_before", " [1]"), T("space_behind", "[2] "), T("space_around_each_token", "{ \"a\" : 1 , \"b\" : [ 2 ] }"),
	T("newline_before_the_end", "[1\n]"), T("newlines_in_an_object", "{\n\"a\": \"b\"\n}"),

	/* sections 4 and 5: objects and arrays */
	T("array_of_an_empty_string", "[\"\"]"), T("array_of_nulls", "[1,null,null,null,2]"), T("arrays_in_arrays", "[[[]]]"),
	T("array_of_objects", "[{},{}]"), T("array_of_every_kind", "[null,1,\"1\",{},[],true,false]"),
	T("objects_in_arrays_in_arrays", "[[],[],{\"a\":{}}]"), T("object_with_an_empty_name", "{\"\":0}"),
	T("object_with_an_array", "{\"a\":[]}"), T("object_with_two_names", "{\"a\":0,\"b\":0}"),
	T("object_with_names_that_differ_in_case", "{\"a\":0,\"A\":0}"), T("object_with_names_that_differ_in_a_blank", "{\"a\":0,\"a \":0}"),
	T("object_with_an_escaped_value", "{\"title\":\"\\u041f\\u043e\"}"), T("object_with_an_escaped_name", "{\"\\u0061\":0}"),
	T("names_of_two_objects_alike", "[{\"a\":0},{\"a\":0}]"), T("a_name_like_its_value", "{\"a\":\"a\"}"),

	/* section 6: numbers, however large or precise */
	T("number_zero", "[0]"), T("number_minus_zero", "[-0]"), T("number_minus_zero_with_a_fraction", "[-0.0]"), T("number_of_digits", "[123]"),
	T("number_negative", "[-123]"), T("number_negative_one_digit", "[-1]"), T("number_after_a_blank", "[ 4]"), T("number_with_a_fraction", "[123.456789]"),
	T("number_zero_with_a_fraction", "[0.5]"), T("number_with_zeros_at_its_end", "[1.5000]"), T("exponent", "[123e65]"), T("exponent_capital", "[1E22]"),
	T("exponent_with_plus", "[1e+2]"), T("exponent_with_minus", "[1e-2]"), T("exponent_capital_with_plus", "[1E+2]"), T("exponent_capital_with_minus", "[1E-2]"),
	T("exponent_of_zero", "[0e1]"), T("exponent_of_zero_with_plus", "[0e+1]"), T("exponent_after_a_fraction", "[123.456e78]"), T("exponent_zero", "[20e0]"),
	T("exponent_with_leading_zeros", "[0.4e00669999999999]"), T("number_too_large_for_a_double", "[1e999]"), T("number_too_small_for_a_double", "[-1e-99999]"),
	T("number_near_zero", "[-0.000000000000000000000000000000000000000000000000000001]"), T("integer_beyond_64_bits", "[18446744073709551616]"),
	T("integer_of_a_hundred_digits", "[100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]"),
	T("fraction_of_many_digits", "[123.456123456123456123456123456123456123456123456123456123456123456123456123456123456123456123456e3]"),

	/* section 7: strings */
	T("string_of_a_blank", "[\" \"]"), T("escape_each_of_eight", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), T("escape_four_digits", "[\"\\u0060\\u012a\\u12AB\"]"),
	T("escape_digits_of_both_cases", "[\"\\u00aF\\u00Af\"]"), T("escape_of_a_control", "[\"\\u0012\"]"), T("escape_of_quote_and_backslash", "[\"\\u005C\\u0022\"]"),
	T("escape_of_a_pair", "[\"\\uD801\\udc37\"]"), T("escape_of_two_pairs", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"), T("escape_of_the_last_character", "[\"\\uDBFF\\uDFFF\"]"),
	T("escape_of_a_noncharacter", "[\"\\uFFFF\"]"), T("escape_of_a_blank_that_is_none", "[\"new\\u00A0line\"]"), T("escape_before_the_surrogates", "[\"\\ud7ff\\ue000\"]"),
	T("escaped_backslash_before_a_u", "[\"\\\\u0000\"]"), T("escaped_backslash_and_quote", "[\"\\\\\\\"\"]"), T("escaped_backslash_before_a_letter", "[\"\\\\a\"]"),
	T("string_like_comments", "[\"a/*b*/c/*d//e\"]"), T("string_like_brackets", "[\"[{]}:,\"]"), T("string_with_del", "[\"\x7f\"]"),
	T("utf8_of_two_bytes", "[\"\xc3\xa9\"]"), T("utf8_of_three_bytes", "[\"\xe2\x82\xac\"]"), T("utf8_of_four_bytes", "[\"\xf0\x9d\x84\x9e\"]"), T("utf8_first_of_two", "[\"\xc2\x80\"]"),
	T("utf8_last_of_two", "[\"\xdf\xbf\"]"), T("utf8_first_of_three", "[\"\xe0\xa0\x80\"]"), T("utf8_last_before_the_surrogates", "[\"\xed\x9f\xbf\"]"),
	T("utf8_first_after_the_surrogates", "[\"\xee\x80\x80\"]"), T("utf8_first_of_four", "[\"\xf0\x90\x80\x80\"]"), T("utf8_last_of_all", "[\"\xf4\x8f\xbf\xbf\"]"),
	T("utf8_noncharacter", "[\"\xef\xbf\xbf\"]"), T("utf8_line_separators", "[\"\xe2\x80\xa8\xe2\x80\xa9\"]"), T("utf8_byte_order_mark_in_a_string", "[\"\xef\xbb\xbf\"]"),
};

static const struct text refused[] = {
	/* nothing, or more than one value */
	T("nothing", ""), T("a_blank", " "), T("two_arrays", "[] []"), T("two_arrays_joined", "[][]"), T("two_numbers", "1 2"), T("a_letter_behind", "[1]x"),
	T("a_bracket_behind", "[1]]"), T("a_brace_behind", "{}}"), T("a_comma_behind", "[],"), T("a_number_sign_behind", "{} #"), T("a_string_behind", "{\"a\":true} \"x\""),
	T("nul_behind", "1\0"), T("nul_behind_an_array", "[]\0"), T("nul_alone", "\0"), T("nul_between_tokens", "[1,\0]"),
	T("utf16_little_endian", "\xff\xfe[\0]\0"), T("utf16_big_endian", "\0[\0\"\0\xe9\0\"\0]"), T("a_cut_byte_order_mark", "\xef\xbb{}"),

	/* words */
	T("word_cut_null", "nul"), T("word_cut_true", "tru"), T("word_cut_false", "fals"), T("word_other", "truth"), T("word_capital_true", "[True]"), T("word_capital_null", "[nUll]"),
	T("word_capitals", "NULL"), T("word_undefined", "undefined"), T("word_too_long", "nullx"), T("word_of_a_letter", "a"), T("words_joined", "[truefalse]"),

	/* numbers */
	T("leading_zero", "01"), T("leading_zero_negative", "-01"), T("leading_zero_in_an_array", "[-012]"), T("two_zeros", "00"), T("two_zeros_with_a_fraction", "[00.0]"), T("two_zeros_with_an_exponent", "[-00e0]"),
	T("point_at_the_end", "2."), T("point_before_an_exponent", "[2.e3]"), T("point_before_an_exponent_with_plus", "[2.e+3]"), T("point_before_an_exponent_of_zero", "[0.e1]"), T("point_first", ".5"), T("point_first_in_an_array", "[.123]"),
	T("minus_before_a_point", "[-.123]"), T("point_before_a_minus", "[.-1]"), T("point_alone", "[.]"), T("two_points", "0.1.2"), T("plus", "+1"), T("two_pluses", "[++1234]"), T("minus_and_a_blank", "[- 1]"), T("minus_alone", "-"),
	T("two_minuses", "[--2.]"), T("minus_before_letters", "[-foo]"), T("minus_behind", "[1-]"), T("exponent_without_digits", "1e"), T("exponent_of_plus_alone", "1e+"), T("exponent_of_zero_without_digits", "[0e]"),
	T("exponent_capital_of_plus_alone", "[0E+]"), T("exponent_after_a_fraction_without_digits", "[0.3e+]"), T("exponent_of_minus_alone", "[1.0e-]"), T("exponent_twice", "[1eE2]"), T("exponent_after_a_point", "[9.e+]"),
	T("exponent_with_a_fraction", "[1e1.5]"), T("exponent_of_letters", "[1ea]"), T("exponent_first", "[e1]"), T("number_with_a_blank", "[1 000.0]"), T("number_with_a_line_below", "[1_000]"), T("number_with_a_comma", "[1,000]x"), T("nan", "NaN"), T("minus_nan", "[-NaN]"),
	T("infinity", "[Infinity]"), T("minus_infinity", "[-Infinity]"), T("inf", "[Inf]"), T("hexadecimal", "[0x1]"), T("hexadecimal_of_two_digits", "[0x42]"), T("octal", "[0o7]"), T("binary", "[0b1]"), T("sum", "[1+2]"), T("letter_behind_a_number", "1a"),
	T("letter_in_a_fraction", "[1.2a-3]"), T("suffix", "[1.8011670033376514H-308]"), T("letter_behind_a_minus", "[-1x]"), T("bad_byte_behind_a_number", "[123\xe5]"), T("bad_byte_behind_an_exponent", "[1e1\xe5]"), T("bad_byte_behind_a_zero", "[0\xe5]"),
	T("digit_of_full_width", "[\xef\xbc\x91]"), T("semicolon_between_numbers", "[1;2]"),

	/* strings */
	T("quote_alone", "\""), T("string_not_closed", "[\"asd]"), T("string_cut", "[\"a"), T("single_quotes", "['a']"), T("string_without_quotes", "abc"), T("escape_of_two_digits", "[\"\\x00\"]"), T("escape_of_a_bell", "[\"\\a\"]"),
	T("escape_of_a_vertical_tab", "[\"\\v\"]"), T("escape_of_a_single_quote", "[\"\\'\"]"), T("escape_of_a_digit", "\"\\12\""), T("escape_u_without_digits", "[\"\\u\"]"), T("escape_u_of_three_digits", "[\"\\u00A\"]"), T("escape_u_then_a_quote", "[\"\\u00\\\"]"),
	T("escape_u_of_letters", "[\"\\uqqqq\"]"), T("escape_u_with_minus", "[\"\\u-123\"]"), T("escape_u_with_plus", "[\"\\u+123\"]"), T("escape_u_with_a_blank", "[\"\\u 123\"]"), T("escape_u_with_0x", "[\"\\u0x41\"]"), T("escape_u_capital", "[\"\\U0061\"]"), T("escape_u_in_braces", "[\"\\u{61}\"]"),
	T("escape_cut", "[\"\\"), T("escape_of_the_last_quote", "[\"\\\"]"), T("escape_of_the_last_of_three", "[\"\\\\\\\"]"), T("escape_u_cut", "[\"\\u1"), T("escape_second_half_cut", "[\"\\uD834\\uDd\"]"), T("escape_second_half_of_a_digit", "[\"\\uD800\\u1\"]"),
	T("escape_second_half_of_letters", "[\"\\uD800\\u1x\"]"), T("escape_after_a_half", "[\"\\uD800\\\"]"), T("escape_of_a_brace", "[\"\\{[\"\\{"), T("escape_of_an_emoji", "[\"\\\xf0\x9f\x8c\x80\"]"), T("escape_of_nul", "[\"\\\0\"]"), T("escape_outside", "[\\n]"),
	T("escape_u_of_a_bad_byte", "[\"\\u\xe5\"]"), T("escape_of_a_bad_byte", "[\"\\\xe5\"]"), T("escape_instead_of_a_quote", "[\"\\u0022]"), T("escaped_root", "\\u0020"), T("raw_tab", "[\"\t\"]"), T("raw_newline", "[\"new\nline\"]"), T("raw_return", "[\"a\rb\"]"),
	T("raw_unit_separator", "[\"\x1f\"]"), T("raw_start_of_heading", "[\"\x01\"]"), T("raw_escape", "[\"\x1b\"]"), T("raw_form_feed", "[\"\f\"]"), T("raw_nul", "[\"\0\"]"), T("raw_nul_between", "[\"a\0a\"]"), T("raw_control_in_a_name", "{\"\n\":0}"), T("accent_without_quotes", "[\xc3\xa9]"),

	/* UTF-8 that is none */
	T("utf8_byte_ff", "[\"\xff\"]"), T("utf8_byte_fe", "[\"\xfe\"]"), T("utf8_tail_alone", "[\"\x80\"]"), T("utf8_last_tail_alone", "[\"\xbf\"]"), T("utf8_overlong_slash", "[\"\xc0\xaf\"]"), T("utf8_overlong_nul", "[\"\xc0\x80\"]"), T("utf8_overlong_del", "[\"\xc1\xbf\"]"),
	T("utf8_overlong_of_three", "[\"\xe0\x80\xaf\"]"), T("utf8_overlong_of_four", "[\"\xf0\x80\x80\xaf\"]"), T("utf8_of_five_bytes", "[\"\xf8\x88\x80\x80\x80\"]"), T("utf8_of_six_bytes", "[\"\xfc\x83\xbf\xbf\xbf\xbf\"]"), T("utf8_first_surrogate", "[\"\xed\xa0\x80\"]"),
	T("utf8_last_surrogate", "[\"\xed\xbf\xbf\"]"), T("utf8_pair_of_surrogates", "[\"\xed\xa0\xbd\xed\xb8\x80\"]"), T("utf8_beyond_10ffff", "[\"\xf4\x90\x80\x80\"]"), T("utf8_lead_f5", "[\"\xf5\x80\x80\x80\"]"), T("utf8_bad_tail", "[\"\xe0\xff\"]"), T("utf8_cut_of_three", "[\"\xe2\x82\"]"), T("utf8_cut_of_four", "[\"\xf0\x9f\x98\"]"),
	T("utf8_cut_of_two", "[\"\xc3\"]"), T("utf8_cut_by_the_end", "[\"\xc3"), T("utf8_of_four_cut_by_the_end", "[\"\xf0"), T("utf8_bad_after_good", "[\"\xe6\x97\xa5\xd1\x88\xfa\"]"), T("utf8_bad_name", "{\"\xff\":1}"), T("utf8_bad_name_and_a_comma", "{\"\xb9\":\"0\",}"), T("utf8_bad_root", "\xe5"),

	/* arrays and objects */
	T("array_open", "["), T("array_close", "]"), T("object_open", "{"), T("object_close", "}"), T("array_cut", "[1"), T("array_cut_after_a_comma", "[1,"), T("array_trailing_comma", "[1,]"), T("array_leading_comma", "[,1]"), T("array_two_commas", "[1,,2]"),
	T("array_comma_alone", "[,]"), T("array_two_trailing_commas", "[\"\",,]"), T("array_without_a_comma", "[1 true]"), T("array_of_a_letter", "[a"), T("array_joined_to_a_number", "[3[4]]"), T("array_with_a_colon", "[1:2]"), T("array_cut_after_a_string", "[\"a\""),
	T("array_cut_after_a_string_and_comma", "[\"a\","), T("array_closed_by_a_brace", "[1}"), T("object_closed_by_a_bracket", "{1]"), T("crossed_brackets", "[{]}"), T("crossed_braces", "{\"a\":[}"), T("parentheses", "[1))"), T("object_trailing_comma", "{\"a\":1,}"),
	T("object_leading_comma", "{,\"a\":1}"), T("object_two_commas", "{\"a\":1,,\"b\":2}"), T("object_two_trailing_commas", "{\"a\":1,,}"), T("object_without_a_value", "{\"a\"}"), T("object_colon_without_a_value", "{\"a\":}"), T("object_cut_after_a_colon", "{\"a\":"), T("object_cut_after_a_name", "{\"a\""),
	T("object_name_and_a_letter", "{\"a\" b}"), T("object_without_a_colon", "{\"a\" 1}"), T("object_two_colons", "{\"a\"::1}"), T("object_bare_name", "{a:1}"), T("object_name_in_single_quotes", "{'a':0}"), T("object_number_as_name", "{1:1}"), T("object_null_as_name", "{null:null,null:null}"),
	T("object_without_a_name", "{:\"b\"}"), T("object_array_as_name", "{[:1}"), T("object_without_a_comma", "{\"a\":1 \"b\":2}"), T("object_comma_for_a_colon", "{\"x\", null}"), T("object_two_strings", "{\"a\" \"b\"}"), T("object_in_an_object", "{{}}"), T("array_in_an_object", "{[]}"),
	T("object_in_an_array_trailing_comma", "[{\"a\":1,}]"), T("object_second_name_bare", "{\"a\":1,b}"), T("object_semicolon", "{\"a\":1;\"b\":2}"), T("object_equals_sign", "{\"a\"=1}"), T("object_closed_wrongly", "{\"a\":1]"),
	T("comment_behind", "{\"a\":\"b\"}/**/"), T("comment_within", "{\"a\":/*c*/\"b\"}"), T("comment_of_a_line", "{\"a\":\"b\"}//"), T("comment_of_a_line_before", "// x\n{}"), T("comment_of_a_shell", "{\"a\":\"b\"}#"), T("angle_brackets", "<null>"), T("asterisk", "*"), T("asterisk_in_an_array", "[*]"),

	/* white space that is none */
	T("space_form_feed", "[\f]"), T("space_form_feed_first", "\f1"), T("space_vertical_tab", "[1\v]"), T("space_no_break", "[\xc2\xa0]"), T("space_word_joiner", "[\xe2\x81\xa0]"), T("space_line_separator", "1\xe2\x80\xa8"), T("space_backspace", "[\b1]"),
	T("space_unit_separator", "[1,\x1f 2]"), T("space_ideographic", "\xe3\x80\x80[]"), T("space_next_line", "[\xc2\x85]"),
};

/* Where RFC 8259 allows a reader to differ, or to have limits: what ours says. */
static const struct {
	struct text text;
	int result;
} left_to_us[] = {
	{ T("byte_order_mark", "\xef\xbb\xbf{}"), -ERR_BAD_JSON }, /* section 8.1: may be ignored, must not be sent */
	{ T("byte_order_mark_alone", "\xef\xbb\xbf"), -ERR_BAD_JSON },
	{ T("same_name_twice", "{\"a\":1,\"a\":2}"), -ERR_INVALID }, /* section 4: should be unique */
	{ T("same_name_twice_same_value", "{\"a\":1,\"a\":1}"), -ERR_INVALID },
	{ T("same_name_twice_by_an_escape", "{\"a\":1,\"\\u0061\":1}"), -ERR_INVALID },
	{ T("same_empty_name_twice", "{\"\":1,\"\":2}"), -ERR_INVALID },
	{ T("name_in_two_compositions", "{\"\xc3\xa9\":1,\"e\xcc\x81\":2}"), 0 }, /* section 8.3: code units are compared */
	{ T("escaped_nul", "[\"\\u0000\"]"), -ERR_INVALID }, /* no column of PostgreSQL holds it */
	{ T("escaped_nul_in_a_name", "{\"\\u0000\":1}"), -ERR_INVALID },
	{ T("high_half_alone", "[\"\\uD800\"]"), -ERR_INVALID }, /* section 8.2: unpredictable */
	{ T("low_half_alone", "[\"\\uDC00\"]"), -ERR_INVALID },
	{ T("halves_in_the_wrong_order", "[\"\\uDd1e\\uD834\"]"), -ERR_INVALID },
	{ T("two_high_halves", "[\"\\uD800\\uD800\"]"), -ERR_INVALID },
	{ T("high_half_and_a_letter", "[\"\\uD800a\"]"), -ERR_INVALID },
	{ T("high_half_and_another_escape", "[\"\\uD800\\n\"]"), -ERR_INVALID },
	{ T("high_half_and_the_low_one_raw", "[\"\\uD83D\xed\xb8\x80\"]"), -ERR_BAD_JSON },
	{ T("half_in_a_name", "{\"\\uDFFF\":0}"), -ERR_INVALID },
	{ T("levels_32", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), 0 }, /* section 9: may limit depth */
	{ T("levels_33", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), -ERR_INVALID },
	{ T("levels_33_not_closed", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), -ERR_BAD_JSON },
};
/* clang-format on */

/* Its result; a refusal for no JSON has no faults, one for a broken rule has. */
static int result_of(const struct text *t)
{
	struct faults faults = { .count = 0 };
	const struct json *root = NULL;

	int err = json_parse(&arena, t->bytes, t->n, &faults, &root);
	ck_assert_msg(!err == !!root, "%s", t->name);
	ck_assert_msg((err == -ERR_INVALID) == (faults.count > 0), "%s", t->name);
	return err;
}

START_TEST(what_rfc_8259_allows_is_accepted)
{
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		ck_assert_msg(result_of(&accepted[i]) == 0, "%s", accepted[i].name);
}
END_TEST

START_TEST(what_rfc_8259_does_not_allow_is_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		ck_assert_msg(result_of(&refused[i]) == -ERR_BAD_JSON, "%s", refused[i].name);
}
END_TEST

START_TEST(what_it_leaves_to_us_is_answered_as_we_chose)
{
	for (size_t i = 0; i < ARRAY_SIZE(left_to_us); i++)
		ck_assert_msg(result_of(&left_to_us[i].text) == left_to_us[i].result, "%s",
			left_to_us[i].text.name);
}
END_TEST

/* The reason for a scanner of our own: were there none of these any more, it could go. */
START_TEST(cjson_alone_takes_what_is_no_json)
{
	size_t taken = 0;

	cJSON_InitHooks(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		cJSON *tree = cJSON_ParseWithLengthOpts(refused[i].bytes, refused[i].n + 1, NULL, true);
		taken += tree != NULL;
		cJSON_Delete(tree);
	}
	ck_assert_uint_gt(taken, 0);
}
END_TEST

static void expect_own_name(const char *const *names, size_t count)
{
	for (size_t a = 0; a < count; a++)
		for (size_t b = a + 1; b < count; b++)
			if (strcmp(names[a], names[b]) == 0)
				ck_abort_msg("two texts are called %s", names[a]);
}

START_TEST(each_text_has_a_name_of_its_own)
{
	const char *names[ARRAY_SIZE(accepted) + ARRAY_SIZE(refused) + ARRAY_SIZE(left_to_us)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		names[n++] = accepted[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		names[n++] = refused[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(left_to_us); i++)
		names[n++] = left_to_us[i].text.name;
	expect_own_name(names, n);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_rfc_8259_allows_is_accepted,
		what_rfc_8259_does_not_allow_is_refused,
		what_it_leaves_to_us_is_answered_as_we_chose,
		cjson_alone_takes_what_is_no_json,
		each_text_has_a_name_of_its_own,
	};

	return suite_run_with("json texts", tests, ARRAY_SIZE(tests), setup, teardown);
}
