/* Fields of a query: the same types read from text, and what a query may not hold. */
#include <check.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
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

struct filter {
	const char *text, *amount;
	int64_t count, any;
	int yes, flag, kind;
	struct uuid id;
	int32_t date;
	int64_t time;
};

static const char *const kinds[] = { "HARVEST", "PACKAGING", NULL };

static const struct field filter_fields[] = {
	FIELD(struct filter, text, TEXT, OPTIONAL, .max = 5, .min = 2),
	FIELD(struct filter, amount, DECIMAL, OPTIONAL),
	FIELD(struct filter, count, INTEGER, OPTIONAL, .preset = 50, .low_integer = 1, .high_integer = 200),
	FIELD(struct filter, any, INTEGER, OPTIONAL),
	FIELD(struct filter, yes, FLAG, OPTIONAL),
	FIELD(struct filter, flag, FLAG, OPTIONAL),
	FIELD(struct filter, id, UUID, OPTIONAL),
	FIELD(struct filter, date, DATE, OPTIONAL),
	FIELD(struct filter, time, TIME, OPTIONAL),
	FIELD(struct filter, kind, CHOICE, OPTIONAL, .choices = kinds),
	END_OF_FIELDS,
};

static const struct input filter = {
	.fields = filter_fields, .size = sizeof(struct filter), .in_query = true
};

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

static int read_query(const char *target, void **ret)
{
	struct request req = { .method_text = "GET", .target = target };

	ck_assert_int_eq(request_parse(&req, &arena), 0);
	return fields_read(&req, &filter, &arena, &faults, ret);
}

START_TEST(a_query_reads_the_same_types_from_text)
{
	void *result;

	ck_assert_int_eq(read_query("/x?text=a%20b+c&amount=1.50&count=7&yes=true&flag=false&kind=HARVEST"
				    "&id=018faabb-ccdd-7000-8000-000000000001&date=2026-05-01"
				    "&time=2026-05-01T10:00:00%2B00:00&any=-3",
				 &result),
		0);
	const struct filter *e = result;
	ck_assert_str_eq(e->text, "a b c");
	ck_assert_str_eq(e->amount, "1.50");
	ck_assert_int_eq(e->count, 7);
	ck_assert_int_eq(e->yes, 1);
	ck_assert_int_eq(e->flag, 0);
	ck_assert_int_eq(e->kind, 0);
	ck_assert_int_eq(e->date, 20574);
	ck_assert(e->time == INT64_C(1777629600) * US_PER_SECOND);
	ck_assert_int_eq(e->any, -3);

	ck_assert_int_eq(read_query("/x", &result), 0);
	ck_assert_int_eq(((struct filter *)result)->count, 50);
}
END_TEST

static const struct {
	const char *target, *faults;
} bad_queries[] = {
	{ "/x?other=1", "unknown_field ?other\n" },
	{ "/x?count=7&count=7", "duplicate_field ?count\n" },
	{ "/x?other=1&other=2", "unknown_field ?other\nduplicate_field ?other\n" },
	{ "/x?count=0&zz&text=a", "too_short ?text\nout_of_range ?count\nunknown_field ?zz\n" },
	{ "/x?count=", "wrong_type ?count\n" },
	{ "/x?count=abc", "wrong_type ?count\n" },
	{ "/x?count=+7", "wrong_type ?count\n" },
	{ "/x?count=7.0", "wrong_type ?count\n" },
	{ "/x?count=0x7", "wrong_type ?count\n" },
	{ "/x?count=-", "wrong_type ?count\n" },
	{ "/x?count=99999999999999999999", "out_of_range ?count\n" },
	{ "/x?yes=1", "wrong_type ?yes\n" },
	{ "/x?amount=1e3", "bad_format ?amount\n" },
	{ "/x?text=a%0Ab", "bad_character ?text\n" },
	{ "/x?id=7", "bad_format ?id\n" },
	{ "/x?kind=", "not_in_list ?kind\n" },
	{ "/x?=", "unknown_field ?\n" },
};

START_TEST(a_bad_query_is_named_parameter_by_parameter)
{
	void *result = NULL;

	ck_assert_int_eq(read_query(bad_queries[_i].target, &result), -ERR_BAD_QUERY);
	ck_assert_str_eq(listed(), bad_queries[_i].faults);
	ck_assert_ptr_null(result);
}
END_TEST

START_TEST(lists_share_their_page)
{
	struct list {
		struct page_query page;
	};
	static const struct field fields[] = { PAGE_FIELDS(struct list), END_OF_FIELDS };
	static const struct input input = { .fields = fields, .size = sizeof(struct list), .in_query = true };
	struct request req = { .query = { { "limit", "200" }, { "cursor", "abc" } }, .query_count = 2 };
	void *result;

	ck_assert_int_eq(fields_read(&req, &input, &arena, &faults, &result), 0);
	ck_assert_int_eq(((struct list *)result)->page.limit, 200);
	ck_assert_str_eq(((struct list *)result)->page.cursor, "abc");
	req.query[0].value = "201";
	ck_assert_int_eq(fields_read(&req, &input, &arena, &faults, &result), -ERR_BAD_QUERY);
	ck_assert_str_eq(listed(), "out_of_range ?limit\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fields_query");
	TCase *tc = tcase_create("fields_query");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, make_arena, release_arena);
	tcase_add_test(tc, a_query_reads_the_same_types_from_text);
	tcase_add_loop_test(tc, a_bad_query_is_named_parameter_by_parameter, 0, ARRAY_SIZE(bad_queries));
	tcase_add_test(tc, lists_share_their_page);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
