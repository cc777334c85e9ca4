/* Limits: the arithmetic of a window, the table that keeps them in a worker, and whom an address stands for. */
#include <check.h>
#include <stdio.h>

#include "base/address.h"
#include "base/clock.h"
#include "session/rate.h"
#include "session/rate_table.h"
#include "suite.h"

#define MINUTE (60 * US_PER_SECOND)

static struct rate_table table;
static const struct rate ten = { 10, MINUTE };

/* How many of `asked` are let through at `now`. */
static int let(const char *key, struct rate rate, int64_t now, int asked)
{
	int through = 0;

	for (int i = 0; i < asked; i++)
		through += !rate_table_take(&table, key, rate, now).refused;
	return through;
}

static void setup(void)
{
	rate_table_init(&table);
}

START_TEST(the_limit_is_exact_and_says_what_is_left)
{
	for (int i = 1; i <= 10; i++) {
		struct quota q = rate_table_take(&table, "a", ten, 5);
		ck_assert(!q.refused);
		ck_assert_int_eq(q.limit, 10);
		ck_assert_int_eq(q.remaining, 10 - i);
		ck_assert_int_eq(q.wait_us, MINUTE);
	}
	struct quota q = rate_table_take(&table, "a", ten, 5 + MINUTE / 3);
	ck_assert(q.refused);
	ck_assert_int_eq(q.remaining, 0);
	ck_assert_int_eq(q.wait_us, MINUTE - MINUTE / 3);
	ck_assert_int_eq(let("b", ten, 5, 20), 10); /* another is another */
}
END_TEST

START_TEST(there_is_no_moment_in_which_twice_the_limit_gets_through)
{
	const int64_t end = MINUTE - 1;

	ck_assert_int_eq(let("a", ten, 0, 1), 1); /* its window begins */
	ck_assert_int_eq(let("a", ten, end, 20), 9);
	ck_assert_int_eq(let("a", ten, end + 2, 20), 1); /* what a tenth of a minute gives back */
	ck_assert_int_eq(let("a", ten, MINUTE + MINUTE / 2, 20), 4);
	ck_assert_int_eq(let("a", ten, 2 * MINUTE - 1, 20), 5); /* evenly, ten in the second minute */
}
END_TEST

START_TEST(who_was_silent_for_two_windows_begins_anew)
{
	ck_assert_int_eq(let("a", ten, 0, 20), 10);
	ck_assert_int_eq(let("a", ten, 2 * MINUTE, 20), 10);
}
END_TEST

START_TEST(refused_ones_keep_nobody_out_for_longer)
{
	ck_assert_int_eq(let("a", ten, 0, 1000), 10);
	ck_assert_int_eq(let("a", ten, MINUTE + 1, 1), 1);
}
END_TEST

/* Whatever a window holds: not before wait_us, and right after it. */
START_TEST(a_refused_one_is_taken_when_it_was_told)
{
	const struct rate rate = { 7, 1000 };

	for (int64_t age = 0; age < 1000; age += 13)
		for (int64_t previous = 0; previous <= 7; previous++) {
			const struct rate_count count = { age, 7 - previous * (1000 - age) / 1000, previous };
			ck_assert_int_eq(rate_used(rate, count), 7);
			int64_t wait = quota_of(rate, count, false).wait_us;
			ck_assert_int_ge(wait, 0);
			ck_assert_int_lt(rate_used(rate, rate_later(rate, count, wait + 1)), 7);
			if (wait > 1)
				ck_assert_int_eq(rate_used(rate, rate_later(rate, count, wait - 1)), 7);
		}
}
END_TEST

START_TEST(what_is_given_back_can_be_taken_again)
{
	ck_assert_int_eq(let("a", ten, 0, 20), 10);
	rate_table_give(&table, "a", ten, 0);
	ck_assert_int_eq(let("a", ten, 0, 20), 1);
	rate_table_give(&table, "a", ten, MINUTE); /* its window is the previous one by now */
	ck_assert_int_eq(let("a", ten, MINUTE, 20), 1);
	rate_table_give(&table, "nobody", ten, 0);
	for (int i = 0; i < 20; i++)
		rate_table_give(&table, "b", ten, 0);
	ck_assert_int_eq(let("b", ten, 0, 20), 10); /* never more than there is */
}
END_TEST

START_TEST(a_flood_of_keys_makes_it_forget_and_refuses_nobody)
{
	char key[32];

	ck_assert_int_eq(let("owner", ten, 0, 20), 10);
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof key, "flood-%d", i);
		ck_assert_int_eq(let(key, ten, 1, 1), 1);
	}
	ck_assert_int_ge(let("owner", ten, 2, 10), 0); /* forgotten or not */
	ck_assert_int_eq(let("late", ten, 2, 20), 10);
}
END_TEST

START_TEST(what_lasts_longer_stays_in_it)
{
	const struct rate login = { 5, 15 * MINUTE };
	char key[32];

	ck_assert_int_eq(let("guesser", login, 0, 20), 5);
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof key, "flood-%d", i);
		(void)let(key, ten, 1, 1);
	}
	ck_assert_int_eq(let("guesser", login, 2, 20), 0);
}
END_TEST

START_TEST(seconds_are_whole_enough_and_never_none)
{
	ck_assert_int_eq(quota_seconds(0), 1);
	ck_assert_int_eq(quota_seconds(US_PER_SECOND), 1);
	ck_assert_int_eq(quota_seconds(US_PER_SECOND + 1), 2);
	ck_assert_int_eq(quota_seconds(15 * MINUTE), 900);
}
END_TEST

START_TEST(an_address_stands_for_what_one_customer_has)
{
	static const struct {
		const char *address, *block;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "2001:DB8:1:2::1", "2001:db8:1:2::/64" },
		{ "2001:db8:1:3::1", "2001:db8:1:3::/64" },
		{ "::1", "::/64" },
		{ "unix:", "unix:" },
		{ "", "" },
	};
	char block[ADDRESS_BLOCK_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		address_block(rows[i].address, block);
		ck_assert_str_eq(block, rows[i].block);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_limit_is_exact_and_says_what_is_left,
		there_is_no_moment_in_which_twice_the_limit_gets_through,
		who_was_silent_for_two_windows_begins_anew,
		refused_ones_keep_nobody_out_for_longer,
		a_refused_one_is_taken_when_it_was_told,
		what_is_given_back_can_be_taken_again,
		a_flood_of_keys_makes_it_forget_and_refuses_nobody,
		what_lasts_longer_stays_in_it,
		seconds_are_whole_enough_and_never_none,
		an_address_stands_for_what_one_customer_has,
	};

	return suite_run_with("rate", tests, ARRAY_SIZE(tests), setup, NULL);
}
