/* What a late request leaves in the log: one line with its worker's own stack, asked for once, never at the request's cost. */
#include <cjson/cJSON.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "echo_service.h"
#include "fcgi_client.h"
#include "pool/stack.h"

static struct pool pool;
static struct pool_service service;
static cJSON *stack; /* the last one read */

static void setup(void)
{
	pool_prepare(&pool);
	service = echo_service(&pool);
}

static void teardown(void)
{
	cJSON_Delete(stack);
	pool_finish(&pool);
}

/* Reads the whole log: every line has to be JSON. Keeps the last stack; returns how many there are. */
static int stacks(void)
{
	static char line[8192];
	int n = 0;
	FILE *log = fopen(pool_path(&pool, "log"), "re");

	while (log && fgets(line, sizeof line, log)) {
		cJSON *json = cJSON_Parse(line);
		ck_assert_msg(json, "not JSON: %s", line);
		const cJSON *message = cJSON_GetObjectItemCaseSensitive(json, "message");
		if (strcmp(cJSON_GetStringValue(message), "stack") != 0) {
			cJSON_Delete(json);
			continue;
		}
		ck_assert_uint_le(strlen(line), 4096); /* and so one write() */
		cJSON_Delete(stack);
		stack = json;
		n++;
	}
	if (log)
		fclose(log);
	return n;
}

static const char *text(const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(stack, name);

	ck_assert_msg(cJSON_IsString(item), "%s is no text", name);
	return item->valuestring;
}

static int64_t number(const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(stack, name);

	ck_assert_msg(cJSON_IsNumber(item), "%s is no number", name);
	return (int64_t)item->valuedouble;
}

/* What addr2line makes of a frame, MODULE+0xOFFSET, is one of the functions inlined there; with a line, in that line. */
static bool frame_is(const char *frame, const char *function, int line)
{
	char command[512], name[256], place[512];
	const char *offset = strrchr(frame, '+');
	bool found = false;

	ck_assert_msg(offset && strncmp(offset, "+0x", 3) == 0, "%s is not MODULE+0xOFFSET", frame);
	snprintf(command, sizeof command, "addr2line -fie '%.*s' %s", (int)(offset - frame), frame,
		offset + 1);
	FILE *names = popen(command, "r");
	ck_assert_ptr_nonnull(names);
	while (fgets(name, sizeof name, names) && fgets(place, sizeof place, names)) {
		const char *colon = strrchr(place, ':');
		name[strcspn(name, "\n")] = '\0';
		found |= strcmp(name, function) == 0 &&
			 (!line || (colon && strtol(colon + 1, NULL, 10) == line));
	}
	ck_assert_int_eq(pclose(names), 0);
	return found;
}

/* The position of `function` among the frames; -1: it is not. */
static int frame_of(const char *function)
{
	const cJSON *frames = cJSON_GetObjectItemCaseSensitive(stack, "frames"), *frame;
	int i = 0;

	ck_assert(cJSON_IsArray(frames));
	cJSON_ArrayForEach(frame, frames)
	{
		if (frame_is(cJSON_GetStringValue(frame), function, 0))
			return i;
		i++;
	}
	return -1;
}

static pid_t busy_worker(void)
{
	for (int i = 0; i < pool_view(&pool, GROUP_MAIN).slots; i++) {
		struct worker_view worker;
		if (view_worker(pool.board, GROUP_MAIN, i, &worker) && worker.in_us)
			return worker.pid;
	}
	return 0;
}

/* --- what it says --- */

START_TEST(a_late_request_writes_whose_it_is_and_where_it_hangs)
{
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "due 100 spin\n");
	ck_assert(eventually(SECONDS(5), busy_worker()));
	pid_t pid = busy_worker();
	ck_assert(eventually(SECONDS(10), stacks() == 1));
	ck_assert_int_eq(number("pid"), pid);
	ck_assert_str_eq(text("level"), "error");
	ck_assert_str_eq(text("request_id"), "echo-1");
	ck_assert_str_eq(text("route"), "due 100 spin");
	ck_assert_str_eq(text("stage"), "handler");
	ck_assert_str_eq(text("query"), "LOT_BY_ID");
	ck_assert_int_ge(number("in_ms"), 100 + 500);
	/* Innermost first, none of the handler's own, down to the worker's loop. */
	ck_assert_int_eq(frame_of("do_spin"), 0);
	ck_assert_int_gt(frame_of("echo_serve"), 0);
	ck_assert_int_gt(frame_of("worker_run"), frame_of("echo_serve"));
	close(fd);
}
END_TEST

START_TEST(it_leads_through_libraries)
{
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "due 100 hang\n"); /* in poll() of the C library */
	ck_assert(eventually(SECONDS(10), stacks() == 1));
	ck_assert(strstr(cJSON_GetStringValue(
				 cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(stack, "frames"), 0)),
		"libc.so"));
	ck_assert_int_gt(frame_of("do_hang"), 0);
	close(fd);
}
END_TEST

START_TEST(what_json_would_escape_does_not_break_the_line)
{
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "due 100 spin \"a\\b\x01\xc3(\n");
	ck_assert(eventually(SECONDS(10), stacks() == 1));
	ck_assert_str_eq(text("route"), "due 100 spin ?a?b?\?("); /* no trigraph */
	close(fd);
}
END_TEST

enum { DEEPER = __LINE__ + 9 }; /* the line where go_deep() calls itself */

/* A service that goes deep before it hangs. */
static struct slot *volatile deep_slot;
static volatile int level;

__attribute__((noinline)) static void go_deep(int levels)
{
	if (levels) {
		go_deep(levels - 1);
		level = levels; /* so that the call is no jump: every level has a frame */
	}
	while (deep_slot)
		;
}

static int deep_start(void *self, enum group group, struct slot *slot)
{
	(void)self;
	(void)group;
	deep_slot = slot;
	return 0;
}

static void deep_serve(void *self, int fd)
{
	(void)self;
	(void)fd;
	slot_deadline(deep_slot, clock_now());
	stack_allow(true);
	go_deep(1000);
}

START_TEST(of_a_deep_stack_the_line_has_the_innermost_frames)
{
	service.start = deep_start;
	service.serve = deep_serve;
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "\n");
	ck_assert(eventually(SECONDS(10), stacks() == 1));
	const cJSON *frames = cJSON_GetObjectItemCaseSensitive(stack, "frames"), *frame;
	ck_assert_int_gt(cJSON_GetArraySize(frames), 20);
	cJSON_ArrayForEach(frame, frames)
	{
		ck_assert(frame_is(
			cJSON_GetStringValue(frame), "go_deep", frame == frames->child ? 0 : DEEPER));
	}
	close(fd);
}
END_TEST

/* --- when --- */

START_TEST(a_late_request_writes_once)
{
	pool.conf.hard_timeout_ms = 10000;
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "due 10 spin\n");
	ck_assert(eventually(SECONDS(10), stacks() == 1));
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(2)), -1); /* the master steps each second at least */
	ck_assert_int_eq(stacks(), 1);
	close(fd);
}
END_TEST

START_TEST(each_late_request_of_a_worker_writes)
{
	pool.conf.workers = 1;
	pool_start(&pool, &service);
	for (int i = 1; i <= 3; i++) {
		char answer[64];
		int fd = echo_open(&pool, GROUP_MAIN, "due 10 hold\n");
		ck_assert(eventually(SECONDS(10), stacks() == i)); /* and the signal ends its read() */
		ck_assert_int_gt(echo_read(fd, answer, sizeof answer, SECONDS(5)), 0);
	}
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

START_TEST(a_short_hard_timeout_is_preceded_by_the_stack_all_the_same)
{
	pool.conf.hard_timeout_ms = 200;
	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "due 50 spin\n");
	while (pool_restarts_for(&pool, RESTART_DEADLINE) == 0) {
		pool_signal(&pool, SIGCHLD); /* the master looks now, */
		nap();
	}
	ck_assert_int_eq(stacks(), 1);
	close(fd);
	fd = echo_open(&pool, GROUP_MAIN, "due 50 spin\n");
	ck_assert(eventually(SECONDS(5), pool_restarts_for(&pool, RESTART_DEADLINE) ==
						 2)); /* and now within a second, when all is over */
	ck_assert_int_eq(stacks(), 2);
	close(fd);
}
END_TEST

START_TEST(a_request_in_time_writes_nothing_whoever_asks)
{
	char answer[64];
	pid_t pids[HARNESS_PIDS];

	pool_start(&pool, &service);
	int n = pool_pids(&pool, GROUP_MAIN, pids);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < n; i++)
			ck_assert_int_eq(
				kill(pids[i], SIGUSR2), 0); /* comes while it is idle: kept for later */
		ck_assert(echo_ask(&pool, GROUP_MAIN, "echo in time\n", answer, sizeof answer));
		ck_assert_str_eq(answer, "in time\n");
	}
	ck_assert_int_eq(stacks(), 0);
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
}
END_TEST

/* --- at nobody's cost: the real program --- */

START_TEST(a_request_that_arrives_slowly_is_read_whole)
{
	/* Nothing listens on port 1. A request is late after 50 ms, and each comes in pieces for a second and more. */
	static char *environment[] = {
		"AGROBRIDGE_DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing",
		"AGROBRIDGE_REDIS_URL=redis://127.0.0.1:1/0",
		"AGROBRIDGE_WORKERS=1",
		"AGROBRIDGE_LOGIN_WORKERS=1",
		"AGROBRIDGE_READ_TIMEOUT_MS=50",
		"AGROBRIDGE_WRITE_TIMEOUT_MS=50",
		"AGROBRIDGE_EXPORT_TIMEOUT_MS=50",
		NULL,
	};
	static char body[1000];
	struct fcgi_client client;

	pool_launch_program(&pool, environment);
	pool_wait_ready(&pool);
	ck_assert_int_eq(fcgi_open(&client, pool_path(&pool, "main.sock")), 0);
	client.chunk = 8;
	client.pause_us = 5000;
	memset(body, ' ', sizeof body);
	fcgi_send_begin(&client);
	fcgi_send_params(&client, "POST", "/v1/no/such/path", sizeof body);
	pid_t pid = busy_worker();
	for (size_t n = 0; n < sizeof body; n += 100) {
		ck_assert_int_eq(kill(pid, SIGUSR2), 0); /* beside the master's own */
		fcgi_send_body(&client, body + n, 100);
	}
	fcgi_send_end(&client);
	ck_assert_int_eq(fcgi_read(&client, SECONDS(5)), FCGI_ANSWERED);
	ck_assert_int_eq(fcgi_status(&client), 404); /* 400: the body was cut */
	ck_assert(eventually(SECONDS(5), stacks() == 1));
	ck_assert_int_ge(number("in_ms"), 550);
	ck_assert_int_ge(frame_of("app_connection"), 0);
	ck_assert_uint_eq(pool_restarts(&pool, GROUP_MAIN), 0);
	fcgi_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_late_request_writes_whose_it_is_and_where_it_hangs,
		it_leads_through_libraries,
		what_json_would_escape_does_not_break_the_line,
		of_a_deep_stack_the_line_has_the_innermost_frames,
		a_late_request_writes_once,
		each_late_request_of_a_worker_writes,
		a_short_hard_timeout_is_preceded_by_the_stack_all_the_same,
		a_request_in_time_writes_nothing_whoever_asks,
		a_request_that_arrives_slowly_is_read_whole,
	};

	return pool_suite_run("stack", tests, ARRAY_SIZE(tests), setup, teardown);
}
