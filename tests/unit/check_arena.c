/* The arena: alignment, growth, exhaustion, what a reset gives back. */
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "suite.h"

static struct arena made(size_t size)
{
	struct arena a;

	ck_assert_int_eq(arena_init(&a, size), 0);
	return a;
}

START_TEST(every_piece_is_zeroed_aligned_and_its_own)
{
	struct arena a = made(1 << 20);
	unsigned char *last = NULL;

	for (size_t n = 0; n < 100; n++) {
		unsigned char *p = arena_alloc(&a, n);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		ck_assert(!last || p >= last + (n - 1));
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xee, n);
		last = p;
	}
	arena_release(&a);
}
END_TEST

START_TEST(memory_is_zero_again_after_a_reset)
{
	struct arena a = made(1 << 20);
	unsigned char *before = arena_alloc(&a, 1000);

	memset(before, 0xee, 1000);
	arena_reset(&a);
	unsigned char *after = arena_alloc(&a, 1000);
	ck_assert_ptr_eq(after, before);
	ck_assert_uint_eq(after[0] | after[999], 0);
	arena_release(&a);
}
END_TEST

START_TEST(the_last_piece_grows_in_place)
{
	struct arena a = made(1 << 20);
	char *first = arena_copy(&a, "first", 5);
	char *p = arena_copy(&a, "growing", 7);

	ck_assert_ptr_eq(arena_grow(&a, p, 8, 5000), p);
	ck_assert_str_eq(p, "growing");
	ck_assert_str_eq(first, "first");
	ck_assert((char *)arena_alloc(&a, 1) >= p + 5000);
	arena_release(&a);
}
END_TEST

START_TEST(an_earlier_piece_grows_by_a_copy)
{
	struct arena a = made(1 << 20);
	char *p = arena_copy(&a, "growing", 7);
	char *next = arena_copy(&a, "next", 4);
	char *moved = arena_grow(&a, p, 8, 100);

	ck_assert_ptr_ne(moved, p);
	ck_assert_str_eq(moved, "growing");
	memset(moved + 8, 'x', 92);
	ck_assert_str_eq(next, "next");
	ck_assert_ptr_nonnull(arena_grow(&a, NULL, 0, 10));
	arena_release(&a);
}
END_TEST

/* Runs `step` until the arena jumps; the number of steps that succeeded. */
static int steps_until_exhausted(struct arena *a, void (*step)(struct arena *))
{
	jmp_buf out;
	volatile int steps = 0;

	a->exhausted = &out;
	if (setjmp(out))
		return steps;
	for (; steps < 1000; steps++)
		step(a);
	return INT_MAX;
}

static void take_a_quarter(struct arena *a)
{
	arena_alloc(a, 1024 - 32); /* red zone and alignment take at most 31 bytes */
}

static void take_all_of_memory(struct arena *a)
{
	arena_alloc(a, 16);
	arena_alloc(a, SIZE_MAX - 7); /* 16 + this wraps around to 8 */
}

static void take_an_array_that_overflows(struct arena *a)
{
	arena_alloc_array(a, SIZE_MAX / 2 + 1, 2); /* the product wraps around to 0 */
}

static void copy_too_much(struct arena *a)
{
	arena_copy(a, "x", SIZE_MAX - 4096);
}

static void grow_too_far(struct arena *a)
{
	arena_grow(a, arena_alloc(a, 16), 16, 4097);
}

static void print_too_much(struct arena *a)
{
	arena_printf(a, "%5000d", 1);
}

START_TEST(running_out_jumps_to_where_the_caller_said)
{
	struct arena a = made(4096);

	ck_assert_int_eq(steps_until_exhausted(&a, take_a_quarter), 4);
	arena_reset(&a);
	ck_assert_int_eq(steps_until_exhausted(&a, take_all_of_memory), 0);
	ck_assert_int_eq(steps_until_exhausted(&a, take_an_array_that_overflows), 0);
	ck_assert_int_eq(steps_until_exhausted(&a, copy_too_much), 0);
	ck_assert_int_eq(steps_until_exhausted(&a, grow_too_far), 0);
	ck_assert_int_eq(steps_until_exhausted(&a, print_too_much), 0);
	arena_reset(&a);
	ck_assert_ptr_nonnull(arena_alloc(&a, 1024));
	arena_release(&a);
}
END_TEST

static sigjmp_buf aborted;

static void on_abort(int signal)
{
	siglongjmp(aborted, signal);
}

START_TEST(running_out_with_nowhere_to_go_aborts)
{
	struct arena a = made(4096);
	struct sigaction action = { .sa_handler = on_abort }, before;

	sigaction(SIGABRT, &action, &before);
	int signal = sigsetjmp(aborted, 1);
	if (!signal)
		arena_alloc(&a, 5000);
	sigaction(SIGABRT, &before, NULL);
	ck_assert_int_eq(signal, SIGABRT);
	arena_release(&a);
}
END_TEST

START_TEST(an_array_of_none_is_fine)
{
	struct arena a = made(4096);

	ck_assert_ptr_nonnull(arena_array(&a, int64_t, 0));
	ck_assert_ptr_nonnull(arena_new(&a, int64_t));
	arena_release(&a);
}
END_TEST

static size_t resident_pages(const struct arena *a)
{
	static unsigned char map[ARENA_SIZE / 4096];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;

	ck_assert_int_eq(mincore(a->base, a->size, map), 0);
	for (size_t i = 0; i < a->size / page; i++)
		count += map[i] & 1;
	return count;
}

START_TEST(a_reset_gives_back_what_lies_beyond_the_warm_part)
{
	struct arena a = made(ARENA_SIZE);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	memset(arena_alloc(&a, 8 << 20), 1, 8 << 20);
	ck_assert_uint_ge(resident_pages(&a), (8 << 20) / page);
	arena_reset(&a);
	ck_assert_uint_le(resident_pages(&a), ARENA_KEEP / page);
	ck_assert_uint_gt(resident_pages(&a), 0);
	arena_release(&a);
}
END_TEST

START_TEST(text_is_copied_with_its_end)
{
	struct arena a = made(4096);
	char *copy = arena_copy(&a, "lot and more", 3);

	ck_assert_str_eq(copy, "lot");
	ck_assert_str_eq(arena_copy(&a, NULL, 0), "");
	ck_assert_str_eq(arena_printf(&a, "%s-%03d", "lot", 7), "lot-007");
	ck_assert_str_eq(arena_printf(&a, "%s", ""), "");
	arena_release(&a);
}
END_TEST

START_TEST(a_release_may_come_twice)
{
	struct arena a = made(4096);

	arena_release(&a);
	arena_release(&a);
	ck_assert_ptr_null(a.base);
}
END_TEST

START_TEST(more_than_the_address_space_is_refused)
{
	struct arena a;

	ck_assert_int_lt(arena_init(&a, SIZE_MAX / 2), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_piece_is_zeroed_aligned_and_its_own,
		memory_is_zero_again_after_a_reset,
		the_last_piece_grows_in_place,
		an_earlier_piece_grows_by_a_copy,
		running_out_jumps_to_where_the_caller_said,
		running_out_with_nowhere_to_go_aborts,
		an_array_of_none_is_fine,
		a_reset_gives_back_what_lies_beyond_the_warm_part,
		text_is_copied_with_its_end,
		a_release_may_come_twice,
		more_than_the_address_space_is_refused,
	};

	return suite_run("arena", tests, ARRAY_SIZE(tests));
}
