/* Fields of a body: each type with its boundaries, every fault at once. The query is in check_fields_query.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "http/fields.h"

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

static enum err no_x(const char *text)
{
	return strchr(text, 'x') ? ERR_NOT_ALLOWED_HERE : ERR_NONE;
}

/* One field of every kind, all optional, so that each can be tried alone. */
struct every {
	const char *text, *text_long, *note, *code;
	const char *amount, *exact, *degrees;
	int64_t count, any;
	int yes, flag;
	struct uuid id;
	int32_t date, past_date;
	int64_t time, past_time;
	int kind;
};

static const char *const kinds[] = { "HARVEST", "PACKAGING", NULL };

static const struct field every_fields[] = {
	FIELD(struct every, text, TEXT, OPTIONAL, .max = 5, .min = 2),
	FIELD(struct every, text_long, TEXT, OPTIONAL),
	FIELD(struct every, note, TEXT, OPTIONAL, .max = 10, .multiline = true),
	FIELD(struct every, code, TEXT, OPTIONAL, .check = no_x),
	FIELD(struct every, amount, DECIMAL, OPTIONAL, .positive = true),
	FIELD(struct every, exact, DECIMAL, OPTIONAL, .digits = 3, .scale = 1),
	FIELD(struct every, degrees, DECIMAL, OPTIONAL, .digits = 3, .scale = 6, .low = "-180",
		.high = "180"),
	FIELD(struct every, count, INTEGER, OPTIONAL, .preset = 50, .low_integer = 1, .high_integer = 200),
	FIELD(struct every, any, INTEGER, OPTIONAL),
	FIELD(struct every, yes, FLAG, OPTIONAL),
	FIELD(struct every, flag, FLAG, OPTIONAL),
	FIELD(struct every, id, UUID, OPTIONAL),
	FIELD(struct every, date, DATE, OPTIONAL),
	FIELD(struct every, past_date, DATE, OPTIONAL, .not_future = true),
	FIELD(struct every, time, TIME, OPTIONAL),
	FIELD(struct every, past_time, TIME, OPTIONAL, .not_future = true),
	FIELD(struct every, kind, CHOICE, OPTIONAL, .choices = kinds),
	END_OF_FIELDS,
};

static const struct input every_body = { .fields = every_fields, .size = sizeof(struct every) };

static int read_body(const struct input *input, const char *body, void **ret)
{
	struct request req = { .method = HTTP_POST,
		.content_type = "application/json",
		.body = body,
		.body_length = strlen(body) };

	return fields_read(&req, input, &arena, &faults, ret);
}

static struct every *body_of(const char *body)
{
	void *result = NULL;
	int err = read_body(&every_body, body, &result);

	ck_assert_msg(err == 0, "%s: %s at %s", body, err_info(err)->code,
		faults.count ? faults.at[0].pointer : "");
	return result;
}

/* "code pointer" lines. */
static const char *listed(void)
{
	struct buf b;

	buf_init(&b, &arena, 1 << 20);
	buf_add_text(&b, "");
	for (size_t i = 0; i < faults.count; i++)
		buf_printf(&b, "%s %s\n", err_info((int)faults.at[i].err)->code, faults.at[i].pointer);
	return b.data;
}

START_TEST(what_is_absent_or_null_leaves_its_mark)
{
	static const char *const bodies[] = { "{}",
		"{\"text\":null,\"count\":null,\"yes\":null,\"flag\":null,\"id\":null,"
		"\"date\":null,\"time\":null,\"kind\":null,\"amount\":null}" };

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const struct every *e = body_of(bodies[i]);
		ck_assert_ptr_null(e->text);
		ck_assert_ptr_null(e->amount);
		ck_assert_int_eq(e->count, 50);
		ck_assert_int_eq(e->any, 0);
		ck_assert_int_eq(e->yes, -1);
		ck_assert_int_eq(e->flag, -1);
		ck_assert(uuid_is_nil(e->id));
		ck_assert_int_eq(e->date, NO_DATE);
		ck_assert(e->time == NO_TIME);
		ck_assert_int_eq(e->kind, -1);
	}
}
END_TEST

START_TEST(every_type_reaches_its_struct)
{
	const struct every *e =
		body_of("{\"text\":\"abc\",\"amount\":12.50,\"degrees\":\"-99.133208\",\"count\":200,"
			"\"any\":-9223372036854775808,\"yes\":true,\"flag\":false,"
			"\"id\":\"018FAABB-CCDD-7000-8000-00000000000A\",\"date\":\"2026-05-01\","
			"\"time\":\"2026-05-01T12:00:00.25+02:00\",\"kind\":\"PACKAGING\"}");
	char id[UUID_TEXT_SIZE];

	ck_assert_str_eq(e->text, "abc");
	ck_assert_str_eq(e->amount, "12.50");
	ck_assert_str_eq(e->degrees, "-99.133208");
	ck_assert_int_eq(e->count, 200);
	ck_assert(e->any == INT64_MIN);
	ck_assert_int_eq(e->yes, 1);
	ck_assert_int_eq(e->flag, 0);
	uuid_to_text(e->id, id);
	ck_assert_str_eq(id, "018faabb-ccdd-7000-8000-00000000000a");
	ck_assert_int_eq(e->date, 20574);
	ck_assert(e->time == INT64_C(1777629600) * US_PER_SECOND + 250000);
	ck_assert_int_eq(e->kind, 1);
}
END_TEST

/* One field alone: the value as JSON and what is wrong with it. */
/* clang-format off */
static const struct {
	const char *field, *json;
	enum err err;
} rows[] = {
	{ "text", "\"ab\"", 0 }, { "text", "\"a\"", ERR_TOO_SHORT }, { "text", "\"\"", ERR_TOO_SHORT },
	{ "text", "\"abcde\"", 0 }, { "text", "\"abcdef\"", ERR_TOO_LONG },
	{ "text", "\"🍅🍅🍅🍅🍅\"", 0 }, { "text", "\"🍅🍅🍅🍅🍅🍅\"", ERR_TOO_LONG }, { "text", "\"  \"", 0 },
	{ "text", "5", ERR_WRONG_TYPE }, { "text", "true", ERR_WRONG_TYPE }, { "text", "[]", ERR_WRONG_TYPE },
	{ "text", "{}", ERR_WRONG_TYPE }, { "text", "[\"ab\"]", ERR_WRONG_TYPE },
	{ "text", "\"a\\nb\"", ERR_BAD_CHARACTER }, { "text", "\"a\\tb\"", ERR_BAD_CHARACTER },
	{ "text", "\"a\\u001fb\"", ERR_BAD_CHARACTER }, { "text", "\"a\x7f\"", ERR_BAD_CHARACTER },
	{ "text", "\"a\\u0080\"", ERR_BAD_CHARACTER }, { "text", "\"a\\u009f\"", ERR_BAD_CHARACTER },
	{ "text", "\"a\\u00a0\"", 0 }, { "text", "\"a\\u0100\"", 0 }, { "text", "\"a\\u2028\"", 0 },
	{ "note", "\"a\\n\\tb\"", 0 }, { "note", "\"a\\rb\"", ERR_BAD_CHARACTER }, { "note", "\"a\\u0085b\"", ERR_BAD_CHARACTER },
	{ "code", "\"abc\"", 0 }, { "code", "\"axc\"", ERR_NOT_ALLOWED_HERE },
	{ "amount", "0.001", 0 }, { "amount", "\"0.001\"", 0 }, { "amount", "0", ERR_OUT_OF_RANGE },
	{ "amount", "\"0.000\"", ERR_OUT_OF_RANGE }, { "amount", "-0", ERR_OUT_OF_RANGE }, { "amount", "-1", ERR_OUT_OF_RANGE },
	{ "amount", "99999999999.999", 0 }, { "amount", "100000000000", ERR_OUT_OF_RANGE },
	{ "amount", "0.0001", ERR_TOO_PRECISE }, { "amount", "1e3", 0 }, { "amount", "\"1e3\"", ERR_BAD_FORMAT },
	{ "amount", "1e999999999", ERR_OUT_OF_RANGE }, { "amount", "\"abc\"", ERR_BAD_FORMAT }, { "amount", "\"\"", ERR_BAD_FORMAT },
	{ "amount", "\"NaN\"", ERR_BAD_FORMAT }, { "amount", "true", ERR_WRONG_TYPE }, { "amount", "[1]", ERR_WRONG_TYPE },
	{ "exact", "999.9", 0 }, { "exact", "1000", ERR_OUT_OF_RANGE }, { "exact", "0.25", ERR_TOO_PRECISE },
	{ "degrees", "180", 0 }, { "degrees", "180.000000", 0 }, { "degrees", "180.000001", ERR_OUT_OF_RANGE },
	{ "degrees", "-180.000000", 0 }, { "degrees", "-180.000001", ERR_OUT_OF_RANGE }, { "degrees", "91e0", 0 },
	{ "count", "1", 0 }, { "count", "0", ERR_OUT_OF_RANGE }, { "count", "200", 0 }, { "count", "201", ERR_OUT_OF_RANGE },
	{ "count", "1.0", ERR_WRONG_TYPE }, { "count", "1e1", ERR_WRONG_TYPE }, { "count", "\"1\"", ERR_WRONG_TYPE },
	{ "count", "true", ERR_WRONG_TYPE }, { "any", "9223372036854775807", 0 },
	{ "any", "9223372036854775808", ERR_OUT_OF_RANGE }, { "any", "-9223372036854775809", ERR_OUT_OF_RANGE },
	{ "any", "99999999999999999999999999999999999999999", ERR_OUT_OF_RANGE }, { "any", "-0", 0 },
	{ "yes", "false", 0 }, { "yes", "1", ERR_WRONG_TYPE }, { "yes", "\"true\"", ERR_WRONG_TYPE }, { "yes", "{}", ERR_WRONG_TYPE },
	{ "flag", "true", 0 }, { "flag", "0", ERR_WRONG_TYPE }, { "flag", "\"false\"", ERR_WRONG_TYPE },
	{ "id", "\"018faabb-ccdd-7000-8000-000000000001\"", 0 }, { "id", "\"018faabbccdd70008000000000000001\"", ERR_BAD_FORMAT },
	{ "id", "\"018faabb-ccdd-7000-8000-00000000000g\"", ERR_BAD_FORMAT }, { "id", "\"\"", ERR_BAD_FORMAT },
	{ "id", "\"{018faabb-ccdd-7000-8000-000000000001}\"", ERR_BAD_FORMAT }, { "id", "7", ERR_WRONG_TYPE },
	{ "id", "\"00000000-0000-0000-0000-000000000000\"", ERR_BAD_FORMAT },
	{ "date", "\"2024-02-29\"", 0 }, { "date", "\"2026-02-29\"", ERR_BAD_FORMAT }, { "date", "\"2026-5-1\"", ERR_BAD_FORMAT },
	{ "date", "\"2026-05-01T00:00:00Z\"", ERR_BAD_FORMAT }, { "date", "20260501", ERR_WRONG_TYPE },
	{ "date", "\"9999-12-31\"", 0 }, { "past_date", "\"9999-12-31\"", ERR_IN_THE_FUTURE }, { "past_date", "\"1970-01-01\"", 0 },
	{ "time", "\"2026-05-01T10:00:00Z\"", 0 }, { "time", "\"2026-05-01\"", ERR_BAD_FORMAT }, { "time", "1", ERR_WRONG_TYPE },
	{ "time", "\"2026-05-01T10:00:00\"", ERR_BAD_FORMAT }, { "time", "\"2026-05-01T24:00:00Z\"", ERR_BAD_FORMAT },
	{ "past_time", "\"9999-12-31T00:00:00Z\"", ERR_IN_THE_FUTURE }, { "past_time", "\"2020-01-01T00:00:00-07:00\"", 0 },
	{ "kind", "\"HARVEST\"", 0 }, { "kind", "\"harvest\"", ERR_NOT_IN_LIST }, { "kind", "\"HARVEST \"", ERR_NOT_IN_LIST },
	{ "kind", "\"\"", ERR_NOT_IN_LIST }, { "kind", "0", ERR_WRONG_TYPE },
	{ "other", "1", ERR_UNKNOWN_FIELD }, { "Text", "\"ab\"", ERR_UNKNOWN_FIELD }, { "text ", "\"ab\"", ERR_UNKNOWN_FIELD },
	{ "", "1", ERR_UNKNOWN_FIELD }, { "other", "null", ERR_UNKNOWN_FIELD }, { "other", "[[{}]]", ERR_UNKNOWN_FIELD },
};
/* clang-format on */

START_TEST(a_value_is_right_or_named_with_what_is_wrong)
{
	void *result = NULL;
	int err = read_body(
		&every_body, arena_printf(&arena, "{\"%s\":%s}", rows[_i].field, rows[_i].json), &result);

	if (rows[_i].err) {
		ck_assert_int_eq(err, -ERR_INVALID);
		ck_assert_str_eq(listed(),
			arena_printf(&arena, "%s /%s\n", err_info((int)rows[_i].err)->code, rows[_i].field));
		ck_assert_ptr_null(result);
	} else {
		ck_assert_msg(err == 0, "%s: %s: %s", rows[_i].field, rows[_i].json, listed());
	}
}
END_TEST

START_TEST(text_is_kept_byte_for_byte)
{
	static const char *const texts[] = { " padded ", "Jitomate ñandú", "e\xcc\x81",
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8c\xbe",
		"\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xe2\x80\xae x", "<b>&amp;'--%s", "\xef\xbb\xbf",
		"/\\\\" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct every *e = body_of(arena_printf(&arena, "{\"text_long\":\"%s\"}", texts[i]));
		ck_assert_str_eq(e->text_long, strcmp(texts[i], "/\\\\") ? texts[i] : "/\\");
	}
	ck_assert_str_eq(body_of("{\"text_long\":\"\\ud83c\\udf45\\u00e9\\/\"}")->text_long, "🍅é/");
}
END_TEST

START_TEST(without_limits_a_text_has_1_to_200_characters)
{
	char body[300];
	void *result;

	memset(body, 'a', sizeof body);
	memcpy(body, "{\"text_long\":\"", 14);
	memcpy(body + 14 + 200, "\"}", 3);
	body_of(body);
	body[14 + 200] = 'a';
	memcpy(body + 14 + 201, "\"}", 3);
	ck_assert_int_eq(read_body(&every_body, body, &result), -ERR_INVALID);
	ck_assert_str_eq(listed(), "too_long /text_long\n");
}
END_TEST

START_TEST(clocks_may_be_fast_by_less_than_five_minutes)
{
	char text[TIME_TEXT_SIZE];
	void *result;

	time_to_text(clock_wall() + FUTURE_GRACE_US - 60 * US_PER_SECOND, text);
	body_of(arena_printf(&arena, "{\"past_time\":\"%s\"}", text));
	time_to_text(clock_wall() + FUTURE_GRACE_US + 60 * US_PER_SECOND, text);
	ck_assert_int_eq(
		read_body(&every_body, arena_printf(&arena, "{\"past_time\":\"%s\"}", text), &result),
		-ERR_INVALID);
	ck_assert_str_eq(listed(), "in_the_future /past_time\n");
}
END_TEST

START_TEST(today_is_not_the_future_but_the_day_after_tomorrow_is)
{
	char text[DATE_TEXT_SIZE];
	void *result;

	date_to_text(date_of(clock_wall()), text);
	body_of(arena_printf(&arena, "{\"past_date\":\"%s\"}", text));
	date_to_text(date_of(clock_wall()) + 2, text);
	ck_assert_int_eq(
		read_body(&every_body, arena_printf(&arena, "{\"past_date\":\"%s\"}", text), &result),
		-ERR_INVALID);
}
END_TEST

/* --- required fields, many faults --- */

struct lot_like {
	struct uuid product_id;
	const char *code, *quantity;
	int kind;
};

static const struct field lot_like_fields[] = {
	FIELD(struct lot_like, product_id, UUID, REQUIRED),
	FIELD(struct lot_like, code, TEXT, REQUIRED, .max = 20, .check = gs1_lot_code),
	FIELD(struct lot_like, quantity, DECIMAL, REQUIRED, .positive = true),
	FIELD_NAMED(struct lot_like, kind, "lot_kind", CHOICE, REQUIRED, .choices = kinds),
	END_OF_FIELDS,
};

static const struct input lot_like = { .fields = lot_like_fields, .size = sizeof(struct lot_like) };

START_TEST(every_fault_is_told_at_once)
{
	void *result;

	ck_assert_int_eq(read_body(&lot_like,
				 "{\"code\":\"A B\",\"quantity\":\"-1.5\",\"role\":\"ADMIN\",\"a/b~c\":{},"
				 "\"lot_kind\":null}",
				 &result),
		-ERR_INVALID);
	ck_assert_str_eq(listed(), "required /product_id\nbad_character /code\nout_of_range /quantity\n"
				   "required /lot_kind\nunknown_field /role\nunknown_field /a~1b~0c\n");
}
END_TEST

START_TEST(a_required_text_is_more_than_white_space)
{
	static const struct field name_fields[] = {
		FIELD(struct every, text, TEXT, REQUIRED, .multiline = true),
		END_OF_FIELDS,
	};
	static const struct input name_input = { .fields = name_fields, .size = sizeof(struct every) };
	void *result;

	ck_assert_int_eq(read_body(&name_input, "{\"text\":\"  \\n\\t\"}", &result), -ERR_INVALID);
	ck_assert_str_eq(listed(), "too_short /text\n");
	ck_assert_int_eq(read_body(&name_input, "{\"text\":\" a \"}", &result), 0);
	ck_assert_str_eq(((struct every *)result)->text, " a ");
}
END_TEST

START_TEST(more_faults_than_a_person_reads_are_cut)
{
	struct buf b;
	void *result;

	buf_init(&b, &arena, 1 << 20);
	for (int i = 0; i < 200; i++)
		buf_printf(&b, "%c\"k%d\":0", i ? ',' : '{', i);
	buf_add_char(&b, '}');
	ck_assert_int_eq(read_body(&lot_like, b.data, &result), -ERR_INVALID);
	ck_assert_uint_eq(faults.count, FAULTS_MAX);
}
END_TEST

START_TEST(only_an_object_is_read)
{
	static const char *const bodies[] = { "[]", "null", "\"{}\"", "1", "true", "[{}]" };
	void *result;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		faults.count = 0;
		ck_assert_int_eq(read_body(&every_body, bodies[i], &result), -ERR_INVALID);
		ck_assert_str_eq(listed(), "wrong_type \n");
	}
}
END_TEST

START_TEST(what_is_no_json_is_not_read)
{
	void *result;

	ck_assert_int_eq(read_body(&every_body, "", &result), -ERR_BAD_JSON);
	ck_assert_int_eq(read_body(&every_body, " ", &result), -ERR_BAD_JSON);
	ck_assert_int_eq(read_body(&every_body, "{\"text\":\"ab\",}", &result), -ERR_BAD_JSON);
	ck_assert_int_eq(read_body(&every_body, "{\"text\":\"ab\",\"text\":\"ab\"}", &result), -ERR_INVALID);
	ck_assert_str_eq(listed(), "duplicate_field /text\n");
}
END_TEST

static const struct {
	const char *type, *encoding;
	bool fine;
} types[] = {
	{ "application/json", NULL, true },
	{ "Application/JSON", NULL, true },
	{ "application/json; charset=utf-8", NULL, true },
	{ "application/json;charset=\"UTF-8\"", NULL, true },
	{ "application/json ; x=y", NULL, true },
	{ "application/json", "identity", true },
	{ "application/json", "Identity", true },
	{ "application/json", "gzip", false },
	{ "application/json", "identity, gzip", false },
	{ NULL, NULL, false },
	{ "", NULL, false },
	{ "text/json", NULL, false },
	{ "application/jsonp", NULL, false },
	{ "application/json+x", NULL, false },
	{ "application/json, text/plain", NULL, false },
	{ "application/problem+json", NULL, false },
	{ "text/plain; application/json", NULL, false },
	{ "application/x-www-form-urlencoded", NULL, false },
};

START_TEST(a_body_is_plain_json_by_its_headers)
{
	struct request req = { .content_type = types[_i].type,
		.content_encoding = types[_i].encoding,
		.body = "{}",
		.body_length = 2 };
	void *result;

	ck_assert_msg(fields_read(&req, &every_body, &arena, &faults, &result) ==
			      (types[_i].fine ? 0 : -ERR_UNSUPPORTED_TYPE),
		"%s, %s", types[_i].type, types[_i].encoding);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fields");
	TCase *tc = tcase_create("fields");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_arena, release_arena);
	tcase_add_test(tc, what_is_absent_or_null_leaves_its_mark);
	tcase_add_test(tc, every_type_reaches_its_struct);
	tcase_add_loop_test(tc, a_value_is_right_or_named_with_what_is_wrong, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, text_is_kept_byte_for_byte);
	tcase_add_test(tc, without_limits_a_text_has_1_to_200_characters);
	tcase_add_test(tc, clocks_may_be_fast_by_less_than_five_minutes);
	tcase_add_test(tc, today_is_not_the_future_but_the_day_after_tomorrow_is);
	tcase_add_test(tc, every_fault_is_told_at_once);
	tcase_add_test(tc, a_required_text_is_more_than_white_space);
	tcase_add_test(tc, more_faults_than_a_person_reads_are_cut);
	tcase_add_test(tc, only_an_object_is_read);
	tcase_add_test(tc, what_is_no_json_is_not_read);
	tcase_add_loop_test(tc, a_body_is_plain_json_by_its_headers, 0, ARRAY_SIZE(types));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
