/* The scoreboard without processes: counting, reading, and refusing what is not one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool_harness.h"

static struct pool pool; /* only its directory */
static struct scoreboard *board;

static struct scoreboard_plan plan_of_two(void)
{
	struct scoreboard_plan plan = { .dir = pool.dir, .version = "1.2.3", .revision = "abcdef" };

	for (int g = 0; g < GROUP_COUNT; g++) {
		plan.group[g].configured = 2;
		plan.group[g].slots = 3;
		plan.group[g].budget_us = SECONDS(1);
		plan.group[g].backlog = 64;
	}
	return plan;
}

static void setup(void)
{
	pool_prepare(&pool);
	const struct scoreboard_plan plan = plan_of_two();
	ck_assert_int_eq(scoreboard_create(&plan, &board), 0);
}

static void teardown(void)
{
	scoreboard_destroy(board);
	pool_finish(&pool);
}

static struct slot *worker(int index)
{
	struct slot *slot = scoreboard_slot(board, GROUP_MAIN, index);

	slot_open(slot);
	slot_owner(slot, getpid());
	return slot;
}

static struct group_view main_view(void)
{
	struct group_view view;

	view_group(board, GROUP_MAIN, &view);
	return view;
}

static enum worker_state state_of(int index)
{
	struct worker_view view;

	ck_assert(view_worker(board, GROUP_MAIN, index, &view));
	return view.state;
}

/* --- histograms --- */

START_TEST(buckets_are_in_order_and_at_most_a_quarter_wide)
{
	int last = 0;

	ck_assert_int_eq(histogram_bucket(-5), 0);
	for (int64_t us = 0; us < 1 << 20; us++) {
		int bucket = histogram_bucket(us);
		ck_assert_int_ge(bucket, last);
		ck_assert_int_le(bucket, last + 1);
		last = bucket;
	}
	ck_assert_int_eq(histogram_bucket(INT64_C(1) << 29), HISTOGRAM_BUCKETS - 4);
	ck_assert_int_eq(histogram_bucket(INT64_MAX), HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(percentiles_are_within_a_bucket_of_the_truth)
{
	struct tally t = { 0 };

	ck_assert_int_eq(tally_percentile(&t, TALLY_SERVICE_BUCKETS, 99), 0);
	for (int64_t us = 1; us <= 100000; us++)
		t.at[TALLY_SERVICE_BUCKETS + histogram_bucket(us)]++;
	for (int percent = 1; percent <= 100; percent++) {
		int64_t truth = 1000 * percent, got = tally_percentile(&t, TALLY_SERVICE_BUCKETS, percent);
		ck_assert_int_ge(got, truth - truth / 4 - 1);
		ck_assert_int_le(got, truth + truth / 4 + 1);
	}
	ck_assert_int_eq(tally_mean(&t, TALLY_SERVICE_US), 0); /* no requests, no division */
}
END_TEST

/* --- a worker's slot --- */

START_TEST(a_worker_goes_from_starting_to_idle_to_busy_and_back)
{
	struct worker_view view;
	struct slot *slot = worker(0);

	ck_assert_int_eq(state_of(0), WORKER_STARTING);
	slot_ready(slot);
	ck_assert_int_eq(state_of(0), WORKER_IDLE);
	slot_accepted(slot);
	slot_begin(slot, 700);
	slot_route(slot, "GET /v1/lots/{id}");
	slot_stage(slot, "handler");
	slot_query(slot, "LOT_BY_ID");
	ck_assert(view_worker(board, GROUP_MAIN, 0, &view));
	ck_assert_int_eq(view.state, WORKER_BUSY);
	ck_assert_str_eq(view.route, "GET /v1/lots/{id}");
	ck_assert_str_eq(view.stage, "handler");
	ck_assert_str_eq(view.query, "LOT_BY_ID");
	ck_assert_int_gt(view.in_us, 0);
	slot_end(slot, 503, 1200, 300);
	slot_idle(slot);
	ck_assert(view_worker(board, GROUP_MAIN, 0, &view));
	ck_assert_int_eq(view.state, WORKER_IDLE);
	ck_assert_int_eq(view.in_us, 0);
	ck_assert_str_eq(view.route, "");
	ck_assert_int_eq(view.requests, 1);
	struct tally total = main_view().total;
	ck_assert_int_eq(total.at[TALLY_REQUESTS], 1);
	ck_assert_int_eq(total.at[TALLY_ERRORS], 1);
	ck_assert_int_eq(total.at[TALLY_QUEUE_US], 700);
	ck_assert_int_eq(total.at[TALLY_POSTGRES_US], 1200);
	ck_assert_int_eq(total.at[TALLY_REDIS_US], 300);
}
END_TEST

START_TEST(a_slot_that_is_not_there_takes_everything)
{
	slot_begin(NULL, 1);
	slot_route(NULL, "GET /");
	slot_stage(NULL, "x");
	slot_query(NULL, "x");
	slot_end(NULL, 200, 1, 1);
	slot_shed(NULL);
	ck_assert_int_eq(main_view().total.at[TALLY_REQUESTS], 0);
}
END_TEST

START_TEST(what_a_slot_counted_outlives_its_worker)
{
	struct worker_view view;
	struct slot *slot = worker(0);

	slot_ready(slot);
	for (int i = 0; i < 3; i++) {
		slot_accepted(slot);
		slot_end(slot, 200, 0, 0);
	}
	slot_shed(slot);
	slot_close(slot);
	ck_assert(!view_worker(board, GROUP_MAIN, 0, &view));
	ck_assert_int_eq(main_view().total.at[TALLY_REQUESTS], 3);
	slot = worker(0);
	ck_assert(view_worker(board, GROUP_MAIN, 0, &view));
	ck_assert_int_eq(view.requests, 0); /* the new worker's own */
	slot_ready(slot);
	slot_accepted(slot);
	slot_end(slot, 200, 0, 0);
	ck_assert(view_worker(board, GROUP_MAIN, 0, &view));
	ck_assert_int_eq(view.requests, 1);
	ck_assert_int_eq(main_view().total.at[TALLY_REQUESTS], 4);
	ck_assert_int_eq(main_view().total.at[TALLY_SHED], 1);
}
END_TEST

START_TEST(what_was_refused_unserved_is_not_among_the_requests)
{
	struct slot *slot = worker(0);

	slot_ready(slot);
	slot_accepted(slot);
	slot_begin(slot, 4000);
	slot_end(slot, 200, 0, 0);
	const struct tally served = main_view().total;
	slot_accepted(slot);
	slot_begin(slot, 300000);
	slot_shed(slot);
	struct tally total = main_view().total;
	ck_assert_int_eq(total.at[TALLY_SHED], 1);
	ck_assert_int_gt(total.at[TALLY_SHED_CPU_US], 0);
	total.at[TALLY_SHED] = total.at[TALLY_SHED_CPU_US] = 0;
	ck_assert_mem_eq(
		&total, &served, sizeof total); /* its times would make the service look faster than it is */
}
END_TEST

START_TEST(a_long_text_is_cut)
{
	struct worker_view view;
	struct slot *slot = worker(0);
	char text[200];

	memset(text, 'r', sizeof text);
	text[sizeof text - 1] = '\0';
	slot_ready(slot);
	slot_accepted(slot);
	slot_route(slot, text);
	ck_assert(view_worker(board, GROUP_MAIN, 0, &view));
	ck_assert_uint_eq(strlen(view.route), VIEW_TEXT_SIZE - 1);
	ck_assert_str_eq(view.stage, "");
	slot_route(slot, "GET /");
	ck_assert(view_worker(board, GROUP_MAIN, 0, &view));
	ck_assert_str_eq(view.route, "GET /");
}
END_TEST

START_TEST(what_the_master_says_about_a_worker_comes_first)
{
	enum restart reason;
	struct slot *slot = worker(0);

	slot_ready(slot);
	slot_leaving(slot);
	ck_assert_int_eq(state_of(0), WORKER_DRAINING);
	slot_stopped(slot, true);
	ck_assert_int_eq(state_of(0), WORKER_STUCK);
	slot_stopped(slot, false);
	ck_assert(!slot_wants_retirement(slot, &reason));
	slot_ask_retire(slot, RESTART_MEMORY);
	ck_assert(slot_wants_retirement(slot, &reason));
	ck_assert_int_eq(reason, RESTART_MEMORY);
	slot = worker(0); /* another one does not inherit any of it */
	slot_ready(slot);
	ck_assert_int_eq(state_of(0), WORKER_IDLE);
	ck_assert(!slot_wants_retirement(slot, &reason));
}
END_TEST

START_TEST(readiness_needs_one_worker_and_nobody_who_drains)
{
	ck_assert(!pool_is_ready(board));
	ck_assert(pool_is_alive(board)); /* starting is no reason to be killed */
	struct slot *slot = worker(1);
	ck_assert(!pool_is_ready(board));
	slot_ready(slot);
	ck_assert(pool_is_ready(board));
	pool_touch(&pool, "draining");
	ck_assert(!pool_is_ready(board));
	ck_assert(pool_is_alive(board));
	ck_assert_int_eq(unlink(pool_path(&pool, "draining")), 0);
	ck_assert(pool_is_ready(board));
	scoreboard_draining(board);
	ck_assert(!pool_is_ready(board));
}
END_TEST

START_TEST(rates_come_from_samples_and_times_from_the_last_minute)
{
	struct slot *slot = worker(0);

	slot_ready(slot);
	for (int i = 0; i < 50; i++) {
		slot_accepted(slot);
		slot_begin(slot, 1000);
		slot_end(slot, 200, 2000, 0);
	}
	ck_assert_int_eq(main_view().rps_milli, 0); /* nothing was sampled yet */
	scoreboard_sample(board, clock_now() - SECONDS(70));
	ck_assert_int_eq(main_view().recent.at[TALLY_REQUESTS], 50); /* nothing since: all of it */
	scoreboard_sample(board, clock_now() - SECONDS(20));
	for (int i = 0; i < 100; i++) {
		slot_accepted(slot);
		slot_begin(slot, 1000);
		slot_end(slot, 200, 4000, 0);
	}
	scoreboard_sample(board, clock_now() - SECONDS(10));
	for (int i = 0; i < 20; i++) {
		slot_accepted(slot);
		slot_end(slot, 200, 4000, 0);
	}
	struct group_view view = main_view();
	ck_assert_int_eq(view.recent.at[TALLY_REQUESTS], 120);
	ck_assert_int_eq(tally_mean(&view.recent, TALLY_POSTGRES_US), 4000);
	ck_assert_int_gt(view.rps_milli, 1600); /* 120 in the 70 s since the third sample back */
	ck_assert_int_lt(view.rps_milli, 1800);
	scoreboard_sample(board, clock_now() - SECONDS(1));
	ck_assert_int_eq((main_view().rps_milli + 100) / 1000, 6); /* now 120 in 20 s */
}
END_TEST

/* --- the file --- */

START_TEST(another_process_reads_what_is_written)
{
	struct scoreboard *read;
	struct pool_view view;
	struct stat st;
	struct slot *slot = worker(0);

	slot_ready(slot);
	ck_assert_int_eq(scoreboard_open_read(pool.dir, &read), 0);
	view_pool(read, &view);
	ck_assert_str_eq(view.version, "1.2.3");
	ck_assert_str_eq(view.revision, "abcdef");
	ck_assert_int_eq(view.pid, getpid());
	ck_assert(!view.draining);
	ck_assert(pool_is_ready(read));
	ck_assert(slot_scoreboard(slot) == board);
	ck_assert_int_eq(stat(pool_path(&pool, "scoreboard"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_int_ge(st.st_blocks * 512, st.st_size); /* reserved: no SIGBUS on a full disk */
	scoreboard_close(read);
}
END_TEST

START_TEST(what_is_not_a_scoreboard_is_refused)
{
	struct scoreboard *read;
	char byte;
	struct stat st;
	int fd = open(pool_path(&pool, "scoreboard"), O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(scoreboard_open_read("/nonexistent", &read), -ENOENT);
	/* Its head is magic, version and sizes: any other byte there makes it another thing. */
	for (off_t at = 0; at < 32; at++) {
		ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
		byte ^= 0x15;
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
		ck_assert_int_eq(scoreboard_open_read(pool.dir, &read), -EINVAL);
		byte ^= 0x15;
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	}
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(ftruncate(fd, st.st_size + 4096), 0);
	ck_assert_int_eq(scoreboard_open_read(pool.dir, &read), -EINVAL);
	ck_assert_int_eq(ftruncate(fd, st.st_size), 0);
	ck_assert_int_eq(scoreboard_open_read(pool.dir, &read), 0);
	scoreboard_close(read);
	ck_assert_int_eq(ftruncate(fd, 10), 0);
	ck_assert_int_eq(scoreboard_open_read(pool.dir, &read), -EINVAL);
	ck_assert_int_eq(ftruncate(fd, st.st_size), 0); /* for whoever has it mapped */
	close(fd);
}
END_TEST

START_TEST(a_dead_masters_board_is_refused)
{
	struct scoreboard *read;
	pid_t child = fork();

	if (child == 0) {
		const struct scoreboard_plan plan = plan_of_two();
		_exit(scoreboard_create(&plan, &read) ? 1 : 0);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(scoreboard_open_read(pool.dir, &read), -ESRCH);
}
END_TEST

START_TEST(a_pool_that_ends_leaves_its_successors_board_alone)
{
	struct scoreboard *old = board;
	const struct scoreboard_plan plan = plan_of_two();

	ck_assert_int_eq(scoreboard_create(&plan, &board), 0);
	scoreboard_destroy(old);
	ck_assert_int_eq(access(pool_path(&pool, "scoreboard"), F_OK), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		buckets_are_in_order_and_at_most_a_quarter_wide,
		percentiles_are_within_a_bucket_of_the_truth,
		a_worker_goes_from_starting_to_idle_to_busy_and_back,
		a_slot_that_is_not_there_takes_everything,
		what_a_slot_counted_outlives_its_worker,
		what_was_refused_unserved_is_not_among_the_requests,
		a_long_text_is_cut,
		what_the_master_says_about_a_worker_comes_first,
		readiness_needs_one_worker_and_nobody_who_drains,
		rates_come_from_samples_and_times_from_the_last_minute,
		another_process_reads_what_is_written,
		what_is_not_a_scoreboard_is_refused,
		a_dead_masters_board_is_refused,
		a_pool_that_ends_leaves_its_successors_board_alone,
	};

	return pool_suite_run("scoreboard", tests, ARRAY_SIZE(tests), setup, teardown);
}
