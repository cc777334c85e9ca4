/* The breaker: when it refuses, for how long, and what closes it. */
#include <check.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "session/breaker.h"
#include "suite.h"

static void fail_times(struct breaker *b, int n)
{
	while (n--)
		breaker_failed(b);
}

START_TEST(one_failure_is_forgiven_and_the_second_opens)
{
	struct breaker b = { 0 };

	ck_assert(!breaker_is_open(&b));
	fail_times(&b, 1);
	ck_assert(!breaker_is_open(&b));
	fail_times(&b, 1);
	ck_assert(breaker_is_open(&b));
}
END_TEST

START_TEST(a_success_between_them_starts_the_count_anew)
{
	struct breaker b = { 0 };

	fail_times(&b, 1);
	breaker_succeeded(&b);
	fail_times(&b, 1);
	ck_assert(!breaker_is_open(&b));
}
END_TEST

START_TEST(it_refuses_until_its_time_is_over_and_stays_untrusted_then)
{
	struct breaker b = { 0 };

	fail_times(&b, 2);
	b.until = clock_now() + US_PER_SECOND;
	ck_assert(breaker_refuses(&b));
	b.until = clock_now();
	ck_assert(!breaker_refuses(&b));
	ck_assert(breaker_is_open(&b));
	breaker_succeeded(&b);
	ck_assert(!breaker_is_open(&b));
}
END_TEST

/* Full jitter: anything below the bound, so that neither half of it stays empty in 200 draws (2^-200). */
static void check_waits_below(int64_t bound, int failures)
{
	int low = 0, high = 0;

	for (int draw = 0; draw < 200; draw++) {
		struct breaker b = { 0 };
		fail_times(&b, failures - 1);
		int64_t before = clock_now();
		fail_times(&b, 1);
		int64_t wait = b.until - before;
		ck_assert_int_ge(wait, 0);
		ck_assert_int_lt(b.until - clock_now(), bound);
		low += wait < bound / 2;
		high += wait >= bound / 2;
	}
	ck_assert_int_gt(low, 0);
	ck_assert_int_gt(high, 0);
}

START_TEST(the_wait_is_drawn_below_a_bound_that_doubles_to_two_seconds)
{
	static const int bounds_ms[] = { 50, 100, 200, 400, 800, 1600, 2000, 2000, 2000 };

	for (int i = 0; i < (int)ARRAY_SIZE(bounds_ms); i++)
		check_waits_below(bounds_ms[i] * US_PER_MS, i + 2);
}
END_TEST
int main(void)
{
	const TTest *const tests[] = {
		one_failure_is_forgiven_and_the_second_opens,
		a_success_between_them_starts_the_count_anew,
		it_refuses_until_its_time_is_over_and_stays_untrusted_then,
		the_wait_is_drawn_below_a_bound_that_doubles_to_two_seconds,
	};

	return suite_run("breaker", tests, ARRAY_SIZE(tests));
}
