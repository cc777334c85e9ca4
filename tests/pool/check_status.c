/* What operators read: the JSON of /status against its contract, the table within 80 columns, and both without the pool's
 * help. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/status.h"
#include "echo_service.h"
#include "http/json.h"

static struct pool pool;
static struct pool_service service;
static struct arena arena;

static void setup(void)
{
	pool_prepare(&pool);
	service = echo_service(&pool);
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
}

static void teardown(void)
{
	arena_release(&arena);
	pool_finish(&pool);
}

static const struct json *status(void)
{
	struct buf out;
	struct faults faults = { 0 };
	const struct json *root = NULL;

	buf_init(&out, &arena, RESPONSE_MAX);
	status_write(&out, &pool.conf, pool.board);
	ck_assert(!out.full);
	ck_assert_int_eq(json_parse(&arena, out.data, out.len, &faults, &root), 0);
	return root;
}

/* "a.b.c" below `node`; fails the test when it is not there. */
static const struct json *at(const struct json *node, const char *path)
{
	char name[64];

	while (*path) {
		size_t n = strcspn(path, ".");
		snprintf(name, sizeof name, "%.*s", (int)n, path);
		node = json_get(node, name);
		ck_assert_msg(node, "there is no %s", name);
		path += n + (path[n] == '.');
	}
	return node;
}

static double number(const struct json *node, const char *path)
{
	const struct json *found = at(node, path);

	ck_assert_int_eq(json_type(found), JSON_NUMBER);
	return strtod(json_text(found), NULL);
}

static const struct json *nth(const struct json *array, int n)
{
	const struct json *item = json_first(array);

	while (n--)
		item = json_next(item);
	ck_assert_ptr_nonnull(item);
	return item;
}

START_TEST(every_field_of_the_contract_is_there)
{
	static const char *const numbers[] = { "configured", "busy", "idle", "queue.depth", "queue.limit",
		"queue.age_ms", "requests_total", "rps", "service_ms.mean", "service_ms.p50",
		"service_ms.p95", "service_ms.p99", "queue_ms.mean", "queue_ms.p50", "queue_ms.p95",
		"queue_ms.p99", "cpu_ms_per_request", "postgres_ms", "redis_ms", "pss_bytes", "shed_total",
		"restarts.crash", "restarts.oom", "restarts.deadline", "restarts.max_requests",
		"restarts.memory", "restarts.reload", "restarts.unknown" };
	static const char *const names[] = { "main", "login", "ops" };

	pool.conf.millicores = 1500;
	pool_start(&pool, &service);
	const struct json *root = status();
	ck_assert_str_eq(json_text(at(root, "version")), PACKAGE_VERSION);
	ck_assert_int_gt((int)strlen(json_text(at(root, "revision"))), 0);
	ck_assert_int_eq((int)number(root, "pid"), pool.pid);
	ck_assert(number(root, "uptime_seconds") >= 0);
	ck_assert_int_eq(json_type(at(root, "draining")), JSON_FALSE);
	ck_assert(number(root, "cores") == 1.5);
	for (int g = 0; g < GROUP_COUNT; g++) {
		const struct json *group = nth(at(root, "groups"), g);
		ck_assert_str_eq(json_text(at(group, "name")), names[g]);
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			ck_assert(number(group, numbers[i]) >= 0);
		ck_assert(number(group, "pss_bytes") > 0);
		const struct json *worker = nth(at(group, "workers"), 0);
		ck_assert(process_alive((pid_t)number(worker, "pid")));
		ck_assert_str_eq(json_text(at(worker, "state")), "idle");
		ck_assert(number(worker, "age_seconds") >= 0);
		ck_assert_int_eq((int)number(worker, "requests"), 0);
		ck_assert_int_eq(json_type(at(worker, "route")), JSON_NULL);
		ck_assert(number(worker, "in_ms") == 0);
	}
}
END_TEST

START_TEST(figures_are_those_of_the_requests)
{
	char answer[64];

	pool_start(&pool, &service);
	for (int i = 0; i < 40; i++)
		ck_assert(echo_ask(&pool, GROUP_MAIN, "sleep 10\n", answer, sizeof answer));
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS] == 40));
	const struct json *group = nth(at(status(), "groups"), 0);
	ck_assert_int_eq((int)number(group, "requests_total"), 40);
	ck_assert(number(group, "rps") > 0);
	ck_assert(number(group, "service_ms.mean") >= 10 && number(group, "service_ms.mean") < 20);
	ck_assert(number(group, "service_ms.p50") >= 8 && number(group, "service_ms.p50") < 20);
	ck_assert(number(group, "service_ms.p99") >= number(group, "service_ms.p50"));
	ck_assert(number(group, "queue_ms.mean") == 1.5);
	ck_assert(number(group, "postgres_ms") == 3);
	ck_assert(number(group, "redis_ms") == 0.25);
	ck_assert(number(group, "cpu_ms_per_request") > 0 && number(group, "cpu_ms_per_request") < 5);
}
END_TEST

START_TEST(a_busy_worker_shows_what_it_does_and_a_queue_its_depth)
{
	char answer[64];
	int held[2];
	bool seen = false;

	pool_start(&pool, &service);
	for (int i = 0; i < 2; i++) {
		held[i] = echo_open(&pool, GROUP_MAIN, "hold\n");
		ck_assert_int_gt(echo_read_line(held[i], answer, sizeof answer, SECONDS(2)), 0);
	}
	int queued = echo_open(&pool, GROUP_MAIN, "echo queued\n");
	const struct json *group = nth(at(status(), "groups"), 0);
	ck_assert_int_eq((int)number(group, "busy"), 2);
	ck_assert_int_eq((int)number(group, "queue.depth"), 1);
	json_for_each (worker, at(group, "workers")) {
		ck_assert_str_eq(json_text(at(worker, "state")), "busy");
		ck_assert_str_eq(json_text(at(worker, "route")), "hold");
		ck_assert_str_eq(json_text(at(worker, "stage")), "handler");
		ck_assert(number(worker, "in_ms") > 0);
		seen = true;
	}
	ck_assert(seen);
	for (int i = 0; i < 2; i++)
		close(held[i]);
	ck_assert_int_eq(echo_read(queued, answer, sizeof answer, SECONDS(1)), 7);
}
END_TEST

/* Prints it and checks every line's width; true when `text` is in it. */
static bool table_has(const char *text)
{
	char line[512];
	bool found = false;
	FILE *table = tmpfile();

	ck_assert_ptr_nonnull(table);
	status_print(pool.board, table, false);
	rewind(table);
	while (fgets(line, sizeof line, table)) {
		line[strcspn(line, "\n")] = '\0';
		ck_assert_msg(strlen(line) <= 80, "%zu columns: %s", strlen(line), line);
		ck_assert_ptr_null(strchr(line, '\033'));
		found |= strstr(line, text) != NULL;
	}
	fclose(table);
	return found;
}

START_TEST(the_table_fits_a_terminal_and_needs_no_worker)
{
	char answer[64], command[80];
	pid_t pids[HARNESS_PIDS];

	pool_start(&pool, &service);
	ck_assert(!echo_ask(&pool, GROUP_MAIN, "crash\n", answer, sizeof answer));
	ck_assert(eventually(SECONDS(1), table_has("replaced: crash 1")));
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_MAIN).idle == 2));
	memset(command, 'r', sizeof command);
	memcpy(command, "hang ", 5);
	command[sizeof command - 1] = '\0';
	int fd = echo_open(&pool, GROUP_MAIN, command);
	ck_assert(eventually(SECONDS(1), table_has("hang rrrrrrrrr")));
	for (int g = 0; g < GROUP_COUNT; g++) /* nobody can answer any more */
		for (int n = pool_pids(&pool, (enum group)g, pids); n; n--)
			kill(pids[n - 1], SIGSTOP);
	ck_assert(eventually(SECONDS(1), table_has("stuck")));
	ck_assert(eventually(SECONDS(1), pool_view(&pool, GROUP_OPS).stuck == 2));
	close(fd);
}
END_TEST

START_TEST(draining_is_said)
{
	char answer[64];

	pool_start(&pool, &service);
	int fd = echo_open(&pool, GROUP_MAIN, "hold\n");
	ck_assert_int_gt(echo_read_line(fd, answer, sizeof answer, SECONDS(2)), 0);
	pool_signal(&pool, SIGTERM);
	ck_assert(eventually(SECONDS(1), table_has(", draining")));
	ck_assert_int_eq(json_type(at(status(), "draining")), JSON_TRUE);
	close(fd);
	ck_assert_int_eq(pool_wait_exit(&pool, SECONDS(1)), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_field_of_the_contract_is_there,
		figures_are_those_of_the_requests,
		a_busy_worker_shows_what_it_does_and_a_queue_its_depth,
		the_table_fits_a_terminal_and_needs_no_worker,
		draining_is_said,
	};

	return pool_suite_run("status", tests, ARRAY_SIZE(tests), setup, teardown);
}
