/* What machines read of the pool: Prometheus text that adds up, and the line of CloudWatch metrics. */
#include <stdlib.h>
#include <string.h>

#include "api/emf.h"
#include "api/metrics.h"
#include "echo_service.h"
#include "http/json.h"
#include "http/response.h"

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

static void serve(int n)
{
	char answer[64];

	for (int i = 0; i < n; i++)
		ck_assert(echo_ask(&pool, GROUP_MAIN, "sleep 1\n", answer, sizeof answer));
	ck_assert(eventually(
		SECONDS(2), pool_view(&pool, GROUP_MAIN).total.at[TALLY_REQUESTS] % (uint64_t)n == 0));
	ck_assert(eventually(SECONDS(2), pool_view(&pool, GROUP_MAIN).idle == 2));
}

static const char *metrics(void)
{
	struct buf out;

	buf_init(&out, &arena, RESPONSE_MAX);
	metrics_write(&out, &pool.conf, pool.board);
	ck_assert(!out.full);
	return out.data;
}

/* The value behind "name{labels} " at the start of a line; fails the test when there is none. */
static double value(const char *text, const char *series)
{
	size_t n = strlen(series);

	for (const char *line = text; line && *line;
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, series, n) == 0 && line[n] == ' ')
			return strtod(line + n, NULL);
	ck_abort_msg("there is no %s", series);
}

START_TEST(counters_are_those_of_the_requests)
{
	pool_start(&pool, &service);
	serve(30);
	const char *text = metrics();
	ck_assert(value(text, "agrobridge_requests_total{group=\"main\"}") == 30);
	ck_assert(value(text, "agrobridge_postgres_seconds_total{group=\"main\"}") ==
		  0.09); /* the service says 3 ms each */
	ck_assert(value(text, "agrobridge_workers{group=\"main\",state=\"idle\"}") == 2);
	ck_assert(value(text, "agrobridge_workers_configured{group=\"login\"}") == 1);
	ck_assert(value(text, "agrobridge_pss_bytes{group=\"main\"}") > 100000);
	ck_assert(value(text, "agrobridge_restarts_total{group=\"main\",reason=\"crash\"}") == 0);
}
END_TEST

START_TEST(histograms_grow_to_their_count)
{
	static const char *const les[] = { "0.000128", "0.001024", "0.016384", "0.262144", "16.777216",
		"+Inf" };
	double before = 0;

	pool_start(&pool, &service);
	serve(20);
	const char *text = metrics();
	for (size_t i = 0; i < ARRAY_SIZE(les); i++) {
		char series[128];
		snprintf(series, sizeof series, "agrobridge_service_seconds_bucket{group=\"main\",le=\"%s\"}",
			les[i]);
		double count = value(text, series);
		ck_assert(count >= before);
		before = count;
	}
	ck_assert(before == 20);
	ck_assert(value(text, "agrobridge_service_seconds_count{group=\"main\"}") == 20);
	ck_assert(value(text, "agrobridge_service_seconds_bucket{group=\"main\",le=\"0.000512\"}") ==
		  0); /* 1 ms at least */
	ck_assert(value(text, "agrobridge_service_seconds_sum{group=\"main\"}") >= 0.02);
}
END_TEST

/* The text format: every sample belongs to the family announced before it, every line is a sample or a comment. */
START_TEST(every_line_is_prometheus_text)
{
	char family[128] = "";

	pool_start(&pool, &service);
	const char *text = metrics();
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		size_t name = strcspn(line, "{ \n");
		if (strncmp(line, "# TYPE ", 7) == 0)
			snprintf(family, sizeof family, "%.*s", (int)strcspn(line + 7, " "), line + 7);
		if (*line == '#')
			continue;
		ck_assert_msg(*family && strncmp(line, family, strlen(family)) == 0 && name >= strlen(family),
			"%.80s", line);
		ck_assert(strncmp(line, "agrobridge_", 11) == 0);
		const char *number = line + strcspn(line, " \n");
		char *end;
		ck_assert_int_eq(*number, ' ');
		strtod(number, &end);
		ck_assert_msg(*end == '\n' && end > number + 1, "%.80s", line);
	}
}
END_TEST

static const struct json *emf(struct emf_before before[GROUP_COUNT])
{
	static const struct conf conf = { .millicores = 2000, .max_tasks = 1, .connections = 100 };
	struct faults faults = { .count = 0 };
	const struct json *root = NULL;
	struct buf out;

	buf_init(&out, &arena, 4096);
	emf_write(&out, &conf, pool.board, INT64_C(1777629600123456), before);
	ck_assert(!out.full);
	ck_assert_ptr_eq(strchr(out.data, '\n'), out.data + out.len - 1); /* one line */
	ck_assert_int_eq(json_parse(&arena, out.data, out.len, &faults, &root), 0);
	return root;
}

/* The specification: a definition under _aws that names members of the same object, and strings as dimensions. */
START_TEST(the_cloudwatch_line_defines_what_it_holds)
{
	struct emf_before before[GROUP_COUNT] = { 0 };

	pool_start(&pool, &service);
	const struct json *root = emf(before), *aws = json_get(root, "_aws");
	ck_assert_str_eq(json_text(json_get(aws, "Timestamp")), "1777629600123");
	const struct json *definition = json_first(json_get(aws, "CloudWatchMetrics"));
	ck_assert_str_eq(json_text(json_get(definition, "Namespace")), "AgroBridge");
	int metrics_named = 0;
	json_for_each (metric, json_get(definition, "Metrics")) {
		const struct json *member = json_get(root, json_text(json_get(metric, "Name")));
		ck_assert_ptr_nonnull(member);
		ck_assert_int_eq(json_type(member), JSON_NUMBER);
		metrics_named++;
	}
	ck_assert_int_ge(metrics_named, 7);
	json_for_each (set, json_get(definition, "Dimensions"))
		json_for_each (dimension, set)
			ck_assert_int_eq(json_type(json_get(root, json_text(dimension))), JSON_STRING);
}
END_TEST

START_TEST(each_cloudwatch_line_counts_from_the_one_before)
{
	struct emf_before before[GROUP_COUNT] = { 0 };

	pool_start(&pool, &service);
	serve(10);
	ck_assert(strtod(json_text(json_get(emf(before), "requests")), NULL) == 10);
	ck_assert(strtod(json_text(json_get(emf(before), "requests")), NULL) == 0);
	serve(5);
	ck_assert(strtod(json_text(json_get(emf(before), "requests")), NULL) == 5);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		counters_are_those_of_the_requests,
		histograms_grow_to_their_count,
		every_line_is_prometheus_text,
		the_cloudwatch_line_defines_what_it_holds,
		each_cloudwatch_line_counts_from_the_one_before,
	};

	return pool_suite_run("metrics", tests, ARRAY_SIZE(tests), setup, teardown);
}
