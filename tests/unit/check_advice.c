/* The advice of `agrobridge size`: Erlang's formula against published values, and what each limit does to it. */
#include "pool/advice.h"

#include <math.h>

#include "suite.h"

/* 2 cores, 4 ms of a worker and 0.3 ms of processor a request: nothing but the processors limits it. */
static struct advice_input plenty(void)
{
	return (struct advice_input){
		.service_ms = 4,
		.cpu_ms = 0.3,
		.front_cpu_ms = 0.05,
		.cores = 2,
		.wait_ms = 50,
		.memory_mb = 4096,
		.worker_kb = 8192,
		.connections = 1000,
		.max_tasks = 2,
		.other_workers = 2,
	};
}

/* Erlang C tables: C(1, 0.5) = 1/2, C(2, 1) = 1/3, C(10, 7) = 0.2217, C(50, 45) = 0.3639. */
START_TEST(erlang_c_agrees_with_the_tables)
{
	ck_assert_double_eq_tol(erlang_c(1, 0.5), 0.5, 1e-12);
	ck_assert_double_eq_tol(erlang_c(2, 1), 1.0 / 3, 1e-12);
	ck_assert_double_eq_tol(erlang_c(10, 7), 0.2217, 1e-4);
	ck_assert_double_eq(erlang_c(3, 3), 1);
	ck_assert_double_eq(erlang_c(3, 5), 1);
}
END_TEST

/* One server is M/M/1: P(wait > t) = rho exp(-(1 - rho) t / S). */
START_TEST(one_worker_is_the_textbook_queue)
{
	ck_assert_double_eq_tol(erlang_wait_beyond(1, 0.8, 10, 100), 0.8 * exp(-2), 1e-12);
	ck_assert_double_eq(erlang_wait_beyond(1, 1, 10, 1e9), 1);
}
END_TEST

START_TEST(workers_are_the_fewest_that_keep_the_wait)
{
	struct advice_input in = plenty();
	struct advice a = advice_of(&in);
	double load = a.rate * in.service_ms / 1000;

	ck_assert_int_eq(a.binds, LIMIT_CPU);
	ck_assert_double_eq_tol(a.utilisation, 0.65, 1e-9);
	ck_assert_double_le(erlang_wait_beyond(a.workers, load, in.service_ms, in.wait_ms), 0.01);
	ck_assert_double_gt(erlang_wait_beyond(a.workers - 1, load, in.service_ms, in.wait_ms), 0.01);
}
END_TEST

START_TEST(the_connection_budget_binds_and_leaves_processors_idle)
{
	struct advice_input in = plenty();
	in.connections = 24;
	struct advice a = advice_of(&in);

	ck_assert_int_eq(a.binds, LIMIT_CONNECTIONS);
	ck_assert_int_eq(a.workers, 24 / (2 * 2) - 2);
	ck_assert_double_lt(a.utilisation, 0.3);
	ck_assert_double_lt(a.busy, 1);
}
END_TEST

START_TEST(memory_binds)
{
	struct advice_input in = plenty();
	in.memory_mb = 64;
	struct advice a = advice_of(&in);

	ck_assert_int_eq(a.binds, LIMIT_MEMORY);
	ck_assert_int_eq(a.workers, 4);
	ck_assert_int_eq(a.memory_mb, 32);
}
END_TEST

START_TEST(too_few_workers_are_told_from_enough)
{
	struct advice_input in = plenty();
	in.workers = 4;
	struct advice few = advice_of(&in);
	in.workers = few.workers;
	struct advice enough = advice_of(&in);

	ck_assert_double_lt(few.now_utilisation, 0.3);
	ck_assert_double_lt(few.now_rate, 4 * 1000 / in.service_ms);
	ck_assert_double_eq_tol(enough.now_utilisation, 0.65, 1e-9);
}
END_TEST

START_TEST(tasks_carry_the_rate_and_are_never_one)
{
	struct advice_input in = plenty();
	in.rate = 1;
	ck_assert_int_eq(advice_of(&in).tasks, 2);
	in.rate = 10000;
	struct advice a = advice_of(&in);
	ck_assert_double_ge(a.tasks * a.rate, in.rate);
	ck_assert_double_lt((a.tasks - 1) * a.rate, in.rate);
	ck_assert_int_eq(a.connections, a.tasks * (a.workers + in.other_workers));
	ck_assert_int_eq(a.connections_twice, 2 * a.connections);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		erlang_c_agrees_with_the_tables,
		one_worker_is_the_textbook_queue,
		workers_are_the_fewest_that_keep_the_wait,
		the_connection_budget_binds_and_leaves_processors_idle,
		memory_binds,
		too_few_workers_are_told_from_enough,
		tasks_carry_the_rate_and_are_never_one,
	};

	return suite_run("advice", tests, ARRAY_SIZE(tests));
}
