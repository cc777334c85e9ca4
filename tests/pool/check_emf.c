/* The figures an alarm for the trap needs, without processes: how busy the workers were, how busy the task's cores. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/emf.h"
#include "api/metrics.h"
#include "http/json.h"
#include "http/response.h"
#include "pool_harness.h"

enum { WORKERS = 4 };

static struct pool pool; /* only its directory */
static struct scoreboard *board;
static struct arena arena;
static struct emf_before before[GROUP_COUNT];
static const struct conf half_a_core = {
	.millicores = 500, .queue_timeout_ms = 250, .max_tasks = 1, .connections = 100
};

static void setup(void)
{
	struct scoreboard_plan plan = { .dir = NULL, .version = "1.2.3", .revision = "abcdef" };

	pool_prepare(&pool);
	plan.dir = pool.dir;
	for (int g = 0; g < GROUP_COUNT; g++) {
		plan.group[g].configured = plan.group[g].slots = WORKERS;
		plan.group[g].budget_us = SECONDS(1);
		plan.group[g].backlog = 64;
	}
	ck_assert_int_eq(scoreboard_create(&plan, &board), 0);
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	memset(before, 0, sizeof before);
}

static void teardown(void)
{
	arena_release(&arena);
	scoreboard_destroy(board);
	pool_finish(&pool);
}

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A worker of this group, which is us, has a request: sleeps so long, then computes so long, in seconds. */
static void serve(enum group group, double sleeps, double computes)
{
	struct slot *slot = scoreboard_slot(board, group, 0);

	slot_open(slot);
	slot_owner(slot, getpid());
	slot_ready(slot);
	slot_accepted(slot);
	slot_begin(slot, 0);
	usleep((useconds_t)(sleeps * 1e6));
	for (double end = cpu_now() + computes; cpu_now() < end;)
		;
	slot_end(slot, 200, 0, 0);
	slot_idle(slot);
}

static const struct json *line(void)
{
	struct faults faults = { .count = 0 };
	const struct json *root = NULL;
	struct buf out;

	buf_init(&out, &arena, 4096);
	emf_write(&out, &half_a_core, board, INT64_C(1777629600123456), before);
	ck_assert_int_eq(json_parse(&arena, out.data, out.len, &faults, &root), 0);
	return root;
}

static double number_in(const struct json *object, const char *name)
{
	ck_assert_ptr_nonnull(json_get(object, name));
	return strtod(json_text(json_get(object, name)), NULL);
}

static double figure(const char *name)
{
	return number_in(line(), name);
}

/* 1 s of 4 workers' 240 s. */
START_TEST(busy_is_the_mean_of_the_minute)
{
	serve(GROUP_MAIN, 1, 0);
	double busy = figure("busy");
	ck_assert_double_ge(busy, 100 * 1.0 / 240 - 0.001);
	ck_assert_double_lt(busy, 100 * 3.0 / 240);
	ck_assert_double_eq(figure("busy"), 0); /* that was the minute before */
	serve(GROUP_LOGIN, 0.3, 0);
	ck_assert_double_eq(figure("busy"), 0); /* of main */
}
END_TEST

/* 0.2 s of the 30 s that half a core has in a minute, whoever used them. */
START_TEST(workers_cpu_is_all_groups_share_of_the_cores)
{
	for (int g = GROUP_MAIN; g <= GROUP_LOGIN; g++) {
		serve((enum group)g, 0, 0.2);
		double cpu = figure("workers_cpu");
		ck_assert_double_ge(cpu, 100 * 0.2 / 30 - 0.001);
		ck_assert_double_lt(cpu, 100 * 0.4 / 30);
		ck_assert_double_eq(figure("workers_cpu"), 0);
	}
}
END_TEST

/* What `agrobridge size` is told where nobody can ask the pool: milliseconds of a request. */
START_TEST(the_mean_service_time_is_the_minutes)
{
	serve(GROUP_MAIN, 0.2, 0);
	double mean = figure("service_mean");
	ck_assert_double_ge(mean, 200);
	ck_assert_double_lt(mean, 600);
	ck_assert_double_eq(figure("service_mean"), 0);
}
END_TEST

START_TEST(restarts_are_the_minutes_by_reason)
{
	scoreboard_restart(board, GROUP_MAIN, RESTART_CRASH);
	scoreboard_restart(board, GROUP_LOGIN, RESTART_CRASH);
	scoreboard_restart(board, GROUP_MAIN, RESTART_DEADLINE);
	scoreboard_restart(board, GROUP_MAIN, RESTART_MAX_REQUESTS);
	const struct json *root = line(), *reasons = json_get(root, "restart_reasons");
	ck_assert_double_eq(number_in(root, "restarts"), 4);
	ck_assert_double_eq(number_in(root, "workers_lost"), 3);
	ck_assert_double_eq(number_in(root, "workers_stuck"), 1);
	ck_assert_double_eq(number_in(reasons, "crash"), 2);
	ck_assert_double_eq(number_in(reasons, "deadline"), 1);
	ck_assert_double_eq(number_in(reasons, "max_requests"), 1);
	ck_assert_ptr_null(json_get(reasons, "oom"));
	root = line(); /* the next minute */
	ck_assert_double_eq(number_in(root, "restarts"), 0);
	ck_assert_double_eq(number_in(root, "workers_lost"), 0);
	ck_assert_double_eq(number_in(root, "workers_stuck"), 0);
}
END_TEST

START_TEST(a_worker_past_its_deadline_is_stuck)
{
	struct slot *slot = scoreboard_slot(board, GROUP_MAIN, 0);

	slot_open(slot);
	slot_owner(slot, getpid());
	slot_ready(slot);
	slot_accepted(slot);
	slot_begin(slot, 0);
	slot_deadline(slot, clock_now() + SECONDS(60));
	ck_assert_double_eq(figure("workers_stuck"), 0);
	slot_deadline(slot, clock_now() - SECONDS(60));
	ck_assert_double_eq(figure("workers_stuck"), 1);
}
END_TEST

START_TEST(the_metrics_say_what_the_task_has)
{
	struct buf out;

	buf_init(&out, &arena, RESPONSE_MAX);
	metrics_write(&out, &half_a_core, board);
	ck_assert_ptr_nonnull(strstr(out.data, "\nagrobridge_cores 0.500000\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nagrobridge_queue_timeout_seconds 0.250000\n"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		busy_is_the_mean_of_the_minute,
		workers_cpu_is_all_groups_share_of_the_cores,
		the_mean_service_time_is_the_minutes,
		restarts_are_the_minutes_by_reason,
		a_worker_past_its_deadline_is_stuck,
		the_metrics_say_what_the_task_has,
	};

	return pool_suite_run("emf", tests, ARRAY_SIZE(tests), setup, teardown);
}
