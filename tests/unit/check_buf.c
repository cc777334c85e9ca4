/* Growing text: the ceiling holds, and what does not fit is left out whole. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "suite.h"

static struct arena arena;

static struct buf made(size_t max)
{
	struct buf b;

	ck_assert_int_eq(arena_init(&arena, 1 << 20), 0);
	buf_init(&b, &arena, max);
	return b;
}

START_TEST(numbers_are_as_printf_writes_them)
{
	static const int64_t values[] = { 0, 1, -1, 9, 10, 999, 1000, 1001, 12050, -12050, -5, INT64_MAX,
		INT64_MIN };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct buf b = made(100), c;
		char text[64];
		int64_t whole = values[i] / 1000, part = values[i] % 1000;
		buf_add_int(&b, values[i]);
		snprintf(text, sizeof text, "%lld", (long long)values[i]);
		ck_assert_str_eq(b.data, text);
		buf_init(&c, &arena, 100);
		buf_add_thousandths(&c, values[i]);
		snprintf(text, sizeof text, "%s%lld.%03lld", values[i] < 0 && !whole ? "-" : "",
			(long long)whole, (long long)(part < 0 ? -part : part));
		ck_assert_str_eq(c.data, text);
		arena_release(&arena);
	}
}
END_TEST

START_TEST(pieces_follow_each_other)
{
	struct buf b = made(100);

	buf_add_text(&b, "lot ");
	buf_printf(&b, "%d%s", 7, ":");
	buf_add_char(&b, ' ');
	buf_add(&b, "a\0b", 3);
	ck_assert_uint_eq(b.len, 10);
	ck_assert_mem_eq(b.data, "lot 7: a\0b", 11);
	ck_assert(!b.full);
	arena_release(&arena);
}
END_TEST

START_TEST(it_fills_to_the_last_byte_of_its_ceiling)
{
	struct buf b = made(4);

	buf_add_text(&b, "1234");
	ck_assert(!b.full);
	ck_assert_uint_eq(b.cap, 5); /* and takes no room beyond it */
	buf_add_text(&b, "");
	ck_assert(!b.full);
	buf_add_char(&b, '5');
	ck_assert(b.full);
	ck_assert_str_eq(b.data, "1234");
	arena_release(&arena);
}
END_TEST

START_TEST(full_stays_full)
{
	struct buf b = made(4);

	buf_add_text(&b, "123");
	buf_add_text(&b, "45");
	buf_add_char(&b, '4'); /* would fit, but a text with a hole is worse than a short one */
	buf_printf(&b, "%s", "");
	ck_assert(b.full);
	ck_assert_str_eq(b.data, "123");
	ck_assert_ptr_null(buf_reserve(&b, 0));
	arena_release(&arena);
}
END_TEST

START_TEST(a_ceiling_of_none_takes_nothing)
{
	struct buf b = made(0);

	buf_printf(&b, "%d", 1);
	ck_assert(b.full);
	ck_assert_uint_eq(b.len, 0);
	arena_release(&arena);
}
END_TEST

START_TEST(a_size_that_would_wrap_around_is_too_large)
{
	struct buf b = made(100);

	buf_add_text(&b, "x");
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
	ck_assert(b.full);
	arena_release(&arena);
}
END_TEST

START_TEST(it_grows_past_its_first_size_and_keeps_what_it_has)
{
	struct buf b = made(100000);

	for (int i = 0; i < 10000; i++) {
		buf_printf(&b, "%05d", i);
		arena_alloc(&arena, 1); /* in the way, so that growing has to move */
	}
	ck_assert_uint_eq(b.len, 50000);
	ck_assert(!b.full);
	for (int i = 0; i < 10000; i++) {
		char five[6];
		snprintf(five, sizeof five, "%05d", i);
		ck_assert(memcmp(b.data + 5 * (size_t)i, five, 5) == 0);
	}
	arena_release(&arena);
}
END_TEST

START_TEST(reserved_room_counts_only_what_was_filled)
{
	struct buf b = made(100);
	char *at = buf_reserve(&b, 50);

	memcpy(at, "seven b", 7);
	buf_added(&b, 7);
	buf_add_text(&b, "ytes");
	ck_assert_str_eq(b.data, "seven bytes");
	ck_assert_uint_eq(b.len, 11);
	arena_release(&arena);
}
END_TEST

START_TEST(cleared_it_is_empty_again_in_the_same_room)
{
	struct buf b = made(4);

	buf_add_text(&b, "1234");
	buf_add_text(&b, "5");
	buf_clear(&b);
	const size_t used = arena.used;
	buf_add_text(&b, "abcd");
	ck_assert_str_eq(b.data, "abcd");
	ck_assert_uint_eq(arena.used, used);
	ck_assert(!b.full);
	arena_release(&arena);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		numbers_are_as_printf_writes_them,
		pieces_follow_each_other,
		it_fills_to_the_last_byte_of_its_ceiling,
		full_stays_full,
		a_ceiling_of_none_takes_nothing,
		a_size_that_would_wrap_around_is_too_large,
		it_grows_past_its_first_size_and_keeps_what_it_has,
		reserved_room_counts_only_what_was_filled,
		cleared_it_is_empty_again_in_the_same_room,
	};

	return suite_run("buf", tests, ARRAY_SIZE(tests));
}
