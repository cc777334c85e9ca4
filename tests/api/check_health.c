/* Health, and the operators' port: what a task says about itself, and to whom. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "world.h"

/* What nginx's entrypoint does when it is told to stop. */
static const char *draining_file(void)
{
	return TEXT("%s/draining", getenv("AGROBRIDGE_SOCKET_DIR"));
}

static void end_draining(void)
{
	unlink(draining_file());
}

static const struct reply *status(void)
{
	return CALL(.path = "/status", .ops = true);
}

START_TEST(a_running_task_is_alive_and_ready_on_both_ports)
{
	for (int ops = 0; ops <= 1; ops++) {
		const struct reply *live = CALL(.path = "/livez", .ops = ops);
		const struct reply *ready = CALL(.path = "/readyz", .ops = ops);
		expect(answered(live, 200));
		expect(has_members(live, "", "status version revision"));
		expect(has_text(live, "/version", PACKAGE_VERSION));
		expect(has_text(live, "/revision", reply_text(status(), "/revision")));
		expect(has_text(live, "/status", "alive"));
		expect(has_header(live, "Cache-Control", "no-store"));
		expect(answered(ready, 200));
		expect(has_text(ready, "/status", "ready"));
		expect(has_header(ready, "Cache-Control", "no-store"));
	}
	expect(answered(CALL(.method = "HEAD", .path = "/readyz"), 200));
}
END_TEST

START_TEST(a_draining_task_is_not_ready_but_serves)
{
	int file = open(draining_file(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	ck_assert_int_ge(file, 0);
	close(file);
	atexit(end_draining); /* the next test has a ready task, even if this one fails */
	expect(is_problem(get(NULL, "/readyz"), 503, "unavailable"));
	expect(is_problem(CALL(.path = "/readyz", .ops = true), 503, "unavailable"));
	expect(answered(CALL(.method = "HEAD", .path = "/readyz"), 503));
	expect(answered(get(NULL, "/livez"), 200));
	expect(answered(get(&producer, "/v1/me"), 200));
	end_draining();
	expect(answered(get(NULL, "/readyz"), 200));
}
END_TEST

START_TEST(the_scoreboard_shows_every_group)
{
	static const char *const names[] = { "main", "login", "ops" };
	const struct reply *r = status();

	expect(answered(r, 200));
	expect(has_header(r, "Content-Type", "application/json"));
	expect(has_header(r, "Cache-Control", "no-store"));
	ck_assert_ptr_nonnull(reply_text(r, "/version"));
	ck_assert_ptr_nonnull(reply_text(r, "/revision"));
	ck_assert(cJSON_IsNumber(reply_at(r, "/pid")));
	ck_assert(cJSON_IsNumber(reply_at(r, "/uptime_seconds")));
	expect(has_bool(r, "/draining", false));
	expect(has_count(r, "/groups", 3));
	for (int g = 0; g < 3; g++)
		expect(has_text(r, TEXT("/groups/%d/name", g), names[g]));
	expect(has_number(r, "/groups/0/configured", 4));
	expect(has_number(r, "/groups/1/configured", 2));
}
END_TEST

START_TEST(each_group_has_its_figures)
{
	static const char *const numbers[] = { "configured", "busy", "idle", "queue/depth", "queue/limit",
		"queue/age_ms", "requests_total", "rps", "service_ms/mean", "service_ms/p50",
		"service_ms/p95", "service_ms/p99", "queue_ms/mean", "queue_ms/p50", "queue_ms/p95",
		"queue_ms/p99", "cpu_ms_per_request", "postgres_ms", "redis_ms", "pss_bytes", "shed_total",
		"restarts/crash", "restarts/oom", "restarts/deadline", "restarts/max_requests",
		"restarts/memory", "restarts/reload", "restarts/unknown", "workers/0/pid",
		"workers/0/age_seconds", "workers/0/requests", "workers/0/in_ms" };
	const struct reply *r = status();

	for (int g = 0; g < 3; g++)
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
			const cJSON *number = reply_at(r, TEXT("/groups/%d/%s", g, numbers[i]));
			ck_assert_msg(cJSON_IsNumber(number) && number->valuedouble >= 0, "group %d: %s", g,
				numbers[i]);
		}
	expect(has_count(r, "/groups/0/workers", 4));
	expect(has_count(r, "/groups/1/workers", 2));
}
END_TEST

START_TEST(a_worker_that_asks_sees_itself_busy)
{
	static const char *const states[] = { "starting", "idle", "busy", "draining", "stuck" };
	const struct reply *r = status();
	const cJSON *worker;
	int busy = 0;

	cJSON_ArrayForEach(worker, reply_at(r, "/groups/2/workers"))
	{
		const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(worker, "state"));
		const char *route = cJSON_GetStringValue(cJSON_GetObjectItem(worker, "route"));
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(states); i++)
			known |= strcmp(state, states[i]) == 0;
		ck_assert_msg(known, "%s", state);
		busy += strcmp(state, "busy") == 0 && route && strcmp(route, "GET /status") == 0;
	}
	ck_assert_int_ge(busy, 1);
}
END_TEST

START_TEST(every_request_is_counted_in_its_group)
{
	double before[2], after[2];
	static const char *const totals[] = { "/groups/0/requests_total", "/groups/1/requests_total" };
	const struct reply *r = status();

	for (int g = 0; g < 2; g++)
		before[g] = cJSON_GetNumberValue(reply_at(r, totals[g]));
	for (int i = 0; i < 5; i++)
		expect(answered(get(&producer, "/v1/me"), 200));
	expect(is_problem(get(NULL, "/v1/nothing"), 404, "not_found"));
	expect(is_problem(post(NULL, "/v1/auth/login", "{}"), 422, "invalid"));
	/* A worker counts once its answer is out: the last may still be to come. */
	for (int tries = 0; tries < 1000; tries++) {
		r = status();
		for (int g = 0; g < 2; g++)
			after[g] = cJSON_GetNumberValue(reply_at(r, totals[g]));
		if (after[0] - before[0] >= 6 && after[1] - before[1] >= 1)
			break;
	}
	ck_assert_double_eq(after[0] - before[0], 6);
	ck_assert_double_eq(after[1] - before[1], 1);
}
END_TEST

START_TEST(the_public_port_shows_nothing_of_it)
{
	static const char *const paths[] = { "/status", "/metrics", "/", "/status?", "/STATUS", "/%73tatus" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		expect(is_problem(CALL(.path = paths[i], .token = admin.token), 404, "not_found"));
		expect(is_problem(CALL(.path = paths[i], .headers = { "X-Forwarded-For: 127.0.0.1",
								 "Listener: ops", "X-Listener: ops" }),
			404, "not_found"));
	}
}
END_TEST

START_TEST(the_operators_port_serves_no_api)
{
	expect(is_problem(CALL(.path = "/v1/me", .ops = true, .token = admin.token), 404, "not_found"));
	expect(is_problem(CALL(.path = "/v1/auth/login", .ops = true, .body = "{}"), 404, "not_found"));
	expect(is_problem(CALL(.path = "/t/AAAAAAAAAA", .ops = true), 404, "not_found"));
	expect(is_problem(CALL(.method = "POST", .path = "/status", .ops = true), 405, "method_not_allowed"));
	expect(is_problem(CALL(.path = "/status", .ops = true, .headers = { "Host: evil.example" }), 400,
		"bad_request"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_running_task_is_alive_and_ready_on_both_ports,
		a_draining_task_is_not_ready_but_serves,
		the_scoreboard_shows_every_group,
		each_group_has_its_figures,
		a_worker_that_asks_sees_itself_busy,
		every_request_is_counted_in_its_group,
		the_public_port_shows_nothing_of_it,
		the_operators_port_serves_no_api,
	};

	return world_run("health", tests, ARRAY_SIZE(tests));
}
