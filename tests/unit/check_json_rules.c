/* JSON in: our own rules, each broken one named by its pointer, and hostile sizes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/err.h"
#include "http/json.h"
#include "http/json_scan.h"

static struct arena arena;
static struct faults faults;

static void make_arena(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	faults = (struct faults){ 0 };
}

static void release_arena(void)
{
	arena_release(&arena);
}

static int parse(const char *text, size_t n, const struct json **root)
{
	return json_parse(&arena, text, n, &faults, root);
}

/* JSON, but not for us: each place is named. */
static const struct {
	const char *text, *pointers; /* "code pointer" lines */
} broken[] = {
	{ "\"\\u0000\"", "nul_character \n" },
	{ "{\"a\":\"x\\u0000y\"}", "nul_character /a\n" },
	{ "{\"a\\u0000\":1}", "nul_character /a\xef\xbf\xbd\n" },
	{ "[1,[2,\"\\u0000\\u0000\"]]", "nul_character /1/1\n" },
	{ "[\"\\uD800\"]", "bad_character /0\n" },
	{ "[\"\\uDC00\"]", "bad_character /0\n" },
	{ "[\"\\uDd1e\\uD834\"]", "bad_character /0\n" },
	{ "[\"\\uD800\\uD800\\n\"]", "bad_character /0\n" },
	{ "[\"\\uD800abc\"]", "bad_character /0\n" },
	{ "[\"\\uDC00\\uDC00\"]", "bad_character /0\n" },
	{ "[\"\\uD834\\u0061\"]", "bad_character /0\n" },
	{ "[\"\\uD834\\u0000\"]", "nul_character /0\nbad_character /0\n" },
	{ "{\"\\uDFFF\":0}", "bad_character /\xef\xbf\xbd\n" },
	{ "{\"a\":1,\"a\":1}", "duplicate_field /a\n" },
	{ "{\"a\":1,\"b\":2,\"\\u0061\":3}", "duplicate_field /a\n" },
	{ "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "duplicate_field /\xf0\x9f\x98\x80\n" },
	{ "{\"\":1,\"\":2}", "duplicate_field /\n" },
	{ "{\"\\\"\\\\\\/\\b\\f\\n\\r\\t\":1,\"\\u0022\\u005C\\u002f\\u0008\\u000c\\u000A\\u000d\\u0009\":1}",
		"duplicate_field /\"\\~1\b\f\n\r\t\n" },
	{ "{\"\\u007f\\u0080\\u07ff\":1,\"\x7f\xc2\x80\xdf\xbf\":1}",
		"duplicate_field /\x7f\xc2\x80\xdf\xbf\n" },
	{ "{\"\\u0800\\uffff\":1,\"\xe0\xa0\x80\xef\xbf\xbf\":1}",
		"duplicate_field /\xe0\xa0\x80\xef\xbf\xbf\n" },
	{ "{\"\\ud800\\udc00\\udbff\\udfff\":1,\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\":1}",
		"duplicate_field /\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\n" },
	{ "{\"x/y~z\":1,\"x/y~z\":1}", "duplicate_field /x~1y~0z\n" },
	{ "{\"a\":{\"b\":1,\"b\":2},\"c\":[{},{\"d\":0,\"d\":0}]}",
		"duplicate_field /a/b\nduplicate_field /c/1/d\n" },
	{ "[{\"a\":1,\"a\":2},\"\\u0000\",\"\\uD800\"]",
		"duplicate_field /0/a\nnul_character /1\nbad_character /2\n" },
};

static const char *listed(void)
{
	struct buf b;

	buf_init(&b, &arena, 1 << 20);
	buf_add_text(&b, "");
	for (size_t i = 0; i < faults.count; i++)
		buf_printf(&b, "%s %s\n", err_info((int)faults.at[i].err)->code, faults.at[i].pointer);
	return b.data;
}

START_TEST(a_broken_rule_is_named_at_its_place)
{
	const struct json *root = NULL;

	ck_assert_int_eq(parse(broken[_i].text, strlen(broken[_i].text), &root), -ERR_INVALID);
	ck_assert_str_eq(listed(), broken[_i].pointers);
	ck_assert_ptr_null(root);
}
END_TEST

START_TEST(the_same_name_in_two_objects_is_no_duplicate)
{
	const char text[] = "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}],\"A\":0,\"a \":1}";
	const struct json *root;

	ck_assert_int_eq(parse(text, sizeof text - 1, &root), 0);
}
END_TEST

START_TEST(a_text_that_is_no_json_has_no_faults)
{
	const char text[] = "{\"a\":\"\\u0000\",\"a\":1";
	const struct json *root;

	faults_add(&faults, &arena, ERR_REQUIRED, "/before");
	ck_assert_int_eq(parse(text, sizeof text - 1, &root), -ERR_BAD_JSON);
	ck_assert_str_eq(listed(), "required /before\n");
}
END_TEST

START_TEST(faults_beyond_the_limit_are_left_out)
{
	enum { COUNT = 100000 }; /* were each given its pointer, the arena would not hold them */
	struct buf b;
	const struct json *root;

	buf_init(&b, &arena, 1 << 20);
	for (int i = 0; i < COUNT; i++)
		buf_add_text(&b, i ? ",\"\\u0000\"" : "[\"\\u0000\"");
	buf_add_char(&b, ']');
	ck_assert_int_eq(parse(b.data, b.len, &root), -ERR_INVALID);
	ck_assert_uint_eq(faults.count, FAULTS_MAX);
	ck_assert_str_eq(faults.at[FAULTS_MAX - 1].pointer, "/31");
	/* A list that is full already does not hide that a rule is broken. */
	ck_assert_int_eq(parse("\"\\u0000\"", 8, &root), -ERR_INVALID);
}
END_TEST

/* `count` times `open`, the core, `count` times `close`. */
static const char *nested(size_t count, const char *open, const char *core, char close, size_t *ret_n)
{
	struct buf b;

	buf_init(&b, &arena, 16 << 20);
	for (size_t i = 0; i < count; i++)
		buf_add_text(&b, open);
	buf_add_text(&b, core);
	for (size_t i = 0; i < count; i++)
		buf_add_char(&b, close);
	*ret_n = b.len;
	return b.data;
}

START_TEST(thirty_two_levels_are_deep_enough)
{
	const struct json *root;
	size_t n;
	const char *text = nested(JSON_DEPTH_MAX, "[", "7", ']', &n);

	ck_assert_int_eq(parse(text, n, &root), 0);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		root = json_first(root);
	ck_assert_str_eq(json_text(root), "7");

	text = nested(JSON_DEPTH_MAX + 1, "[", "", ']', &n);
	ck_assert_int_eq(parse(text, n, &root), -ERR_INVALID);
	ck_assert_str_eq(
		listed(), "too_deep /0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0\n");
}
END_TEST

START_TEST(what_lies_too_deep_is_still_checked_for_being_json)
{
	const struct json *root;
	size_t n;
	const char *text = nested(JSON_DEPTH_MAX + 9, "{\"k\":", "[1,{}]", '}', &n);

	ck_assert_int_eq(parse(text, n, &root), -ERR_INVALID);
	ck_assert_uint_eq(faults.count, 1);
	text = nested(JSON_DEPTH_MAX + 9, "{\"k\":", "[1,{]", '}', &n);
	ck_assert_int_eq(parse(text, n, &root), -ERR_BAD_JSON);
	text = nested(JSON_DEPTH_MAX + 9, "{\"k\":", "01", '}', &n);
	ck_assert_int_eq(parse(text, n, &root), -ERR_BAD_JSON);
	text = nested(JSON_DEPTH_MAX + 9, "{\"k\":", "1", ']', &n);
	ck_assert_int_eq(parse(text, n, &root), -ERR_BAD_JSON);
}
END_TEST

START_TEST(half_a_million_brackets_cost_no_stack)
{
	const struct json *root;
	size_t n;
	const char *text = nested(500000, "[", "", ']', &n);

	ck_assert_int_eq(parse(text, n, &root), -ERR_INVALID);
	ck_assert_int_eq(faults.at[0].err, ERR_TOO_DEEP);
	faults.count = 0;
	ck_assert_int_eq(parse(nested(500000, "[", "", ' ', &n), n, &root), -ERR_BAD_JSON);
	ck_assert_int_eq(parse(nested(100000, "[{\"\":", "", ' ', &n), n, &root), -ERR_BAD_JSON);
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

/* An object of `count` members; `fmt` makes each of its number. */
static const char *members(int count, const char *fmt, size_t *ret_n)
{
	struct buf b;

	buf_init(&b, &arena, 16 << 20);
	for (int i = 0; i < count; i++) {
		buf_add_char(&b, i ? ',' : '{');
		buf_printf(&b, fmt, i);
	}
	buf_add_char(&b, '}');
	*ret_n = b.len;
	return b.data;
}

START_TEST(an_object_of_too_many_members_is_refused_in_linear_time)
{
	const struct json *root;
	size_t n;
	const char *text = members(JSON_MEMBERS_MAX, "\"k%d\":0", &n);

	ck_assert_int_eq(parse(text, n, &root), 0);
	text = members(JSON_MEMBERS_MAX + 1, "\"k%d\":0", &n);
	ck_assert_int_eq(parse(text, n, &root), -ERR_INVALID);
	ck_assert_str_eq(listed(), "too_long \n");

	faults.count = 0;
	/* Compared pairwise they would be 5 * 10^9 looks: the test would not end within its time. */
	text = members(100000, "\"\\u0061%d\":0", &n);
	ck_assert_int_eq(parse(text, n, &root), -ERR_INVALID);
	ck_assert_str_eq(listed(), "too_long \n");
}
END_TEST

START_TEST(a_name_that_is_too_long_is_named_by_its_beginning)
{
	const struct json *root;
	char text[4 * JSON_NAME_MAX], start[JSON_NAME_MAX + 1] = { 0 };

	memset(start, 'x', JSON_NAME_MAX);
	snprintf(text, sizeof text, "{\"%s\":0}", start);
	ck_assert_int_eq(parse(text, strlen(text), &root), 0);
	snprintf(text, sizeof text, "{\"%sy\":\"\\u0000\",\"%sz\":0}", start, start);
	ck_assert_int_eq(parse(text, strlen(text), &root), -ERR_INVALID);
	ck_assert_uint_eq(faults.count, 3);
	ck_assert_int_eq(faults.at[0].err, ERR_TOO_LONG);
	ck_assert_int_eq(faults.at[1].err, ERR_NUL_CHARACTER);
	ck_assert_int_eq(faults.at[2].err, ERR_TOO_LONG);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(faults.at[i].pointer[0], '/');
		ck_assert_str_eq(faults.at[i].pointer + 1, start);
	}
}
END_TEST

/* 1 MiB of an array of this item. */
static const struct {
	const char *item;
	int err;
} bodies[] = {
	{ "0,", -ERR_INVALID }, /* 524288 values */
	{ "[],", -ERR_INVALID },
	{ "\"\",", -ERR_INVALID },
	{ "\"a\",", 0 }, /* 262144 with their array: as many as there may be */
	{ "{\"\":0},", -ERR_INVALID },
	{ "{\"\":10},", 0 },
	{ "{\"\":\"\"},", 0 },
	{ "{\"\\n\":-1.5e3},", 0 },
	{ "[[1.5e7]],", -ERR_INVALID },
	{ "[[1.5e-77]],", 0 },
};

START_TEST(the_largest_bodies_fit_the_arena)
{
	enum { BODY = 1 << 20 };
	const struct json *root;
	char *text = arena_alloc(&arena, BODY + 1);
	size_t item = strlen(bodies[_i].item), n = 1;

	text[0] = '[';
	for (; n + item < BODY; n += item)
		memcpy(text + n, bodies[_i].item, item);
	text[n - 1] = ']';
	ck_assert_int_eq(parse(text, n, &root), bodies[_i].err);
	ck_assert_str_eq(listed(), bodies[_i].err ? "too_long \n" : "");
	ck_assert_uint_lt(arena.used, ARENA_SIZE - RESPONSE_MAX);
}
END_TEST

START_TEST(the_tree_builder_is_given_no_number_but_zero)
{
	const char text[] = "[1,-2.50, 1e999 ,\"7\",{\"8\":-0}]";
	const char numbers[] = "1\0-2.50\0001e999\0-0";
	struct json_scan scan;

	ck_assert_int_eq(json_scan(&arena, text, sizeof text - 1, &faults, &scan), 0);
	ck_assert_str_eq(scan.text, "[0,0    , 0     ,\"7\",{\"8\":0 }]");
	ck_assert_mem_eq(scan.numbers, numbers, sizeof numbers);
}
END_TEST

START_TEST(when_the_arena_ends_the_next_parse_is_as_good_as_new)
{
	struct arena small;
	jmp_buf exhausted;
	const struct json *root;
	size_t n;
	const char *text = members(200, "\"k%d\":[1,2,3]", &n);

	ck_assert_int_eq(arena_init(&small, 16384), 0);
	small.exhausted = &exhausted;
	if (setjmp(exhausted) == 0) {
		int err = json_parse(&small, text, n, &faults, &root);
		ck_abort_msg("parsed in 16 KiB: %d", err);
	}
	arena_release(&small);
	ck_assert_int_eq(parse(text, n, &root), 0);
	ck_assert_str_eq(json_text(json_next(json_first(json_get(root, "k199")))), "2");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_rules");
	TCase *tc = tcase_create("json_rules");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_arena, release_arena);
	tcase_add_loop_test(tc, a_broken_rule_is_named_at_its_place, 0, ARRAY_SIZE(broken));
	tcase_add_test(tc, the_same_name_in_two_objects_is_no_duplicate);
	tcase_add_test(tc, a_text_that_is_no_json_has_no_faults);
	tcase_add_test(tc, faults_beyond_the_limit_are_left_out);
	tcase_add_test(tc, thirty_two_levels_are_deep_enough);
	tcase_add_test(tc, what_lies_too_deep_is_still_checked_for_being_json);
	tcase_add_test(tc, half_a_million_brackets_cost_no_stack);
	tcase_add_test(tc, an_object_of_too_many_members_is_refused_in_linear_time);
	tcase_add_test(tc, a_name_that_is_too_long_is_named_by_its_beginning);
	tcase_add_test(tc, the_tree_builder_is_given_no_number_but_zero);
	tcase_add_test(tc, when_the_arena_ends_the_next_parse_is_as_good_as_new);
	tcase_add_loop_test(tc, the_largest_bodies_fit_the_arena, 0, ARRAY_SIZE(bodies));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
